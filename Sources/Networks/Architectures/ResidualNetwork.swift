import CoupletSchema

/// Residual networks for images (He, Zhang, Ren, Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016, table
/// 1), with the structure and the initial distributions of torchvision's: a stem, four stages of basic blocks with 64,
/// 128, 256 and 512 channels, the mean over all pixels, and a linear layer to the embedding.
///
/// A basic block is relu(x + f(x)) with f = conv 3 × 3, batch norm, relu, conv 3 × 3, batch norm. The first block of
/// the later stages halves height and width; there a 1 × 1 convolution with batch norm projects x.
protocol ResidualNetwork: EncoderArchitecture {
    /// Basic blocks of each stage.
    static var blocks: [Int] { get }
    var stem: ResidualNetworkStem { get }
    /// Rows and columns of zeros on each side of an image, as if it were larger.
    var imagePadding: Int { get }
    /// Widths of linear layers with leaky relu (slope 0.01) between the mean over all pixels and the last layer; nil
    /// for none.
    var hidden: [Int]? { get }
}

/// The layers before the first stage of a residual network.
public enum ResidualNetworkStem: String, CaseIterable, Sendable {
    /// conv 7 × 7 with stride 2, batch norm, relu, 3 × 3 max pooling with stride 2: a quarter of height and width.
    case imagenet
    /// conv 3 × 3, batch norm, relu: for images of about 32 × 32, as the same paper's networks for CIFAR.
    case small
}

/// ResNet-18: 2 basic blocks in each stage.
public struct ResNet18: ResidualNetwork {
    public var stem: ResidualNetworkStem
    /// Rows and columns of zeros on each side of an image, as if it were larger.
    public var imagePadding: Int
    /// Widths of linear layers with leaky relu before the last one; nil for none.
    public var hidden: [Int]?

    public init(stem: ResidualNetworkStem = .imagenet, imagePadding: Int = 0, hidden: [Int]? = nil) {
        self.stem = stem
        self.imagePadding = imagePadding
        self.hidden = hidden
    }

    static let blocks = [2, 2, 2, 2]
    public static let name = "resnet18"
    public static let table = ConfigurationTable(
        ResNet18(), help: "ResNet-18, for images.",
        [stemKey(\.stem), imagePaddingKey(\.imagePadding), hiddenKey(\.hidden)])

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try networkLayers(inputShape: inputShape, classes: classes, embedding: embedding)
    }
}

/// ResNet-34: 3, 4, 6 and 3 basic blocks in the stages.
public struct ResNet34: ResidualNetwork {
    public var stem: ResidualNetworkStem
    /// Rows and columns of zeros on each side of an image, as if it were larger.
    public var imagePadding: Int
    /// Widths of linear layers with leaky relu before the last one; nil for none.
    public var hidden: [Int]?

    public init(stem: ResidualNetworkStem = .imagenet, imagePadding: Int = 0, hidden: [Int]? = nil) {
        self.stem = stem
        self.imagePadding = imagePadding
        self.hidden = hidden
    }

    static let blocks = [3, 4, 6, 3]
    public static let name = "resnet34"
    public static let table = ConfigurationTable(
        ResNet34(), help: "ResNet-34, for images.",
        [stemKey(\.stem), imagePaddingKey(\.imagePadding), hiddenKey(\.hidden)])

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try networkLayers(inputShape: inputShape, classes: classes, embedding: embedding)
    }
}

private func stemKey<Block>(
    _ path: WritableKeyPath<Block, ResidualNetworkStem> & Sendable
) -> ConfigurationKey<Block> {
    .key(
        "stem", path, .choice("stem"),
        "First layers: imagenet quarters height and width, small keeps them (for images of about 32 × 32).")
}

private func imagePaddingKey<Block>(
    _ path: WritableKeyPath<Block, Int> & Sendable
) -> ConfigurationKey<Block> {
    .key(
        "image_padding", path, .integer(0...1_024, example: 2),
        "Rows and columns of zeros on each side of an image: 2 makes 32 × 32 of 28 × 28.")
}

private func hiddenKey<Block>(
    _ path: WritableKeyPath<Block, [Int]?> & Sendable
) -> ConfigurationKey<Block> {
    .key(
        "hidden", path,
        .optional(
            .list(.integer(1...ConfigurationLimits.extent, example: 128), example: "[100]", minimum: 1),
            isOmitted: true),
        "Widths of linear layers with leaky relu (slope 0.01) before the last one.")
}

extension ResidualNetwork {
    fileprivate func networkLayers(
        inputShape: [Int], classes: Int?, embedding: Int
    ) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        try requireImage(inputShape)
        var layers: [any Layer] = [ChannelsLast(inputShape: inputShape)]
        switch stem {
        case .imagenet:
            layers.append(
                convolution(from: layers[0].outputShape, channels: 64, kernel: 7, stride: 2, zeros: imagePadding))
        case .small:
            layers.append(
                convolution(from: layers[0].outputShape, channels: 64, kernel: 3, stride: 1, zeros: imagePadding))
        }
        layers.append(BatchNorm(inputShape: layers[1].outputShape, activation: .relu))
        if stem == .imagenet {
            layers.append(MaxPool2d(inputShape: layers[1].outputShape, kernel: 3, stride: 2, padding: 1))
        }
        for (stage, count) in Self.blocks.enumerated() {
            for block in 0..<count {
                layers += basicBlock(
                    from: layers[layers.count - 1].outputShape, channels: 64 << stage,
                    stride: stage > 0 && block == 0 ? 2 : 1)
            }
        }
        layers.append(PositionPool(.mean, inputShape: layers[layers.count - 1].outputShape))
        return layers
            + MultilayerPerceptronEncoder.perceptron(
                from: [512], widths: hidden ?? [], activation: .leakyRelu(slope: 0.01), bias: true, embedding: embedding
            )
    }

    private func basicBlock(from shape: [Int], channels: Int, stride: Int) -> [any Layer] {
        let first = convolution(from: shape, channels: channels, kernel: 3, stride: stride)
        let second = convolution(from: first.outputShape, channels: channels, kernel: 3, stride: 1)
        var projection: (any Layer)?
        if stride > 1 || shape[2] != channels {
            let convolution = convolution(from: shape, channels: channels, kernel: 1, stride: stride)
            projection = Sequential([convolution, BatchNorm(inputShape: convolution.outputShape)])
        }
        let sum = Residual(
            [
                first, BatchNorm(inputShape: first.outputShape, activation: .relu), second,
                BatchNorm(inputShape: second.outputShape),
            ], projection: projection)
        if let fused = sum.applying(.relu) { return [fused] }
        return [sum, ActivationLayer(.relu, shape: sum.outputShape)]
    }

    /// A convolution without bias, whose padding keeps height and width at stride 1.
    /// - Parameter zeros: rows and columns of zeros around the image, beside that padding.
    private func convolution(
        from shape: [Int], channels: Int, kernel: Int, stride: Int, zeros: Int = 0
    ) -> Conv2d {
        Conv2d(
            inputShape: shape, channels: channels, kernel: Extents(height: kernel, width: kernel),
            stride: Extents(height: stride, width: stride),
            padding: Extents(height: kernel / 2 + zeros, width: kernel / 2 + zeros), bias: false,
            initialization: .normalFanOut)
    }

    private func requireImage(_ shape: [Int]) throws(NetworkError) {
        guard shape.count == 3 else {
            throw NetworkError(
                reason: "kind \(Self.name) needs images of shape [channels, height, width], but samples have the shape "
                    + "\(shape)",
                remedy: shape.count == 2
                    ? "store images of one channel as N × channels × height × width, [N, 1, \(shape[0]), \(shape[1])]"
                    : "use kind linear or mlp")
        }
    }
}
