import CoupletSchema

/// For images: a linear map of each patch, learned positions, transformer blocks, a normalisation, the mean of the
/// patches, and a linear layer (Dosovitskiy et al., *An Image is Worth 16x16 Words*, ICLR 2021; the mean instead of a
/// class token: Beyer, Zhai, Kolesnikov, *Better plain ViT baselines for ImageNet-1k*, 2022).
///
/// With pool class, a learned class token stands in front of the patches, and its output takes the place of the mean.
public struct VisionTransformerEncoder: StackedArchitecture {
    /// What makes one vector of the patches.
    public enum Pool: String, CaseIterable, Sendable {
        case mean
        case classToken = "class"
    }

    /// Pixels of a patch in each direction.
    public var patch: Int
    public var stack: TransformerStack
    public var pool: Pool

    public init(patch: Int = 8, stack: TransformerStack = TransformerStack(), pool: Pool = .mean) {
        self.patch = patch
        self.stack = stack
        self.pool = pool
    }

    public static let name = "vit"
    public static let table = ConfigurationTable(
        VisionTransformerEncoder(), help: "A vision transformer, for images.",
        [
            .key(
                "patch", \.patch, .integer(1...ConfigurationLimits.extent, example: 8),
                "Pixels of a patch in each direction.")
        ] + stackKeys + [
            .key("pool", \.pool, .choice("pool"), "What makes one vector of the patches.")
        ])

    public func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        try stack.check(self)
        guard inputShape.count == 3 else {
            throw NetworkError(
                reason: "kind vit needs images of shape [channels, height, width], but samples have the shape "
                    + "\(inputShape)",
                remedy: inputShape.count == 2
                    ? "store images of one channel as N × channels × height × width, "
                        + "[N, 1, \(inputShape[0]), \(inputShape[1])], or use kind attention for sets of vectors"
                    : "use kind mlp")
        }
        try PatchEmbedding.Kind.checkPatch(patch, height: inputShape[1], width: inputShape[2])
        var layers: [any Layer] = [PatchEmbedding(inputShape: inputShape, patch: patch, width: stack.width)]
        if pool == .classToken { layers.append(ClassToken(inputShape: layers[0].outputShape)) }
        let shape = layers[layers.count - 1].outputShape
        return layers + [PositionalEmbedding(inputShape: shape)] + stack.blocks(positions: shape[0])
            + (pool == .classToken ? SequencePool.first : .mean).layers(positions: shape[0], width: shape[1])
            + [Linear(inputShape: [stack.width], outputs: embedding)]
    }
}
