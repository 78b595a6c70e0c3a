import CoupletSchema

extension KindCategory {
    /// The architectures of encoders; `kind` in `encoders.first` names one.
    public static let encoder = KindCategory("encoder")
}

/// A kind of encoder that a config can name: its keys, and the layers that it builds.
///
/// An encoder of one's own, with the key `width`:
///
///     struct WideEncoder: EncoderArchitecture {
///         var width = 512
///         static let name = "wide"
///         static let table = ConfigurationTable(
///             WideEncoder(), help: "Two linear layers.",
///             [.key("width", \.width, .integer(1...4096, example: 512), "Width of the hidden layer.")])
///         func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
///             try requireNumbers(classes)
///             return [
///                 Linear(inputShape: inputShape, outputs: width, activation: .relu),
///                 Linear(inputShape: [width], outputs: embedding),
///             ]
///         }
///     }
public protocol EncoderArchitecture: ConfigurableKind {
    /// The layers of an encoder. The first takes samples of `inputShape`, and the last returns `embedding` numbers.
    /// - Parameters:
    ///   - inputShape: shape of one sample: [8]; [1, 28, 28] (channels, height, width); [1] for a label.
    ///   - classes: number of classes if samples are labels; else nil.
    ///   - embedding: dimension of the embedding.
    /// - Throws: `NetworkError` if the architecture does not fit the samples.
    func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer]
    /// The architecture for samples that a tokenizer with this number of ids has made: with its vocabulary, if the
    /// config names none. The default is the architecture itself.
    func completed(vocabulary: Int) -> Self
}

extension EncoderArchitecture {
    public static var category: KindCategory { .encoder }
    public func completed(vocabulary: Int) -> Self { self }

    /// Throws an error if the samples are labels.
    public func requireNumbers(_ classes: Int?) throws(NetworkError) {
        guard let classes else { return }
        throw NetworkError(
            reason:
                "kind \(Self.name) needs numbers, but the samples of this modality are labels of \(classes) classes",
            remedy: "use kind labels")
    }

    /// Throws an error if a size is below 1.
    /// - Parameter key: the key of the sizes in a config.
    func checkSizes(_ sizes: [Int], _ key: String) throws(NetworkError) {
        guard let invalid = sizes.first(where: { $0 < 1 }) else { return }
        throw NetworkError(
            reason: "kind \(Self.name) has \(key) \(sizes), and \(invalid) is not a valid size",
            remedy: "sizes must be at least 1")
    }

    /// The layers, after a check that they fit each other, the samples and the embedding.
    func checkedLayers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        let layers = try layers(inputShape: inputShape, classes: classes, embedding: embedding)
        let remedy = "correct the layers of \(Self.self)"
        guard let first = layers.first, let last = layers.last else {
            throw NetworkError(reason: "kind \(Self.name) has no layers", remedy: remedy)
        }
        if first.inputCount != inputShape.reduce(1, *) {
            throw NetworkError(
                reason: "kind \(Self.name) begins with a layer for samples of shape \(first.inputShape), but samples "
                    + "have the shape \(inputShape)", remedy: remedy)
        }
        if let (before, after) = layers.firstMismatch {
            throw NetworkError(
                reason: "in kind \(Self.name) a layer with input shape \(after.inputShape) follows one with output "
                    + "shape \(before.outputShape)", remedy: remedy)
        }
        if let layer = layers.first(where: { $0.parameterShapes.count > Encoder.maximumParametersOfLayer }) {
            throw NetworkError(
                reason: "in kind \(Self.name) a layer has \(layer.parameterShapes.count) parameters, more than "
                    + "\(Encoder.maximumParametersOfLayer)",
                remedy: "divide its inner layers between several layers of \(Self.self)")
        }
        if layers.hasMisplacedSparseTable {
            throw NetworkError(
                reason: "in kind \(Self.name) a layer after the first has a table of which a step touches some rows, "
                    + "but only the first layer of an encoder reads the samples",
                remedy: "put it first and outside other layers, or set sparse: false in it")
        }
        if last.outputCount != embedding {
            throw NetworkError(
                reason:
                    "kind \(Self.name) ends with a layer of output shape \(last.outputShape), but the embedding has "
                    + "\(embedding) dimensions", remedy: remedy)
        }
        return layers
    }
}

/// Couplet's encoders.
package let encoderKinds: [any ConfigurableKind.Type] = [
    LinearEncoder.self, MultilayerPerceptronEncoder.self, ConvolutionalEncoder.self, LabelEncoder.self,
    LayerListEncoder.self, ResNet18.self, ResNet34.self, VisionTransformerEncoder.self, TextTransformerEncoder.self,
    SetTransformerEncoder.self, DeepSetsEncoder.self, TextConvolutionalEncoder.self,
]

/// An encoder that cannot be built from its specification.
public struct NetworkError: Error, Equatable, CustomStringConvertible, Sendable {
    /// What is wrong.
    public let reason: String
    /// What the user can do.
    public let remedy: String
    /// The layer in the lists of the encoder's block that the error is about: `layers[3].residual.layers[0].conv2d`;
    /// empty for an error about the whole encoder.
    public private(set) var key = ""

    public init(reason: String, remedy: String) {
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { (key.isEmpty ? "" : "\(key): ") + problem }

    /// The description without the key.
    package var problem: String { "\(reason); \(remedy)" }

    /// The error of a layer in a list.
    /// - Parameter layer: the layer in the list: `layers[3].conv2d`.
    func within(_ layer: String) -> NetworkError {
        var copy = self
        copy.key = key.isEmpty ? layer : "\(layer).\(key)"
        return copy
    }
}
