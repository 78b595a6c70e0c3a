import CoupletText

/// What an evaluation found at one step of a run. What a source does not allow (no classes, no Gaussian, no held-out pairs) is nil.
public struct EvaluationResult: Equatable, Sendable {
    public let step: Int
    public let retrieval: RetrievalResult?
    public let classification: ClassificationResult?
    public let probe: LinearProbeResult?
    public let gaussian: GaussianEvaluation?
    public let identifiability: IdentifiabilityResult?

    public init(
        step: Int, retrieval: RetrievalResult? = nil, classification: ClassificationResult? = nil,
        probe: LinearProbeResult? = nil,
        gaussian: GaussianEvaluation? = nil, identifiability: IdentifiabilityResult? = nil
    ) {
        self.step = step
        self.retrieval = retrieval
        self.classification = classification
        self.probe = probe
        self.gaussian = gaussian
        self.identifiability = identifiability
    }

    /// `{step, retrieval, classification, probe, gaussian, identifiability}`; a section that is nil has no key.
    public var json: JSONValue {
        let sections = [
            ("retrieval", retrieval?.json), ("classification", classification?.json), ("probe", probe?.json),
            ("gaussian", gaussian?.json),
            ("identifiability", identifiability?.json),
        ]
        return .object([("step", .integer(step))] + sections.compactMap { key, value in value.map { (key, $0) } })
    }

    /// As a JSON text with a line feed at its end.
    public var jsonText: String { json.indentedText() + "\n" }
}
