import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y = x · m / (1 - p), with m = 0 with the probability p and 1 otherwise, independently for each element (Srivastava,
/// Hinton, Krizhevsky, Sutskever, Salakhutdinov, *Dropout*, JMLR 2014). An evaluation keeps all values: y = x.
///
/// m = 0 where the uniform number of the element is below p. The numbers are those of `LayerContext.fillUniform`: a
/// function of the draw and of the position in the row. Backward computes them again: dX = dY · m / (1 - p). No mask is
/// stored.
public struct Dropout: Layer {
    public let inputShape: [Int]
    /// p
    public let probability: Float
    public var outputShape: [Int] { inputShape }

    public init(inputShape: [Int], probability: Float) {
        precondition(inputShape.allSatisfy { $0 > 0 }, "dropout of shape \(inputShape)")
        precondition(probability >= 0 && probability < 1, "dropout with the probability \(probability)")
        self.inputShape = inputShape
        self.probability = probability
    }

    public var tableName: String { Kind.name }
    public var backwardReadsInput: Bool { false }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) { drop(input, into: output, context) }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        if let inputGradient { drop(outputGradient, into: inputGradient, context) }
    }

    private func drop(_ source: Tensor, into target: Tensor, _ context: LayerContext) {
        guard context.mode == .training, probability > 0 else { return target.copy(from: source) }
        context.dropOut(source, into: target, probability: probability)
    }
}

extension LayerContext {
    /// target = source · m / (1 - p): m = 0 where the number that `fillUniform` gives the element is below p, else 1.
    /// The tensors have one row for each row of the shard; they may be the same.
    ///
    /// Only for training: an evaluation is not random.
    public func dropOut(_ source: Tensor, into target: Tensor, probability p: Float) {
        precondition(mode == .training, "dropout of \(source.shape) in an evaluation")
        precondition(source.count == target.count, "\(source.shape) dropped into \(target.shape)")
        couplet_dropout(
            source.rows, source.columns, philox.seed, RandomStream.dropout.rawValue, firstDraw,
            Self.threshold(of: p), 1 / (1 - p), source.pointer, target.pointer)
    }

    /// The same for the first `count` values of one row of the shard, in place.
    func dropOut(_ values: UnsafeMutablePointer<Float>, count: Int, row: Int, probability p: Float) {
        couplet_dropout(
            1, count, philox.seed, RandomStream.dropout.rawValue, firstDraw &+ UInt64(row), Self.threshold(of: p),
            1 / (1 - p), values, values)
    }

    /// A number is a multiple of 2^-24. It is below p if the multiple is below the next whole number from p 2^24 on.
    private static func threshold(of p: Float) -> UInt32 { UInt32((Double(p) * 0x1p24).rounded(.up)) }
}

extension Dropout {
    /// `dropout` in a list of layers.
    public struct Kind: LayerKind {
        public var probability: Float

        public init(probability: Float = 0.5) { self.probability = probability }

        public static let name = "dropout"
        public static let shortKey: String? = "probability"
        public static let table = ConfigurationTable(
            Kind(),
            help: "Sets each value to 0 with a probability in training, and scales the others so that the mean stays.",
            [.key("probability", \.probability, .number(.belowOne, example: 0.1), "Probability of a zero.")])

        public func layer(inputShape: [Int]) -> any Layer {
            Dropout(inputShape: inputShape, probability: probability)
        }
    }
}
