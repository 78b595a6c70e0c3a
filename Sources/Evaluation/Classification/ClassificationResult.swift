import CoupletText

/// Zero-shot classification of held-out samples.
public struct ClassificationResult: Equatable, Sendable {
    /// The share of samples whose own class scores above every other.
    public let top1: Double
    /// The same with the logarithm of the class's frequency added to its score; nil where no frequencies are known.
    public let top1WithPrior: Double?
    /// How many classes there were to choose from, and how many samples.
    public let classes: Int, count: Int

    public init(top1: Double, top1WithPrior: Double? = nil, classes: Int, count: Int) {
        self.top1 = top1
        self.top1WithPrior = top1WithPrior
        self.classes = classes
        self.count = count
    }

    var json: JSONValue {
        .object([
            ("top1", .number(top1)), ("top1_with_prior", .number(top1WithPrior)), ("classes", .integer(classes)),
            ("count", .integer(count)),
        ])
    }
}
