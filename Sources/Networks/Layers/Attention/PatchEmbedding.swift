import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// Images as sequences: a linear map of each square patch (Dosovitskiy et al., *An Image is Worth 16x16 Words*, ICLR
/// 2021, equation 1). With p × p pixels a patch, T = (height / p) (width / p) patches in rows from the upper left,
///
///     y[t] = Σ_c,i,j x[c, p a + i, p b + j] weight[·, c, i, j] + bias        t = a (width / p) + b
///
/// It is a convolution whose kernel and stride are p, and its parameters have the shapes of PyTorch's nn.Conv2d.
/// Pixels of a last row or column of patches that is not whole are left out, as there.
///
/// Backward: dW = dYᵀ X and db = Σ dY over all patches of the shard, with the products of strips added in ascending
/// order (`SequenceStrip`); dX = dY W.
public struct PatchEmbedding: Layer {
    /// [channels, height, width], or [height, width, channels] with channels last.
    public let inputShape: [Int]
    /// [T, W]
    public let outputShape: [Int]
    /// p
    public let patch: Int
    public let layout: ImageLayout

    /// - Parameters:
    ///   - inputShape: shape of an image, in the order of the layout; at least p pixels high and wide.
    ///   - width: numbers of an output position, W.
    public init(inputShape: [Int], patch: Int, width: Int, layout: ImageLayout = .channelsFirst) {
        precondition(inputShape.count == 3 && width > 0, "patches of \(inputShape), with width \(width)")
        self.inputShape = inputShape
        self.patch = patch
        self.layout = layout
        let extents = layout == .channelsFirst ? inputShape[1...] : inputShape[..<2]
        precondition(patch > 0 && extents.allSatisfy { $0 >= patch }, "patches of \(patch) pixels in \(inputShape)")
        outputShape = [extents.reduce(1) { $0 * ($1 / patch) }, width]
    }

    private var channels: Int { layout == .channelsFirst ? inputShape[0] : inputShape[2] }
    private var height: Int { layout == .channelsFirst ? inputShape[1] : inputShape[0] }
    private var width: Int { layout == .channelsFirst ? inputShape[2] : inputShape[1] }
    private var length: Int { outputShape[0] }
    /// Numbers of a patch.
    private var patchCount: Int { channels * patch * patch }

    public var tableName: String { Kind.name }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }
    public var addedPositions: Int? { nil }
    public var parameterShapes: [(name: String, shape: [Int])] {
        [("weight", [outputShape[1], channels, patch, patch]), ("bias", [outputShape[1]])]
    }

    public func scratchCount(rows: Int) -> Int {
        BufferDivision.padded(SequenceStrip.maximumRows(length: length, shard: rows) * patchCount)
            + RowMap.packedCount(inputs: patchCount, outputs: outputShape[1])
    }

    public var parameterRoles: [ParameterRole?] {
        ParameterRole.map(fanIn: patchCount, fanOut: outputShape[1])
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let (map, patches) = divided(scratch, rows: input.rows, parameters, isBackward: false)
        SequenceStrip.forEach(shard: input.rows, length: length, lengths: nil) { strip in
            movePatches(of: input, strip, patches) { patch, pixel in patch = pixel }
            map.forward(strip.rows, patches.pointer, output.pointer + strip.start * outputShape[1])
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let (map, patches) = divided(scratch, rows: input.rows, parameters, isBackward: true)
        let weightGradient = matrix(parameterGradients[0])
        for gradient in parameterGradients { gradient.fill(0) }
        // Pixels outside of whole patches have no gradient.
        inputGradient?.fill(0)
        SequenceStrip.forEach(shard: input.rows, length: length, lengths: nil) { strip in
            let dy = outputGradient.pointer + strip.start * outputShape[1]
            movePatches(of: input, strip, patches) { patch, pixel in patch = pixel }
            map.addGradients(strip.rows, dy, patches.pointer, weight: weightGradient, bias: parameterGradients[1])
            if let inputGradient {
                map.inputGradient(strip.rows, dy, patches.pointer)
                movePatches(of: inputGradient, strip, patches) { patch, pixel in pixel = patch }
            }
        }
    }

    /// The memory of the patches of a strip, and the map with its packed weight.
    private func divided(
        _ scratch: Tensor, rows: Int, _ parameters: [Tensor], isBackward: Bool
    ) -> (map: RowMap, patches: Tensor) {
        var division = BufferDivision(scratch)
        let patches = division.next([SequenceStrip.maximumRows(length: length, shard: rows), patchCount])
        let packed = division.next([RowMap.packedCount(inputs: patchCount, outputs: outputShape[1])])
        let map = RowMap(
            weight: matrix(parameters[0]), bias: parameters[1], isBackward: isBackward, packed: packed.pointer)
        return (map, patches)
    }

    private func matrix(_ weight: Tensor) -> Tensor { weight.reshaped([outputShape[1], patchCount]) }

    /// Calls `move` for each number of the patches of a strip: its place in `patches`, patches × (c, i, j), and its
    /// place in the images.
    private func movePatches(
        of images: Tensor, _ strip: SequenceStrip, _ patches: Tensor,
        move: (_ patch: inout Float, _ pixel: inout Float) -> Void
    ) {
        let across = width / patch, isFirst = layout == .channelsFirst
        let channelStep = isFirst ? height * width : 1, pixelStep = isFirst ? 1 : channels, rowStep = width * pixelStep
        var to = patches.pointer
        for sample in strip.samples {
            let image = images.pointer + sample * inputCount
            for position in 0..<length {
                let corner = image + position / across * patch * rowStep + position % across * patch * pixelStep
                for channel in 0..<channels {
                    for i in 0..<patch {
                        let row = corner + channel * channelStep + i * rowStep
                        for j in 0..<patch { move(&to[j], &row[j * pixelStep]) }
                        to += patch
                    }
                }
            }
        }
    }

    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        2 * rows * outputCount * patchCount * (needsInputGradient ? 3 : 2)
    }
}

extension PatchEmbedding {
    /// `patch_embedding` in a list of layers, whose images have channels last.
    public struct Kind: LayerKind {
        public var patch: Int
        public var width: Int

        public init(patch: Int, width: Int) {
            self.patch = patch
            self.width = width
        }

        public static let name = "patch_embedding"
        public static let table = ConfigurationTable(
            Kind(patch: 8, width: 192), help: "Divides an image into square patches and maps each to a vector.",
            [
                .key(
                    "patch", \.patch, .integer(1...ConfigurationLimits.extent, example: 8),
                    "Pixels of a patch in each direction."),
                .required("width", \.width, .integer(1...ConfigurationLimits.extent, example: 192), "Numbers a patch."),
            ])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            guard inputShape.count == 3 else {
                throw NetworkError(
                    reason: "\(Self.name) needs images, but its input has the shape \(inputShape)",
                    remedy: "use it as the first layer, on samples of shape [channels, height, width]")
            }
            try Self.checkPatch(patch, height: inputShape[0], width: inputShape[1])
            return PatchEmbedding(inputShape: inputShape, patch: patch, width: width, layout: .channelsLast)
        }

        /// Throws an error unless the patches fill the image.
        static func checkPatch(_ patch: Int, height: Int, width: Int) throws(NetworkError) {
            guard patch < 1 || height % patch != 0 || width % patch != 0 else { return }
            let sizes = (1...min(height, width)).filter { height % $0 == 0 && width % $0 == 0 }
            throw NetworkError(
                reason: "patches of \(patch) × \(patch) pixels do not fill images of \(height) × \(width)",
                remedy: "choose a patch size of " + sizes.map(String.init).joined(separator: ", "))
        }
    }
}
