import CoupletSchema

/// y = W x + b: one linear layer. It flattens a sample of several dimensions.
public struct LinearEncoder: EncoderArchitecture {
    public var bias: Bool

    public init(bias: Bool = true) { self.bias = bias }

    public static let name = "linear"
    public static let table = ConfigurationTable(
        LinearEncoder(), help: "One linear layer.", [.key("bias", \.bias, .flag, "Whether the layer adds a bias.")])

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        return [Linear(inputShape: inputShape, outputs: embedding, bias: bias)]
    }
}
