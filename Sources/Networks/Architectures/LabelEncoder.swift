import CoupletSchema

/// For labels: one learned vector for each label, a `LabelEmbedding`.
public struct LabelEncoder: EncoderArchitecture {
    public init() {}

    public static let name = "labels"
    public static let table = ConfigurationTable(LabelEncoder(), help: "One learned vector for each label.", [])

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        guard let classes else {
            throw NetworkError(
                reason:
                    "kind labels needs labels, but the samples of this modality are numbers of shape \(inputShape)",
                remedy: "use kind linear, mlp or, for images, cnn")
        }
        guard classes > 0 else {
            throw NetworkError(
                reason: "kind labels has \(classes) classes", remedy: "there must be at least one class")
        }
        return [LabelEmbedding(classes: classes, embedding: embedding)]
    }
}
