import CCoupletKernels
import CoupletLosses

/// The scores `κ(g, h_c) / τ + log p(c)` of the classes for one encoding, in Double.
///
/// What depends on the encoding alone and is added to all scores, -½|g|² of the quadratic, is left out; the cosine's 1/|g| is not, for it weighs the
/// similarity against the prior.
struct PosteriorScores {
    private let classes: ClassEncodings
    private let terms: CandidateScoring
    private let isCosine: Bool
    private let temperature: Double
    /// log p of each row of the classes.
    private let logarithms: [Double]

    init(_ classes: ClassEncodings, terms: CandidateScoring, similarity: Similarity, prior: LabelPrior) {
        self.classes = classes
        self.terms = terms
        isCosine = similarity == .cosine
        temperature = prior.temperature
        logarithms = classes.classes.map(prior.logarithm)
    }

    /// Whether a row of the classes scores above every other. A tie is none, nor is a class that the prior excludes.
    func isBest(_ answer: Int, of query: UnsafePointer<Float>) -> Bool {
        let e = classes.encodings.columns
        let length = isCosine ? max(couplet_squared_norm(e, query).squareRoot(), 1e-12) : 1
        func score(_ row: Int) -> Double {
            terms.score(query, classes.encodings.pointer + row * e, at: row) / (length * temperature) + logarithms[row]
        }
        let own = score(answer)
        return own > -.infinity && logarithms.indices.allSatisfy { $0 == answer || score($0) < own }
    }
}
