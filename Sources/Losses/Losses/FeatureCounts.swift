/// How many features each modality's data have, for the maximum mean discrepancy.
public struct FeatureCounts: Equatable, Sendable {
    /// F₁ and F₂: columns of φ and ψ.
    public let first: Int
    public let second: Int

    public init(first: Int, second: Int) {
        self.first = first
        self.second = second
    }
}
