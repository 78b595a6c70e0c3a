/// A block of the latent factors that a source's pairs are made from.
public struct LatentFactor: Equatable, Sendable {
    /// Its name in files and tables: c, s, s_perturbed, m1, m2.
    public let name: String
    /// How many components it has; may be 0.
    public let columns: Int
    /// Where it is discrete, how many classes there are, 0 … classes - 1; nil where it is continuous.
    public let classes: Int?

    public init(name: String, columns: Int, classes: Int? = nil) {
        self.name = name
        self.columns = columns
        self.classes = classes
    }
}
