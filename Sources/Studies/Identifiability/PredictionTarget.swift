/// What is predicted, from what: a column of the identifiability study's tables. The raw value is its key in `evaluation.json`.
enum PredictionTarget: String, CaseIterable, Sendable {
    /// The latent factors, from an encoding.
    case content = "c", style = "s", perturbedStyle = "s_perturbed", firstModality = "m1", secondModality = "m2"
    /// The content of another sample, from the encoding of a view that it was put into.
    case permutedContent = "c_permuted"
    /// An encoding, from the content.
    case encoding = "from_content"

    /// Those that figures show against a size or a probability.
    static let factors: [PredictionTarget] = [.content, .style, .perturbedStyle, .firstModality, .secondModality]

    var title: String { self == .encoding ? "encoding from c" : rawValue }
}
