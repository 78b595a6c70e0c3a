import CoupletText

/// The metrics of an evaluation at one step of a run. A section is nil if the source does not support it (no classes,
/// not a Gaussian, no held-out pairs).
public struct EvaluationResult: Equatable, Sendable {
    public let step: Int
    public let retrieval: RetrievalResult?
    public let classification: ClassificationResult?
    public let probe: LinearProbeResult?
    public let gaussian: GaussianEvaluation?
    public let identifiability: IdentifiabilityResult?
    public let loss: HeldOutLoss?
    /// τ of the loss.
    public let temperature: Double?
    public let encodings: EncodingStatistics?
    /// Figures of the validation pairs, by which a run may choose something; the other sections are of the test pairs.
    public let validation: ValidationResult?
    /// The figures of the metrics that the config names, in its order.
    public let metrics: [MetricResult]

    /// The keys of the JSON, which metrics cannot have as names.
    static let sectionNames = [
        "step", "retrieval", "classification", "probe", "gaussian", "identifiability", "loss", "temperature",
        "encodings", "validation",
    ]

    /// - Parameter metrics: results with different names that are not the name of another section.
    public init(
        step: Int, retrieval: RetrievalResult? = nil, classification: ClassificationResult? = nil,
        probe: LinearProbeResult? = nil, gaussian: GaussianEvaluation? = nil,
        identifiability: IdentifiabilityResult? = nil, loss: HeldOutLoss? = nil, temperature: Double? = nil,
        encodings: EncodingStatistics? = nil, validation: ValidationResult? = nil, metrics: [MetricResult] = []
    ) {
        let names = Self.sectionNames + metrics.map(\.name)
        precondition(Set(names).count == names.count, "two sections of an evaluation have one name: \(names)")
        self.step = step
        self.retrieval = retrieval
        self.classification = classification
        self.probe = probe
        self.gaussian = gaussian
        self.identifiability = identifiability
        self.loss = loss
        self.temperature = temperature
        self.encodings = encodings
        self.validation = validation
        self.metrics = metrics
    }

    /// `{step, retrieval, classification, probe, gaussian, identifiability, loss, temperature, encodings, validation}`,
    /// then a key for each metric: its figure, or an object of its figures. A section that is nil has no key.
    public var json: JSONValue {
        let sections: [(String, JSONValue?)] =
            [
                ("retrieval", retrieval?.json), ("classification", classification?.json), ("probe", probe?.json),
                ("gaussian", gaussian?.json), ("identifiability", identifiability?.json),
                ("loss", loss?.json), ("temperature", temperature.map { .number($0) }), ("encodings", encodings?.json),
                ("validation", validation?.json),
            ] + metrics.map { ($0.name, $0.json) }
        return .object([("step", .integer(step))] + sections.compactMap { key, value in value.map { (key, $0) } })
    }

    /// The JSON as indented text with a final line feed.
    public var jsonText: String { json.indentedText() + "\n" }
}

// MARK: - Table

extension EvaluationResult {
    /// The metrics as text tables, with shares in percent, and exact values below the learned ones.
    public var table: String {
        var sections = ["step \(step)\n"]
        if let retrieval { sections.append(Self.table(retrieval)) }
        if let classification {
            let prior =
                classification.top1WithPrior.map { ", with the prior of the labels \(NumberText.percent($0))" } ?? ""
            sections.append(
                "classification of \(classification.count) samples into \(classification.classes) classes: "
                    + "top-1 \(NumberText.percent(classification.top1))\(prior)\n" + Self.remarks(classification))
        }
        if let probe { sections.append(Self.table(probe)) }
        if let gaussian { sections.append(Self.table(gaussian)) }
        if let identifiability { sections.append(identifiability.table) }
        if let loss { sections.append(loss.table) }
        if let encodings { sections.append(encodings.table) }
        if !metrics.isEmpty {
            var table = TextTable()
            for row in metrics.flatMap(\.rows) { table.add(row) }
            sections.append("metrics of held-out pairs\n" + table.text())
        }
        if let validation { sections.append(validation.table) }
        return sections.joined(separator: "\n")
    }

    private static func remarks(_ result: ClassificationResult) -> String {
        func samples(_ count: Int) -> String { count == 1 ? "1 sample" : "\(count) samples" }
        var text = ""
        if result.unknown > 0 {
            text +=
                "  \(samples(result.unknown)) of classes that training does not have "
                + "\(result.unknown == 1 ? "counts" : "count") as wrong\n"
        }
        if result.unlabelled > 0 {
            text +=
                "  \(samples(result.unlabelled)) without a label "
                + "\(result.unlabelled == 1 ? "is" : "are") left out\n"
        }
        return text
    }

    private static func table(_ probe: LinearProbeResult) -> String {
        let training = probe.perClass.map { "\($0) a class, \(probe.trainingCount) in all" } ?? "\(probe.trainingCount)"
        let encodings = probe.layer.map { "outputs of layer \($0)" } ?? "first encodings"
        let convergence = probe.hasConverged ? "" : "; not converged: the minimum of the loss may be lower"
        return "linear probe of \(probe.count) samples: top-1 \(NumberText.percent(probe.top1)), "
            + "log loss \(NumberText.fixed(probe.logLoss))\n"
            + "  fitted to the \(encodings) of \(training) training samples, penalty \(probe.penalty), "
            + "\(probe.iterations) iterations\(convergence)\n"
    }

    private static func table(_ retrieval: RetrievalResult) -> String {
        var table = TextTable()
        table.add(["", "recall at 1", "at 5", "at 10", "median rank", "mean reciprocal rank"])
        for (name, metrics) in [
            ("first to second", retrieval.firstToSecond), ("second to first", retrieval.secondToFirst),
        ] {
            table.add([
                name, NumberText.percent(metrics.recallAt1), NumberText.percent(metrics.recallAt5),
                NumberText.percent(metrics.recallAt10),
                NumberText.fixed(metrics.medianRank, 1), NumberText.fixed(metrics.meanReciprocalRank),
            ])
        }
        let several = retrieval.severalRightAnswers
        let remark =
            several == 0
            ? ""
            : "  \(several) \(several == 1 ? "query has" : "queries have") several right answers (equal rows, or "
                + "rows of one group); the best one counts\n"
        if let distinct = retrieval.distinct {
            return "retrieval among the \(distinct.first) first and \(distinct.second) second samples of "
                + "\(retrieval.gallery) held-out pairs; each partner of a sample is a right answer\n" + table.text()
        }
        return "retrieval in a gallery of \(retrieval.gallery) held-out pairs\n" + table.text() + remark
    }

    private static func table(_ gaussian: GaussianEvaluation) -> String {
        var pairs = TextTable()
        pairs.add(["canonical pair"] + gaussian.singularValues.indices.map { String($0 + 1) })
        func add(_ name: String, _ learned: [Double]?, _ exact: [Double]?) {
            if let learned { pairs.add([name + ", learned"] + learned.map { NumberText.fixed($0) }) }
            if let exact { pairs.add([name + ", exact"] + exact.map { NumberText.fixed($0) }) }
        }
        add("singular value", gaussian.singularValues, gaussian.exactSingularValues)
        add("first gram", gaussian.firstGram, gaussian.exactFirstGram)
        add("second gram", gaussian.secondGram, gaussian.exactSecondGram)

        var errors = TextTable()
        errors.add(["coupling error, relative", NumberText.fixed(gaussian.couplingError)])
        errors.add([
            "largest angle of subspaces, first", NumberText.fixed(gaussian.firstAngles.first), "radians",
        ])
        errors.add([
            "largest angle of subspaces, second", NumberText.fixed(gaussian.secondAngles.first), "radians",
        ])
        errors.add(["conditional mean error, relative", NumberText.fixed(gaussian.conditionalMeanError)])
        errors.add(["  lowest possible at this rank", NumberText.fixed(gaussian.lowestConditionalMeanError)])
        return "linear encoders of a Gaussian pair\n" + pairs.text() + "\n" + errors.text()
    }
}
