import CoupletText

extension SearchResult {
    /// Queries that a table shows.
    public static let shownQueries = 20

    /// For people: the candidates of the first queries.
    public var table: String {
        let shown = min(queries, Self.shownQueries)
        var sections = (0..<shown).map { query in
            var table = TextTable()
            table.add(["rank", "row", "score", "probability"])
            for (rank, place) in places(ofQuery: query).enumerated() {
                table.add([
                    "\(rank + 1)", "\(rows[place])", TextTable.fixed(scores[place]),
                    TextTable.fixed(probabilities[place], 6),
                ])
            }
            return "query \(query): \(TextTable.fixed(effectiveCandidates[query], 1)) effective candidates\n"
                + table.text()
        }
        if queries > shown { sections.append("… and \(queries - shown) more queries: ask for --json or --output\n") }
        return sections.joined(separator: "\n")
    }

    /// One object a query.
    package var json: JSONValue {
        .array(
            (0..<queries).map { query in
                let places = places(ofQuery: query)
                return .object([
                    ("rows", .array(places.map { .integer(rows[$0]) })), ("scores", .numbers(Array(scores[places]))),
                    ("probabilities", .numbers(Array(probabilities[places]))),
                    ("log_normalizer", .number(logNormalizers[query])),
                    ("effective_candidates", .number(effectiveCandidates[query])),
                ])
            })
    }

    /// Adds the result of further queries.
    package mutating func append(_ other: SearchResult) {
        precondition(other.top == top, "the best \(top) and the best \(other.top)")
        queries += other.queries
        rows += other.rows
        scores += other.scores
        probabilities += other.probabilities
        logNormalizers += other.logNormalizers
        effectiveCandidates += other.effectiveCandidates
    }
}
