import Evaluation
import Foundation
import Objectives
import Tensors
import Testing

@Suite struct EvaluationResultTests {
    static let retrieval = RetrievalResult(
        firstToSecond: RetrievalScores(ranks: [1, 2, 3, 30]), secondToFirst: RetrievalScores(ranks: [1, 1, 7]), gallery: 4)

    private func gaussian() throws -> GaussianEvaluation {
        let one = Matrix.identity(2)
        let pair = try GaussianPair(GaussianCovariance(uu: one, uv: 0.6 * one, vv: one))
        return try GaussianEvaluation(GaussianTilt(pair, similarity: .quadratic, first: one, second: (1.0 / 3) * one), loss: .joint)
    }

    /// The keys of the design, read by another parser, with every number whole.
    @Test func jsonHasTheFixedKeysAndTheNumbers() throws {
        let gaussian = try gaussian()
        let result = EvaluationResult(
            step: 1500, retrieval: Self.retrieval, classification: ClassificationResult(top1: 0.1 + 0.2, classes: 10, count: 10_000),
            gaussian: gaussian)
        let read = try #require(try JSONSerialization.jsonObject(with: Data(result.jsonText.utf8)) as? [String: Any])
        #expect(Set(read.keys) == ["step", "retrieval", "classification", "gaussian"])
        #expect(read["step"] as? Int == 1500)
        let retrieval = try #require(read["retrieval"] as? [String: Any])
        #expect(Set(retrieval.keys) == ["first_to_second", "second_to_first", "gallery"])
        let scores = try #require(retrieval["first_to_second"] as? [String: Double])
        #expect(Set(scores.keys) == ["recall_at_1", "recall_at_5", "recall_at_10", "median_rank", "mean_reciprocal_rank"])
        #expect(scores["mean_reciprocal_rank"] == Self.retrieval.firstToSecond.meanReciprocalRank)
        let classification = try #require(read["classification"] as? [String: Any])
        #expect(classification["top1"] as? Double == 0.30000000000000004)
        #expect(Set(classification.keys) == ["top1", "classes", "count"])
        let found = try #require(read["gaussian"] as? [String: Any])
        #expect(
            Set(found.keys) == [
                "coupling_error", "singular_values", "exact_singular_values", "subspace_angles", "conditional_mean_error", "first_gram",
                "second_gram", "exact_first_gram", "exact_second_gram",
            ])
        #expect(found["singular_values"] as? [Double] == gaussian.singularValues)
        #expect(found["coupling_error"] as? Double == gaussian.couplingError)
        #expect(found["second_gram"] as? [Double] == gaussian.secondGram)
    }

    @Test func whatIsMissingHasNoKeyAndWhatIsUnknownIsNull() throws {
        #expect(EvaluationResult(step: 3).jsonText == "{\n  \"step\": 3\n}\n")
        let one = Matrix.identity(1), pair = try GaussianPair(GaussianCovariance(uu: one, uv: 0.5 * one, vv: one))
        let gaussian = try GaussianEvaluation(GaussianTilt(pair, similarity: .cosine, first: one, second: one), loss: .joint)
        let text = EvaluationResult(step: 0, gaussian: gaussian).jsonText
        #expect(text.contains("\"coupling_error\": null") && text.contains("\"first_gram\": null"))
    }

    @Test(arguments: [1.0 / 3, 1e-300, 5e-324, 1.7976931348623157e308, -0.0, 123456789012345680, 1e22])
    func numbersRoundTrip(_ value: Double) throws {
        let read = try JSONSerialization.jsonObject(with: Data("[\(JSONValue.number(value).text)]".utf8)) as? [Double]
        #expect(read == [value])
    }

    @Test func stringsAreEscaped() throws {
        let string = "a \"b\" \\ \n\t\u{1} ü 漢"
        let read = try JSONSerialization.jsonObject(with: Data(JSONValue.object([(string, .string(string))]).text.utf8)) as? [String: String]
        #expect(read == [string: string])
        #expect(JSONValue.number(.infinity).text == "null")
    }

    @Test func theTableShowsLearnedBesideExact() throws {
        let result = EvaluationResult(
            step: 1500, retrieval: Self.retrieval, classification: ClassificationResult(top1: 0.98765, classes: 10, count: 10_000),
            gaussian: try gaussian())
        let lines = result.table.split(separator: "\n").map(String.init)
        #expect(lines.contains { $0.contains("first to second") && $0.contains("25.00 %") && $0.contains("75.00 %") && $0.contains("2.5") })
        #expect(lines.contains { $0.contains("top-1 98.77 %") })
        #expect(lines.contains { $0.contains("singular value, learned") && $0.contains("0.3333") })
        // Quadratic × joint at σ = 0.6: 0.6 / (2 · 0.4).
        #expect(lines.contains { $0.contains("first gram, exact") && $0.contains("0.7500") })
    }
}
