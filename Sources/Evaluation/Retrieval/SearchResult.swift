import CoupletText

/// The result of a search, with the queries in their order.
public struct SearchResult: Equatable, Sendable {
    /// Number of queries.
    public private(set) var queries: Int
    /// Number of candidates of each query.
    public let top: Int
    /// Gallery rows, queries × top: best first, and the lower row first among equal scores.
    public internal(set) var rows: [Int] = []
    /// κ(g, h) / τ, queries × top.
    public internal(set) var scores: [Double] = []
    /// The learned conditional probability among the whole gallery, queries × top.
    public internal(set) var probabilities: [Double] = []
    /// For each query log Σ_k w_k e^{S_k} over the whole gallery. A row's probability is `w e^{score - logNormalizer}`,
    /// with w = 1 without a prior.
    public internal(set) var logNormalizers: [Double] = []
    /// For each query 1 / Σ_k p_k² over the whole gallery: 1 if one candidate has all probability, N if all have the
    /// same.
    public internal(set) var effectiveCandidates: [Double] = []

    /// The labels of the rows, queries × top, if the gallery holds labels.
    public package(set) var labels: [Int]?
    /// What the rows are, queries × top: texts, or the names of picture files; nil if that is not known.
    public package(set) var names: [String]?
    /// What the queries are; nil if that is not known.
    public package(set) var queryNames: [String]?

    init(queries: Int, top: Int) {
        self.queries = queries
        self.top = top
    }

    /// The range of a query's candidates in `rows`, `scores` and `probabilities`.
    public func range(ofQuery query: Int) -> Range<Int> { query * top..<(query + 1) * top }

    /// Appends the result of further queries.
    package mutating func append(_ other: SearchResult) {
        precondition(other.top == top, "the best \(top) and the best \(other.top)")
        queries += other.queries
        rows += other.rows
        scores += other.scores
        probabilities += other.probabilities
        logNormalizers += other.logNormalizers
        effectiveCandidates += other.effectiveCandidates
    }

    /// Number of queries that `table` shows.
    public static let shownQueries = 20

    /// The candidates of the first queries as a text table.
    public var table: String {
        let shown = min(queries, Self.shownQueries)
        var sections = (0..<shown).map { query in
            var table = TextTable()
            table.add(
                ["rank", "row"] + (labels == nil ? [] : ["label"]) + ["score", "probability"]
                    + (names == nil ? [] : ["name"]))
            for (rank, index) in range(ofQuery: query).enumerated() {
                table.add(
                    ["\(rank + 1)", "\(rows[index])"] + (labels.map { ["\($0[index])"] } ?? [])
                        + [NumberText.fixed(scores[index]), NumberText.fixed(probabilities[index], 6)]
                        + (names.map { [Self.shortened($0[index])] } ?? []))
            }
            let name = queryNames.map { " (\(Self.shortened($0[query])))" } ?? ""
            return "query \(query)\(name): \(NumberText.fixed(effectiveCandidates[query], 1)) effective candidates\n"
                + table.text(alignsLastLeft: names != nil)
        }
        if queries > shown { sections.append("… and \(queries - shown) more queries: ask for --json or --output\n") }
        return sections.joined(separator: "\n")
    }

    /// The beginning of a long name.
    private static func shortened(_ name: String) -> String { name.count > 60 ? "\(name.prefix(60))…" : name }

    /// An array with one object per query.
    package var json: JSONValue {
        .array(
            (0..<queries).map { query in
                let range = range(ofQuery: query)
                let found = labels.map { labels in [("labels", JSONValue.array(range.map { .integer(labels[$0]) }))] }
                let named = names.map { names in [("names", JSONValue.array(range.map { .string(names[$0]) }))] }
                let text = queryNames.map { [("query", JSONValue.string($0[query]))] }
                return .object(
                    (text ?? []) + [("rows", .array(range.map { .integer(rows[$0]) }))] + (named ?? []) + (found ?? [])
                        + [
                            ("scores", .numbers(Array(scores[range]))),
                            ("probabilities", .numbers(Array(probabilities[range]))),
                            ("log_normalizer", .number(logNormalizers[query])),
                            ("effective_candidates", .number(effectiveCandidates[query])),
                        ])
            })
    }
}
