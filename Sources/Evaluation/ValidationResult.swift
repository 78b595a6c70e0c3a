import CoupletText

/// The figures of an evaluation of validation pairs, beside those of the test pairs. Choices are made by them, so that
/// the figures of the test pairs stay honest.
public struct ValidationResult: Equatable, Sendable {
    public let retrieval: RetrievalResult?
    public let classification: ClassificationResult?
    public let loss: HeldOutLoss?
    public let encodings: EncodingStatistics?
    public let metrics: [MetricResult]

    public init(
        retrieval: RetrievalResult? = nil, classification: ClassificationResult? = nil, loss: HeldOutLoss? = nil,
        encodings: EncodingStatistics? = nil, metrics: [MetricResult] = []
    ) {
        self.retrieval = retrieval
        self.classification = classification
        self.loss = loss
        self.encodings = encodings
        self.metrics = metrics
    }

    /// The sections as in `EvaluationResult.json`.
    var json: JSONValue {
        let sections: [(String, JSONValue?)] =
            [
                ("retrieval", retrieval?.json), ("classification", classification?.json), ("loss", loss?.json),
                ("encodings", encodings?.json),
            ] + metrics.map { ($0.name, $0.json) }
        return .object(sections.compactMap { key, value in value.map { (key, $0) } })
    }

    /// The main figures in one line.
    var table: String {
        let figures = [
            retrieval.map {
                "mean reciprocal rank " + NumberText.fixed($0.firstToSecond.meanReciprocalRank) + " and "
                    + NumberText.fixed($0.secondToFirst.meanReciprocalRank)
            }, classification.map { "top-1 " + NumberText.percent($0.top1) },
            loss.map { "loss \(NumberText.fixed($0.mean))" },
        ].compactMap(\.self)
        let count = retrieval.map { "\($0.gallery) " } ?? ""
        return "on \(count)validation pairs: \(figures.joined(separator: ", "))\n"
    }
}
