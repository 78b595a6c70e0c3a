import CoupletTensors

/// Texts for which pictures are looked up, each with its right answers among the pictures of a gallery.
package struct EmojiQueries: Sendable {
    package struct Query: Sendable {
        /// Row of the file's texts.
        let text: Int
        /// The picture, a row of the gallery, that has the text in this language.
        package let picture: Int
        /// All pictures of the gallery that have the text in these queries, ascending: `picture` and the others.
        package let answers: [Int]
        let language: String
        let script: String
        let kind: String
    }

    package let queries: [Query]
    /// Token ids of the texts of the file.
    private let tokens: Tensor
    /// Number of pictures in the gallery.
    let galleryCount: Int

    /// The pairs of a file with a split, each one as a query.
    /// - Parameters:
    ///   - rows: the row of the gallery that is equal to each picture of the file.
    ///   - galleryCount: number of pictures in the gallery.
    package init(_ pairs: EmojiPairs, split: Int, rows: [Int], galleryCount: Int) {
        let chosen = pairs.pairs.filter { $0.split == split }
        var answers = [[Int]](repeating: [], count: pairs.tokens.rows)
        for pair in chosen { answers[pair.text].append(rows[pair.picture]) }
        for text in answers.indices { answers[text] = Array(Set(answers[text])).sorted() }
        queries = chosen.map {
            Query(
                text: $0.text, picture: rows[$0.picture], answers: answers[$0.text], language: $0.language,
                script: $0.script, kind: $0.kind)
        }
        tokens = pairs.tokens
        self.galleryCount = galleryCount
    }

    /// The pictures of all queries, ascending.
    var pictures: [Int] { Array(Set(queries.map(\.picture))).sorted() }

    /// Token ids of the text of a query, 1 × positions.
    func tokens(of query: Query) -> Tensor { tokens.rows(query.text..<query.text + 1) }

    /// Scores of rows of texts with all pictures of a gallery, texts × pictures.
    package typealias Scores = (_ tokens: Tensor) throws -> Tensor

    /// Rank of each query's best right answer: 1 + the number of wrong candidates that score at least as high.
    /// - Parameter candidates: rows of the gallery, among which all right answers are; nil for all rows.
    package func ranks(among candidates: [Int]? = nil, scores: Scores) throws -> [Int] {
        try ranks(amongEach: [candidates], scores: scores)[0]
    }

    /// The ranks among each of some sets of candidates, from one set of scores: `[set][query]`.
    package func ranks(amongEach candidates: [[Int]?], scores: Scores) throws -> [[Int]] {
        let candidates = candidates.map { $0 ?? Array(0..<galleryCount) }, block = 256
        var ranks = candidates.map { _ in [Int]() }
        for first in stride(from: 0, to: queries.count, by: block) {
            let part = queries[first..<min(first + block, queries.count)]
            let values = try scores(tokens.rows(at: part.map(\.text)))
            precondition(
                values.rows == part.count && values.columns == galleryCount,
                "scores \(values.shape) of \(part.count) texts with \(galleryCount) pictures")
            for (row, query) in part.enumerated() {
                for (set, candidates) in candidates.enumerated() {
                    ranks[set].append(Self.rank(values.pointer + row * galleryCount, query.answers, candidates))
                }
            }
        }
        return ranks
    }

    /// - Parameter answers: ascending.
    private static func rank(_ scores: UnsafePointer<Float>, _ answers: [Int], _ candidates: [Int]) -> Int {
        var best = scores[answers[0]]
        for answer in answers.dropFirst() where scores[answer] > best { best = scores[answer] }
        let reached = candidates.count { !(scores[$0] < best) }
        return 1 + reached - answers.count { !(scores[$0] < best) }
    }
}
