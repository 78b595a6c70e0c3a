/// Zero-shot classification of held-out samples.
public struct ClassificationResult: Equatable, Sendable {
    /// The share of samples whose own class scores above every other.
    public let top1: Double
    /// How many classes there were to choose from, and how many samples.
    public let classes: Int, count: Int

    public init(top1: Double, classes: Int, count: Int) {
        self.top1 = top1
        self.classes = classes
        self.count = count
    }

    var json: JSONValue {
        .object([("top1", .number(top1)), ("classes", .integer(classes)), ("count", .integer(count))])
    }
}
