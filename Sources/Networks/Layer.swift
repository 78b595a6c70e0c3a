import CoupletTensors

/// A layer of an encoder. It declares its shapes and computes forward and backward over one shard.
///
/// Legend: B = rows of the shard. Every activation tensor has the shape B × (shape of one sample).
///
/// Forward and backward allocate nothing that grows with the shard. The encoder's workspace allocates
/// `savedForBackward` and `scratch` once. The result of a layer depends only on the values of its arguments. It never
/// depends on their addresses or on earlier contents of `scratch`. Then a run gives the same bits for every number of
/// workers, after a resume, and with activations that are recomputed instead of kept.
///
/// A layer outside Couplet reads and writes tensors by `Tensor.span` and `Tensor.mutableSpan`, multiplies them by
/// `MatrixProduct`, and calls `Couplet.exp` and its like. y = x²:
///
///     struct Square: Layer {
///         let inputShape: [Int]
///         var outputShape: [Int] { inputShape }
///         func forward(
///             _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
///             context: LayerContext
///         ) {
///             let x = input.span
///             var y = output.mutableSpan
///             for i in x.indices { y[i] = x[i] * x[i] }
///         }
///         func backward(
///             input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor],
///             parameterGradients: [Tensor], inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor,
///             context: LayerContext
///         ) {
///             guard let inputGradient else { return }
///             let x = input.span, dy = outputGradient.span
///             var dx = inputGradient.mutableSpan
///             for i in x.indices { dx[i] = 2 * x[i] * dy[i] }
///         }
///     }
public protocol Layer: Sendable {
    /// Shape of one input sample.
    var inputShape: [Int] { get }
    /// Shape of one output sample.
    var outputShape: [Int] { get }
    /// Names and shapes of the parameters, in the order of the argument `parameters` below; empty, the default, for a
    /// layer without parameters. A checkpoint uses the same names, for example weight and bias.
    var parameterShapes: [(name: String, shape: [Int])] { get }
    /// Names and shapes of the running statistics, such as the mean and variance of a batch normalisation; empty, the
    /// default, for a layer without any. They are no parameters: no gradient and no optimizer changes them.
    var statisticShapes: [(name: String, shape: [Int])] { get }
    /// The layer's only parameter, if it is a table of which a batch reads few rows and training is to touch these
    /// alone; nil, the default, for any other layer. Only the first layer of an encoder may have one.
    ///
    /// In the backward pass of a training step the gradient then has rows for what the batch reads alone,
    /// `context.touchedRows` of them, and the numbers of `input` are these rows. The gradient is 0 before the call, and
    /// the layer adds to it. Where `context.touchedRows` is nil, the layer overwrites a gradient of the whole table, as
    /// any other layer.
    var sparseTable: SparseTable? { get }
    /// Number of floats that forward saves for backward in addition to its output, for one shard of B rows. The default
    /// is 0.
    func savedForBackwardCount(rows: Int) -> Int
    /// Number of scratch floats that forward and backward need. All layers of a worker share this memory, so it holds
    /// nothing between calls. The default is 0.
    func scratchCount(rows: Int) -> Int
    /// What the initialization of the config needs to know of each parameter, in the order of `parameterShapes`; nil,
    /// the default, for a parameter that `initialize` alone sets.
    var parameterRoles: [ParameterRole?] { get }
    /// Sets the initial parameters. A layer needs no such method if each parameter has a role; by default all of them
    /// start as `WeightInitialization` does. The config's `encoders.initialization` then draws those with a role.
    /// - Parameters:
    ///   - firstNumber: parameter p uses the number `firstNumber` + p of the random stream `.initialization`.
    ///   - scale: factor on the initial weights.
    func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float)
    /// Sets the running statistics before the first step. The default is zeros.
    func initializeStatistics(_ statistics: [Tensor])
    /// Whether backward reads `input`. If no layer reads an activation in backward, its memory serves other tensors
    /// after forward: backward then gets a tensor of the same shape with any contents, which may be the memory of
    /// another argument. The default is true.
    var backwardReadsInput: Bool { get }
    /// Whether backward reads `output`; see `backwardReadsInput`. The default is true.
    var backwardReadsOutput: Bool { get }
    /// Whether backward may overwrite `outputGradient`. The default is true.
    var backwardOverwritesOutputGradient: Bool { get }
    /// Computes the output of one shard. Overwrites `output` and `savedForBackward`, and `context.shardStatistics` if
    /// it is not empty.
    func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext)
    /// Computes the gradients of one shard. Overwrites `parameterGradients` and, unless it is nil, `inputGradient`.
    /// May also overwrite `outputGradient`, unless `backwardOverwritesOutputGradient` is false.
    /// - Parameter context: as in the forward pass of this shard, but for `shardStatistics`, which a backward pass
    ///   neither reads nor writes.
    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext)
    /// Whether samples are sequences of token ids, which may end in padding: then `countPositions` counts the positions
    /// before it. The default is false. Only the first layer of an encoder is asked.
    var readsTokens: Bool { get }
    /// Number of token ids, if samples are token ids: whole numbers from 0 to below it, where 0 is padding, at the end
    /// of a row only. The default is nil. Only the first layer of an encoder is asked, and what reads the samples
    /// checks them (`TokenSource`).
    var tokenVocabulary: Int? { get }
    /// Writes the number of valid positions of each row of `input` to `counts`, as whole numbers.
    func countPositions(of input: Tensor, into counts: Tensor)
    /// Number of positions that the layer puts in front of a sequence, such as 1 for a class token; nil for a layer
    /// whose output has other positions than its input, or none. The default is 0 where input and output have the same
    /// number of positions (their first extent), and nil elsewhere.
    var addedPositions: Int? { get }
    /// The layer with an activation of its output in the same pass, with the bits of an `ActivationLayer` after it;
    /// nil, the default, if it cannot apply one.
    func applying(_ activation: Activation) -> (any Layer)?
    /// The layers inside this one, for tables of an encoder; empty, the default, for a layer that contains none.
    var innerLayers: [any Layer] { get }
    /// Name in tables of an encoder. The default is that of the type.
    var tableName: String { get }
    /// Updates the running statistics, once a step. The default does nothing.
    /// - Parameter means: what forward wrote to `context.shardStatistics`, averaged over all shards and inputs of the
    ///   step.
    func updateStatistics(_ statistics: [Tensor], means: [Tensor])
    /// Number of floating-point operations of the matrix products in forward and backward for B rows, for benchmarks.
    /// The default is 0.
    func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int
    /// The operations of forward among them, for B rows. The default fits a layer whose products are those of its input
    /// with parameters: the gradient of the input takes as many.
    func forwardProductFLOPs(rows: Int) -> Int
}

extension Layer {
    public var parameterShapes: [(name: String, shape: [Int])] { [] }
    public var statisticShapes: [(name: String, shape: [Int])] { [] }
    public var sparseTable: SparseTable? { nil }
    public func savedForBackwardCount(rows: Int) -> Int { 0 }
    public func scratchCount(rows: Int) -> Int { 0 }
    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        let roles = parameterRoles
        precondition(
            !roles.contains(nil), "\(Self.self) has parameters without a role, but it does not initialize them")
        WeightInitialization().fill(parameters, roles, philox: philox, firstNumber: firstNumber, scale: scale)
    }
    public var parameterRoles: [ParameterRole?] { parameterShapes.map { _ in nil } }
    public func initializeStatistics(_ statistics: [Tensor]) { for statistic in statistics { statistic.fill(0) } }
    public var backwardReadsInput: Bool { true }
    public var backwardReadsOutput: Bool { true }
    public var backwardOverwritesOutputGradient: Bool { true }
    public var readsTokens: Bool { false }
    public var tokenVocabulary: Int? { nil }
    public func countPositions(of input: Tensor, into counts: Tensor) {
        preconditionFailure("\(Self.self) reads tokens, but it does not count positions")
    }
    public var addedPositions: Int? { outputShape.count > 1 && outputShape.first == inputShape.first ? 0 : nil }
    public func applying(_ activation: Activation) -> (any Layer)? { nil }
    public var innerLayers: [any Layer] { [] }
    public var tableName: String { "\(Self.self)" }
    public func updateStatistics(_ statistics: [Tensor], means: [Tensor]) {}
    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int { 0 }
    public func forwardProductFLOPs(rows: Int) -> Int {
        matrixProductFLOPs(rows: rows, needsInputGradient: true)
            - matrixProductFLOPs(rows: rows, needsInputGradient: false)
    }

    /// Number of values in one input sample.
    public var inputCount: Int { inputShape.reduce(1, *) }
    /// Number of values in one output sample.
    public var outputCount: Int { outputShape.reduce(1, *) }
}
