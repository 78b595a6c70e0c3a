import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Foundation
import Testing

@Suite struct EvaluationResultTests {
    static let retrieval = RetrievalResult(
        firstToSecond: RetrievalMetrics(ranks: [1, 2, 3, 30]), secondToFirst: RetrievalMetrics(ranks: [1, 1, 7]),
        gallery: 4)

    private func gaussian() throws -> GaussianEvaluation {
        let one = Matrix.identity(2)
        let pair = try GaussianPair(GaussianCovariance(uu: one, uv: 0.6 * one, vv: one))
        return try GaussianEvaluation(
            GaussianTilt(pair, similarity: .quadratic, first: one, second: (1.0 / 3) * one), loss: .joint)
    }

    /// The JSON as Foundation decodes it.
    private struct Reading: Decodable {
        struct Retrieval: Decodable {
            let firstToSecond: [String: Double], secondToFirst: [String: Double], gallery: Int
        }
        struct Gaussian: Decodable {
            let couplingError: Double, singularValues: [Double], subspaceAngles: [Double], secondGram: [Double]
        }
        let step: Int, retrieval: Retrieval, classification: [String: Double], gaussian: Gaussian
    }

    /// The JSON has the fixed keys and the exact numbers.
    @Test func jsonHasTheFixedKeysAndTheNumbers() throws {
        let gaussian = try gaussian()
        let result = EvaluationResult(
            step: 1500, retrieval: Self.retrieval,
            classification: ClassificationResult(top1: 0.1 + 0.2, top1WithPrior: 0.4, classes: 10, count: 10_000),
            probe: LinearProbeResult(
                top1: 0.75, logLoss: .infinity, perClass: nil, trainingCount: 30, penalty: 0.5, iterations: 12,
                hasConverged: true, count: 8),
            gaussian: gaussian)
        let text = Data(result.jsonText.utf8)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let read = try decoder.decode(Reading.self, from: text)
        #expect(read.step == 1500 && read.retrieval.gallery == 4)
        let scores = Self.retrieval.firstToSecond
        #expect(
            read.retrieval.firstToSecond == [
                "recall_at_1": scores.recallAt1, "recall_at_5": scores.recallAt5, "recall_at_10": scores.recallAt10,
                "median_rank": scores.medianRank, "mean_reciprocal_rank": scores.meanReciprocalRank,
            ])
        #expect(
            read.retrieval.secondToFirst["mean_reciprocal_rank"] == Self.retrieval.secondToFirst.meanReciprocalRank)
        #expect(read.classification == ["top1": 0.1 + 0.2, "top1_with_prior": 0.4, "classes": 10, "count": 10_000])
        #expect(
            read.gaussian.couplingError == gaussian.couplingError
                && read.gaussian.singularValues == gaussian.singularValues)
        #expect(read.gaussian.secondGram == gaussian.secondGram)
        #expect(read.gaussian.subspaceAngles == gaussian.firstAngles + gaussian.secondAngles)
        let object = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
        #expect(Set(object.keys) == ["step", "retrieval", "classification", "probe", "gaussian"])
        let probe = try #require(object["probe"] as? [String: Any])
        #expect(
            probe["top1"] as? Double == 0.75 && probe["penalty"] as? Double == 0.5
                && probe["converged"] as? Bool == true)
        #expect(
            probe["iterations"] as? Int == 12 && probe["count"] as? Int == 8 && probe["training_count"] as? Int == 30)
        // Infinity and nil become null.
        #expect(probe["log_loss"] is NSNull && probe["per_class"] is NSNull && probe.count == 8)
        #expect(
            Set(try #require(object["gaussian"] as? [String: Any]).keys) == [
                "coupling_error", "singular_values", "exact_singular_values", "subspace_angles",
                "conditional_mean_error", "first_gram", "second_gram", "exact_first_gram", "exact_second_gram",
            ])
    }

    @Test func missingSectionsHaveNoKeyAndUnknownValuesAreNull() throws {
        #expect(EvaluationResult(step: 3).jsonText == "{\n  \"step\": 3\n}\n")
        let one = Matrix.identity(1), pair = try GaussianPair(GaussianCovariance(uu: one, uv: 0.5 * one, vv: one))
        let gaussian = try GaussianEvaluation(
            GaussianTilt(pair, similarity: .cosine, first: one, second: one), loss: .joint)
        let text = EvaluationResult(step: 0, gaussian: gaussian).jsonText
        #expect(text.contains("\"coupling_error\": null") && text.contains("\"first_gram\": null"))
    }

    @Test func tableShowsLearnedAndExactValues() throws {
        let result = EvaluationResult(
            step: 1500, retrieval: Self.retrieval,
            classification: ClassificationResult(top1: 0.98765, top1WithPrior: 0.5, classes: 10, count: 10_000),
            gaussian: try gaussian())
        let lines = result.table.split(separator: "\n").map(String.init)
        #expect(
            lines.contains {
                $0.contains("first to second") && $0.contains("25.00 %") && $0.contains("75.00 %") && $0.contains("2.5")
            })
        #expect(lines.contains { $0.contains("top-1 98.77 %, with the prior of the labels 50.00 %") })
        #expect(lines.contains { $0.contains("singular value, learned") && $0.contains("0.3333") })
        // Quadratic × joint at σ = 0.6: 0.6 / (2 · 0.4).
        #expect(lines.contains { $0.contains("first gram, exact") && $0.contains("0.7500") })
    }
}
