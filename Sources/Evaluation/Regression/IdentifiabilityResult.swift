import CoupletText

/// How well regressors predict latent factors from encodings, and encodings from the content: R² on samples that nothing was fitted on, at most 1.
public struct IdentifiabilityResult: Equatable, Sendable {
    /// A latent factor, predicted from one encoder's encodings.
    public struct Factor: Equatable, Sendable {
        public let name: String
        public let scores: [Regressor: Double]

        public init(name: String, scores: [Regressor: Double]) {
            self.name = name
            self.scores = scores
        }
    }

    /// Of both encoders.
    public struct Both<Value: Equatable & Sendable>: Equatable, Sendable {
        public let first: Value
        public let second: Value

        public init(first: Value, second: Value) {
            self.first = first
            self.second = second
        }
    }

    /// Fitting samples; as many others were scored.
    public let samples: Int
    /// In the order of the columns.
    public let regressors: [Regressor]
    /// By encoder: the factors in the source's order, and last `c_permuted`, the content that was put in the place of a sample's own.
    public let first: [Factor], second: [Factor]
    /// The encodings predicted from the content; nil where there is none.
    public let fromContent: Both<[Regressor: Double]>?
    /// `MeanCorrelation` of encodings and content; nil where there is none.
    public let meanCorrelation: Both<Double>?

    public init(
        samples: Int, regressors: [Regressor], first: [Factor], second: [Factor],
        fromContent: Both<[Regressor: Double]>?,
        meanCorrelation: Both<Double>?
    ) {
        self.samples = samples
        self.regressors = regressors
        self.first = first
        self.second = second
        self.fromContent = fromContent
        self.meanCorrelation = meanCorrelation
    }

    /// `{samples, first: {c: {linear, …}, …}, second, from_content: {first: {linear, …}, second}, mean_correlation: {first, second}}`
    var json: JSONValue {
        func scores(_ scores: [Regressor: Double]) -> JSONValue {
            .object(regressors.compactMap { regressor in scores[regressor].map { (regressor.rawValue, .number($0)) } })
        }
        var members: [(String, JSONValue)] = [("samples", .integer(samples))]
        for (name, factors) in [("first", first), ("second", second)] {
            members.append((name, .object(factors.map { ($0.name, scores($0.scores)) })))
        }
        if let fromContent {
            members.append(
                (
                    "from_content",
                    .object([("first", scores(fromContent.first)), ("second", scores(fromContent.second))])
                ))
        }
        if let meanCorrelation {
            members.append(
                (
                    "mean_correlation",
                    .object([("first", .number(meanCorrelation.first)), ("second", .number(meanCorrelation.second))])
                ))
        }
        return .object(members)
    }

    /// A row a factor, a column for each encoder and regressor.
    var table: String {
        var table = TextTable()
        table.add(["R² of"] + ["first", "second"].flatMap { encoder in regressors.map { "\(encoder), \($0.title)" } })
        func add(_ name: String, _ first: [Regressor: Double]?, _ second: [Regressor: Double]?) {
            table.add([name] + [first, second].flatMap { scores in regressors.map { TextTable.fixed(scores?[$0]) } })
        }
        for factor in first { add(factor.name, factor.scores, second.first { $0.name == factor.name }?.scores) }
        if let fromContent { add("encoding, from c", fromContent.first, fromContent.second) }
        var text =
            "latent factors from encodings, fitted on \(samples) samples, scored on \(samples) others\n" + table.text()
        if let meanCorrelation {
            text +=
                "  mean correlation of encodings and c: first \(TextTable.fixed(meanCorrelation.first)), second \(TextTable.fixed(meanCorrelation.second))\n"
        }
        return text
    }
}
