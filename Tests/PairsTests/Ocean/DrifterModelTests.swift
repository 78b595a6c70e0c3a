import CoupletPairs
import CoupletTensors
import Testing

@Suite struct DrifterModelTests {
    /// 70 flows, so that blocks of flows end within them.
    private static let numbers = (0..<70).map { UInt64($0) * 5 + 1 }

    @Test(arguments: oceanSpecifications) func positionsMatchRungeKuttaInDouble(specification: OceanSpecification) {
        let source = OceanSource(specification, seed: 8), model = source.drifterModel
        let z = source.flows(.training, Self.numbers), firsts = starts(of: source.tracks(.training, Self.numbers))
        // Starts outside the square, too: tracks are not wrapped.
        for i in 0..<10 { firsts[2 * i * specification.drifters] -= 2 }
        let positions = model.positions(flows: z, starts: firsts)
        let (drifters, times) = (specification.drifters, specification.times)
        #expect(positions.shape == [70, drifters, times + 1, 2])
        var largest = 0.0
        for (row, flow) in naiveFlows(z, source.prior).enumerated() {
            for drifter in 0..<drifters {
                let i = row * drifters + drifter
                let start = SIMD2(Double(firsts[2 * i]), Double(firsts[2 * i + 1]))
                let track = flow.track(from: start, times: times, stepsPerTime: specification.stepsPerTime)
                for (time, point) in track.enumerated() {
                    for axis in 0..<2 {
                        let found = Double(positions[(i * (times + 1) + time) * 2 + axis])
                        largest = max(largest, abs(found - point[axis]))
                    }
                }
            }
        }
        #expect(largest <= 1e-5)
        // The bits of a flow's tracks do not depend on the others.
        for row in [0, 1, 63, 64, 69] {
            let own = model.positions(flows: z.rows(row..<row + 1), starts: firsts.rows(row..<row + 1))
            #expect((own.values == positions.rows(row..<row + 1).values) as Bool)
        }
    }

    /// A drifter stays on its stream line.
    @Test func streamFunctionIsConserved() {
        let source = OceanSource(.init(times: 8, stepsPerTime: 64), seed: 11), prior = source.prior
        let numbers = Array(Self.numbers.prefix(20)), z = source.flows(.heldOut, numbers)
        let positions = source.drifterModel.positions(
            flows: z, starts: starts(of: source.tracks(.heldOut, numbers)))
        var moved = 0.0
        for (row, flow) in naiveFlows(z, prior).enumerated() {
            for drifter in 0..<8 {
                let track = (0..<18).map { Double(positions[(row * 8 + drifter) * 18 + $0]) }
                let start = flow.streamFunction(track[0], track[1]), end = flow.streamFunction(track[16], track[17])
                #expect(abs(end - start) <= 1e-4 * prior.streamFunctionDeviation)
                moved = max(moved, abs(track[16] - track[0]))
            }
        }
        #expect(moved > 0.2)
    }

    @Test(arguments: oceanSpecifications) func logLikelihoodsMatchANaiveSum(specification: OceanSpecification) {
        let source = OceanSource(specification, seed: 10), model = source.drifterModel
        let z = source.flows(.heldOut, Self.numbers), flows = naiveFlows(z, source.prior)
        let (drifters, times) = (specification.drifters, specification.times)
        for set in [0, 40] {
            let tracks = source.tracks(.heldOut, [Self.numbers[set]])
            let found = model.logLikelihoods(tracks: tracks, flows: z)
            #expect(found.count == flows.count)
            for (row, flow) in flows.enumerated() {
                var misfit = 0.0
                for drifter in 0..<drifters {
                    func observed(_ time: Int) -> SIMD2<Double> {
                        let index = (drifter * (times + 1) + time) * 2
                        return SIMD2(Double(tracks[index]), Double(tracks[index + 1]))
                    }
                    let track = flow.track(
                        from: observed(0), times: times, stepsPerTime: specification.stepsPerTime)
                    for time in 1...times {
                        let difference = observed(time) - track[time]
                        misfit += difference.x * difference.x + difference.y * difference.y
                    }
                }
                let expected = -misfit / (2 * specification.noise * specification.noise)
                #expect(abs(found[row] - expected) <= 1e-4 * (1 + abs(expected)), "\(set), \(row)")
            }
            // The bits of one flow's value do not depend on the others.
            for row in [0, 63, 64, 69] {
                #expect(model.logLikelihoods(tracks: tracks, flows: z.rows(row..<row + 1)) == [found[row]])
            }
        }
        let tracks = source.tracks(.heldOut, [0])
        #expect(model.logLikelihoods(tracks: tracks, flows: Tensor([0, source.prior.dimension])).isEmpty)
    }
}
