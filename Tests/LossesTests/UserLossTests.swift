import CoupletLosses
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// Losses written through the public protocols equal the built-in losses with the same formula.
/// `PairwiseEngineTests` and `LpSimCLRAndNTXentTests` compare them with formulas in Double as well.
@Suite struct UserLossTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let user: any Loss, builtIn: any Loss
        var testDescription: String { "\(user.title) as \(builtIn.title)" }
    }

    static let distance = LpDistance(order: .two, power: false)

    static let cases = [
        Case(
            user: AnchorEntropyLoss(distance: distance),
            builtIn: .lpSimCLR(distance: distance, negatives: .otherModality)),
        Case(
            user: AnchorEntropyLoss(comparedSets: .secondBatch, distance: distance),
            builtIn: .lpSimCLR(distance: distance, negatives: .sameModality)),
        Case(user: AnchorEntropyLoss(comparedSets: .allEncodings), builtIn: .ntXent),
        Case(user: JointEntropyLoss(), builtIn: .joint),
        Case(user: LogisticLoss(), builtIn: .sigmoid),
    ]

    private func run(_ loss: any Loss, _ similarity: Similarity, workers: Int) throws -> EngineRun {
        let sets = LpSimCLRAndNTXentTests.sets(8 * 37, 40)
        return try EngineRun(
            first: sets[0], second: sets[1], shards: 8, similarity: similarity, loss: loss, temperature: 0.5,
            tileMemory: 1 << 24, workers: workers, bias: loss.usesBias ? -1.7 : 0,
            secondBatch: loss.usesSecondBatch ? (sets[2], sets[3]) : nil)
    }

    private func expectEqual(_ run: EngineRun, _ expected: EngineRun) {
        func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-6 * max(1, abs(b)) }
        #expect(close(run.loss, expected.loss) && close(run.meanPairLoss, run.loss))
        #expect(close(run.inverseTemperatureGradient, expected.inverseTemperatureGradient))
        #expect(close(run.biasGradient, expected.biasGradient))
        let pairs = zip(
            [run.firstGradient, run.secondGradient] + run.secondBatchGradients,
            [expected.firstGradient, expected.secondGradient] + expected.secondBatchGradients)
        for (gradient, exact) in pairs {
            #expect(PairwiseEngineTests.relativeError(gradient, PairwiseEngineTests.rows(exact)) <= 1e-6)
        }
    }

    @Test(arguments: cases, Similarity.allCases)
    func equalsTheBuiltInLoss(_ example: Case, _ similarity: Similarity) throws {
        let user = try run(example.user, similarity, workers: 1)
        expectEqual(user, try run(example.builtIn, similarity, workers: 1))
        for workers in [2, 4] { #expect(try run(example.user, similarity, workers: workers).equalsBits(of: user)) }
    }

    /// InfoNCE: the conditional loss is larger by log N.
    @Test(arguments: Similarity.allCases) func crossEntropiesAreTheConditionalLoss(_ similarity: Similarity) throws {
        let user = try run(AnchorEntropyLoss(), similarity, workers: 2)
        let builtIn = try run(.conditional(first: 0.5, second: 0.5), similarity, workers: 2)
        #expect(abs(builtIn.loss - user.loss - log(8 * 37)) <= 1e-6)
        for (a, b) in [(user.firstGradient, builtIn.firstGradient), (user.secondGradient, builtIn.secondGradient)] {
            #expect(PairwiseEngineTests.relativeError(a, PairwiseEngineTests.rows(b)) <= 1e-6)
        }
    }

    /// A closed form for the loss does not need one for its minimiser.
    @Test func gaussianClosedFormsAreOptional() throws {
        let pair = try GaussianPair(GaussianCovariance.withCorrelations([0.8, 0.5], first: 3, second: 2))
        for similarity in [Similarity.innerProduct, .quadratic] {
            #expect(GaussianPopulationLoss(similarity: similarity, loss: AnchorEntropyLoss()) == nil)
            let user = try #require(GaussianPopulationLoss(similarity: similarity, loss: JointEntropyLoss()))
            let joint = try #require(GaussianPopulationLoss(similarity: similarity, loss: .joint))
            #expect(
                user.value(first: 0.4, second: 0.7, correlation: 0.3)
                    == joint.value(first: 0.4, second: 0.7, correlation: 0.3))
            #expect(GaussianMinimizer(pair, similarity: similarity, loss: JointEntropyLoss(), rank: 2) == nil)
        }
    }
}
