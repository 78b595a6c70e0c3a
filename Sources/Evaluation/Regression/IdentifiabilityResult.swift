import CoupletPairs
import CoupletText

/// R² of regressors that predict latent factors from encodings, and encodings from the content. R² is measured on
/// samples that no regressor is fitted to, and is at most 1.
public struct IdentifiabilityResult: Equatable, Sendable {
    /// The scores of a latent factor, predicted from one encoder's encodings.
    public struct Factor: Equatable, Sendable {
        public let name: String
        public let scores: [Regressor: Double]

        public init(name: String, scores: [Regressor: Double]) {
            self.name = name
            self.scores = scores
        }
    }

    /// The accuracies of a discrete factor, predicted from each encoder's encodings.
    public struct Classification: Equatable, Sendable {
        public let name: String
        /// By the regressor to which the classifier corresponds: logistic regression to the linear one, the network of
        /// classes to that of numbers.
        public let first: [Regressor: Double], second: [Regressor: Double]
        /// The share of the most frequent class among the scoring samples: what a constant answer reaches.
        public let chance: Double
    }

    /// Number of fitting samples, and of scoring samples.
    public let samples: Int
    /// In the order of the table's columns.
    public let regressors: [Regressor]
    /// For each encoder the factors in the source's order, then `c_permuted`, the content of swapped views.
    public let first: [Factor], second: [Factor]
    /// The discrete factors in the source's order.
    public let classifications: [Classification]
    /// R² of the encodings predicted from the content; nil if the source has no content.
    public let fromContent: PerModality<[Regressor: Double]>?
    /// `MeanCorrelation` of encodings and content; nil if the source has no content.
    public let meanCorrelation: PerModality<Double>?

    public init(
        samples: Int, regressors: [Regressor], first: [Factor], second: [Factor],
        classifications: [Classification] = [],
        fromContent: PerModality<[Regressor: Double]>?, meanCorrelation: PerModality<Double>?
    ) {
        self.samples = samples
        self.regressors = regressors
        self.first = first
        self.second = second
        self.classifications = classifications
        self.fromContent = fromContent
        self.meanCorrelation = meanCorrelation
    }

    /// `{samples, first: {c: {linear, …}, …}, second, from_content: {first: {linear, …}, second}, mean_correlation:
    /// {first, second}, accuracy: {object_shape: {first: {logistic, mlp}, second, chance}, …}}`
    var json: JSONValue {
        func scores(_ scores: [Regressor: Double]) -> JSONValue {
            .object(regressors.compactMap { regressor in scores[regressor].map { (regressor.rawValue, .number($0)) } })
        }
        var members: [(String, JSONValue)] = [("samples", .integer(samples))]
        for (name, factors) in [("first", first), ("second", second)] {
            members.append((name, .object(factors.map { ($0.name, scores($0.scores)) })))
        }
        if let fromContent {
            let both = [("first", scores(fromContent.first)), ("second", scores(fromContent.second))]
            members.append(("from_content", .object(both)))
        }
        if let meanCorrelation {
            let both: [(String, JSONValue)] = [
                ("first", .number(meanCorrelation.first)), ("second", .number(meanCorrelation.second)),
            ]
            members.append(("mean_correlation", .object(both)))
        }
        if !classifications.isEmpty {
            members.append(("accuracy", .object(classifications.map { ($0.name, Self.json($0)) })))
        }
        return .object(members)
    }

    private static func json(_ classification: Classification) -> JSONValue {
        func accuracies(_ found: [Regressor: Double]) -> JSONValue {
            .object(
                Regressor.allCases.compactMap { regressor in
                    guard let name = regressor.classifier, let accuracy = found[regressor] else { return nil }
                    return (name, .number(accuracy))
                })
        }
        return .object([
            ("first", accuracies(classification.first)), ("second", accuracies(classification.second)),
            ("chance", .number(classification.chance)),
        ])
    }

    /// A table with one row for each factor, and one column for each encoder and regressor.
    var table: String {
        var table = TextTable()
        table.add(
            ["R² of"] + ["first", "second"].flatMap { encoder in regressors.map { "\(encoder), \($0.title)" } })
        func add(_ name: String, _ first: [Regressor: Double]?, _ second: [Regressor: Double]?) {
            let cells = [first, second].flatMap { scores in regressors.map { NumberText.fixed(scores?[$0]) } }
            table.add([name] + cells)
        }
        for factor in first { add(factor.name, factor.scores, second.first { $0.name == factor.name }?.scores) }
        if let fromContent { add("encoding, from c", fromContent.first, fromContent.second) }
        var text = "latent factors from encodings, fitted on \(samples) samples, scored on \(samples) others\n"
        if !first.isEmpty || fromContent != nil { text += table.text() }
        if !classifications.isEmpty { text += accuracyTable }
        if let meanCorrelation {
            text +=
                "  mean correlation of encodings and c: first \(NumberText.fixed(meanCorrelation.first)), "
                + "second \(NumberText.fixed(meanCorrelation.second))\n"
        }
        return text
    }

    /// A table with one row for each discrete factor.
    private var accuracyTable: String {
        let classifiers = regressors.filter { $0.classifier != nil }
        var table = TextTable()
        table.add(
            ["accuracy of"]
                + ["first", "second"].flatMap { encoder in classifiers.map { "\(encoder), \($0.classifier ?? "")" } }
                + ["chance"])
        for found in classifications {
            let cells = [found.first, found.second].flatMap { scores in
                classifiers.map { NumberText.fixed(scores[$0]) }
            }
            table.add([found.name] + cells + [NumberText.fixed(found.chance)])
        }
        return table.text()
    }
}
