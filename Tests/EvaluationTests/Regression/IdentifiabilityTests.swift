import CoupletEvaluation
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct IdentifiabilityTests {
    /// A function from (c, s, m) to an encoding.
    private typealias Encoder = @Sendable (_ c: [Double], _ s: [Double], _ m: [Double]) -> [Double]

    /// Samples with two independent components of each factor.
    private static func samples(_ count: Int, number: UInt64, _ encoder: Encoder) -> LatentSamples {
        let blocks = (0..<5).map { RegressionFixture.normals(count, 2, number: 10 * number + UInt64($0)) }
        func row(_ block: Int, _ i: Int) -> [Double] { [blocks[block][i, 0], blocks[block][i, 1]] }
        func encode(style: Int, modality: Int, content: (Int) -> Int) -> Matrix {
            let rows = (0..<count).map { encoder(row(0, content($0)), row(style, $0), row(modality, $0)) }
            return RegressionFixture.matrix(count, rows[0].count) { rows[$0][$1] }
        }
        func next(_ i: Int) -> Int { (i + 1) % count }
        return LatentSamples(
            encodings: .init(
                first: encode(style: 1, modality: 3) { $0 }, second: encode(style: 2, modality: 4) { $0 }),
            factors: zip(["c", "s", "s_perturbed", "m1", "m2"], blocks).map { .init(name: $0, values: $1) },
            swapped: .init(
                encodings: .init(
                    first: encode(style: 1, modality: 3, content: next),
                    second: encode(style: 2, modality: 4, content: next)),
                content: RegressionFixture.matrix(count, 2) { row(0, next($0))[$1] }))
    }

    private static func evaluate(_ count: Int, _ regressors: [Regressor], workers: Int = 2, _ encoder: Encoder) throws
        -> IdentifiabilityResult
    {
        let fitting = samples(count, number: 1, encoder), scoring = samples(count, number: 2, encoder)
        return try runWorkers(workers) {
            try Identifiability(regressors: regressors, seed: 3).evaluate(
                fitting: fitting, scoring: scoring, communicator: $0)
        }
    }

    /// An invertible function of the content alone.
    private static let contentEncoder: Encoder = { c, _, _ in [c[0] + 0.2 * c[1] * c[1], c[1] - 3] }

    private static func score(_ factors: [IdentifiabilityResult.Factor], _ name: String, _ regressor: Regressor) throws
        -> Double
    {
        try #require(factors.first { $0.name == name }?.scores[regressor])
    }

    @Test func invertibleFunctionOfTheContentBlockIdentifiesIt() throws {
        let found = try Self.evaluate(600, [.kernelRidge, .linear], Self.contentEncoder)
        #expect(found.samples == 600 && found.regressors == [.linear, .kernelRidge])
        for factors in [found.first, found.second] {
            #expect(factors.map(\.name) == ["c", "s", "s_perturbed", "m1", "m2", "c_permuted"])
            #expect(
                try Self.score(factors, "c", .kernelRidge) >= 0.99
                    && Self.score(factors, "c_permuted", .kernelRidge) >= 0.99)
            for name in ["s", "s_perturbed", "m1", "m2"] {
                #expect(abs(try Self.score(factors, name, .kernelRidge)) <= 0.05)
            }
        }
        #expect(try #require(found.fromContent?.first[.kernelRidge]) >= 0.99)
        #expect(try #require(found.fromContent?.first[.linear]) < 0.99)
        #expect(try #require(found.meanCorrelation).first >= 0.9)
    }

    @Test func encodingOfTheStyleDoesNotIdentifyTheContent() throws {
        let found = try Self.evaluate(400, [.kernelRidge]) { _, s, _ in [s[0], s[1] * abs(s[1])] }
        #expect(abs(try Self.score(found.first, "c", .kernelRidge)) <= 0.05)
        #expect(abs(try Self.score(found.first, "c_permuted", .kernelRidge)) <= 0.05)
        #expect(
            try Self.score(found.first, "s", .kernelRidge) >= 0.95
                && Self.score(found.second, "s_perturbed", .kernelRidge) >= 0.95)
        #expect(abs(try #require(found.fromContent?.first[.kernelRidge])) <= 0.05)
    }

    /// The encoding is content plus noise of one modality, so each explains half of its variance.
    @Test func modalityNoiseIsDetectedInBothDirections() throws {
        let found = try Self.evaluate(2_000, [.linear]) { c, _, m in [c[0] + m[0], c[1] + m[1]] }
        for score in [
            try Self.score(found.first, "c", .linear), try Self.score(found.first, "m1", .linear),
            try #require(found.fromContent?.first[.linear]),
        ] {
            #expect(abs(score - 0.5) <= 0.08, "\(score)")
        }
    }

    @Test func collapsedEncoderExplainsNothing() throws {
        let found = try Self.evaluate(90, Regressor.allCases) { _, _, _ in [0.1, -7] }
        for factor in found.first + found.second {
            for regressor in Regressor.allCases {
                #expect(abs(try #require(factor.scores[regressor])) <= 0.2, "\(factor)")
            }
        }
        let back = try #require(found.fromContent)
        #expect(Regressor.allCases.allSatisfy { back.first[$0] == 0 && back.second[$0] == 0 })
        let correlation = try #require(found.meanCorrelation)
        #expect(correlation.first <= 1e-12 && correlation.second <= 1e-12)
    }

    @Test func bitsDoNotDependOnTheNumberOfWorkers() throws {
        let encoder: Encoder = { c, s, m in [c[0] + 0.2 * s[1], c[1] * c[0], m[0]] }
        let one = try Self.evaluate(64, Regressor.allCases, workers: 1, encoder)
        for workers in [2, 3, 4] {
            #expect(try Self.evaluate(64, Regressor.allCases, workers: workers, encoder) == one)
        }
    }

    @Test func sourceWithoutContentHasNoContentScores() throws {
        let whole = Self.samples(60, number: 1, Self.contentEncoder)
        let samples = LatentSamples(
            encodings: whole.encodings, factors: Array(whole.factors[1...2]), swapped: nil)
        let found = try runWorkers(1) {
            try Identifiability(regressors: [.linear], seed: 1).evaluate(
                fitting: samples, scoring: samples, communicator: $0)
        }
        #expect(
            found.first.map(\.name) == ["s", "s_perturbed"] && found.fromContent == nil && found.meanCorrelation == nil)
        let text = EvaluationResult(step: 1, identifiability: found).json
        #expect(
            text["identifiability"]?["from_content"] == nil
                && text["identifiability"]?["first"]?["s"]?["linear"]?.number != nil)
    }

    @Test func impossibleEvaluationsAreErrors() throws {
        let few = Self.samples(5, number: 1, Self.contentEncoder)
        #expect {
            try runWorkers(1) {
                try Identifiability(regressors: [.linear], seed: 1).evaluate(
                    fitting: few, scoring: few, communicator: $0)
            }
        } throws: {
            "\($0)".contains("5 samples")
        }
        #expect { try Self.evaluate(20, [.linear], workers: 1) { c, _, _ in [c[0], .nan] } } throws: {
            "\($0)".contains("the first encoding of sample 0 holds nan")
        }
    }

    @Test func tableHasOneRowPerFactorAndOneColumnPerRegressor() throws {
        let lines = EvaluationResult(
            step: 2, identifiability: try Self.evaluate(60, [.linear, .kernelRidge], Self.contentEncoder)
        ).table.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("latent factors from encodings, fitted on 60 samples") })
        let head = try #require(lines.first { $0.contains("first, linear") })
        #expect(
            head.contains("first, kernel ridge") && head.contains("second, linear")
                && head.contains("second, kernel ridge"))
        for name in ["c ", "s_perturbed ", "c_permuted ", "encoding, from c "] {
            #expect(lines.contains { $0.hasPrefix("  \(name)") })
        }
        #expect(lines.contains { $0.contains("mean correlation of encodings and c: first 0.9") })
    }
}
