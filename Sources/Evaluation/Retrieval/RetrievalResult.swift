import CoupletText

/// Retrieval both ways over a gallery of held-out pairs.
public struct RetrievalResult: Equatable, Sendable {
    /// Queries of the first modality among candidates of the second, and the other way.
    public let firstToSecond: RetrievalMetrics, secondToFirst: RetrievalMetrics
    /// How many pairs: the number of queries, and of candidates of each.
    public let gallery: Int

    public init(firstToSecond: RetrievalMetrics, secondToFirst: RetrievalMetrics, gallery: Int) {
        self.firstToSecond = firstToSecond
        self.secondToFirst = secondToFirst
        self.gallery = gallery
    }

    var json: JSONValue {
        .object([
            ("first_to_second", firstToSecond.json), ("second_to_first", secondToFirst.json),
            ("gallery", .integer(gallery)),
        ])
    }
}
