import CoupletText
import Foundation

extension RetrievalBenchmark {
    /// The bytes of the gallery's encodings, in MiB.
    var galleryMiB: Double { Double(gallery * dimension * MemoryLayout<Float>.stride) / 1_048_576 }

    /// What was asked, how long it took, what came out.
    package func json(_ result: Result) -> JSONValue {
        let asked: [(String, JSONValue)] = [
            ("benchmark", .string("retrieve")), ("queries", .integer(queries)), ("gallery", .integer(gallery)),
            ("dim", .integer(dimension)),
            ("top", .integer(search.top)), ("similarity", .string(search.similarity.rawValue)),
            ("temperature", .number(search.temperature)),
            ("gallery_mib", .number(galleryMiB)),
        ]
        return .object(
            asked + result.benchmark.members + [
                ("best", .integer(result.best)), ("probability", .number(result.probability)),
                ("effective_candidates", .number(result.effectiveCandidates)),
            ])
    }

    /// Lines to read.
    package func text(_ result: Result) -> String {
        """
        the best \(search.top) for each of \(queries) queries among \(gallery) encodings of \(dimension) numbers, with probabilities
        \(result.benchmark.text)
        gallery  \(String(format: "%.1f", galleryMiB)) MiB of that
        found    row \(result.best) for query 0, probability \(result.probability); \
        \(String(format: "%.1f", result.effectiveCandidates)) effective candidates a query
        """
    }
}
