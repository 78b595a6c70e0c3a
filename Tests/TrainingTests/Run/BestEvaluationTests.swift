import CoupletTraining
import Testing

@Suite struct BestEvaluationTests {
    private func evaluated(
        _ values: [Double?], _ settings: Configuration.Train.Best = .init(), minimumChange: Double = 0
    ) -> (best: BestEvaluation, isBest: [Bool], waiting: [Int]) {
        var best = BestEvaluation(settings), isBest: [Bool] = [], waiting: [Int] = []
        for (index, value) in values.enumerated() {
            isBest.append(best.evaluated(step: 10 * (index + 1), value: value, minimumChange: minimumChange))
            waiting.append(best.evaluationsWithoutImprovement)
        }
        return (best, isBest, waiting)
    }

    @Test func theFirstOfEqualValuesIsTheBest() {
        let (best, isBest, waiting) = evaluated([0.2, 0.4, 0.4, 0.3, 0.5])
        #expect(isBest == [true, true, false, false, true] && waiting == [0, 0, 1, 2, 0])
        #expect(best.best?.step == 50 && best.best?.value == 0.5)
    }

    @Test func aLossIsMinimized() {
        let (best, isBest, _) = evaluated([3, 2, 2.5, .nan, 1], .init(metric: "loss.mean"))
        #expect(isBest == [true, true, false, false, true] && best.goal == .minimize)
    }

    /// A missing value and one that is not finite are no improvement, also as the first.
    @Test func aValueThatIsNotFiniteIsNoImprovement() {
        let (best, isBest, waiting) = evaluated([nil, .nan, .infinity, 0.1, nil])
        #expect(isBest == [false, false, false, true, false] && waiting == [1, 2, 3, 0, 1])
        #expect(best.best?.step == 40)
    }

    /// A smaller change makes a checkpoint the best one, but does not reset the patience. Changes are measured from the
    /// last improvement, so slow progress counts in the end.
    @Test func smallChangesDoNotPostponeTheEnd() {
        let (best, isBest, waiting) = evaluated([0.5, 0.505, 0.51, 0.515], minimumChange: 0.0125)
        #expect(isBest == [true, true, true, true] && waiting == [0, 1, 2, 0])
        #expect(best.isExhausted(.init(patience: 1)) == false)
        let (flat, _, _) = evaluated([0.5, 0.505, 0.51], minimumChange: 0.0125)
        #expect(flat.isExhausted(.init(patience: 2)) && !flat.isExhausted(.init(patience: 3)) && !flat.isExhausted(nil))
    }

    @Test func aCheckpointHoldsItExactly() {
        for values: [Double?] in [[], [nil], [0.1, 1.0 / 3, 0.2], [0.1 + 0.2, 1e-300]] {
            let best = evaluated(values).best
            let restored = BestEvaluation(text: BestEvaluation.text(in: best.scalars))
            #expect(restored == best && restored?.best?.value == best.best?.value)
        }
        #expect(BestEvaluation(text: "") == nil && BestEvaluation(text: "{}") == nil)
    }
}
