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

    /// Number of fitting samples, and of scoring samples.
    public let samples: Int
    /// In the order of the table's columns.
    public let regressors: [Regressor]
    /// For each encoder the factors in the source's order, then `c_permuted`, the content of swapped views.
    public let first: [Factor], second: [Factor]
    /// R² of the encodings predicted from the content; nil if the source has no content.
    public let fromContent: PerModality<[Regressor: Double]>?
    /// `MeanCorrelation` of encodings and content; nil if the source has no content.
    public let meanCorrelation: PerModality<Double>?

    public init(
        samples: Int, regressors: [Regressor], first: [Factor], second: [Factor],
        fromContent: PerModality<[Regressor: Double]>?, meanCorrelation: PerModality<Double>?
    ) {
        self.samples = samples
        self.regressors = regressors
        self.first = first
        self.second = second
        self.fromContent = fromContent
        self.meanCorrelation = meanCorrelation
    }

    /// `{samples, first: {c: {linear, …}, …}, second, from_content: {first: {linear, …}, second}, mean_correlation:
    /// {first, second}}`
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
        return .object(members)
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
        text += table.text()
        if let meanCorrelation {
            text +=
                "  mean correlation of encodings and c: first \(NumberText.fixed(meanCorrelation.first)), "
                + "second \(NumberText.fixed(meanCorrelation.second))\n"
        }
        return text
    }
}
