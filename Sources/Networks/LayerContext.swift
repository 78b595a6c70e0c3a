import CoupletTensors

/// What a layer may know about a forward or backward pass beyond its tensors: training or evaluation, running
/// statistics, and random numbers for its rows.
///
/// **Random numbers.** A number depends on the key (seed, encoder, input, path of the layer, draw n, position in the
/// row) and on nothing else: not on the worker, the shard or the row's place in it. So backward, and a forward pass
/// that recomputes activations, get the numbers of the first forward pass. The parts of the key before n are turned
/// into a seed, one after another, by `Philox.derived`; n is the number in the stream `.dropout` of that seed. A
/// layer's path is its index in the encoder's list of layers, then its index in each layer that contains it. All layers
/// count here, also those that have no number in the paths of parameters.
///
/// **Running statistics.** In training, forward writes each shard's own statistics to `shardStatistics`. The training
/// step averages them over all shards and inputs, and `Layer.updateStatistics` moves `statistics` towards the averages
/// once a step.
public struct LayerContext: Sendable {
    /// Whether the pass trains the encoder or uses it. Dropout keeps all values in an evaluation; batch normalisation
    /// normalises with its running statistics.
    public enum Mode: Sendable {
        case training, evaluation
    }

    public let mode: Mode
    /// The layer's running statistics, in the order of `Layer.statisticShapes`. They are for reading.
    public let statistics: [Tensor]
    /// Receives the statistics of the shard in a forward pass of the training, in the order of `statisticShapes`. It is
    /// empty in an evaluation, and when a forward pass is repeated to recompute activations.
    public let shardStatistics: [Tensor]
    /// The valid positions of each row of the layer's input; nil if all positions are valid.
    public let lengths: SequenceLengths?
    /// Number of rows of the gradient of the layer's table, if it has the rows that a step touches alone
    /// (`Layer.sparseTable`); nil if it has all of them, and in forward.
    public let touchedRows: Int?
    /// Draw number n of the shard's first row. Row r has the draw `firstDraw` + r.
    public let firstDraw: UInt64
    /// Its seed is derived from the key up to this layer. An evaluation does not use it.
    let philox: Philox

    init(
        mode: Mode, statistics: [Tensor], shardStatistics: [Tensor], lengths: SequenceLengths?,
        touchedRows: Int? = nil, firstDraw: UInt64, philox: Philox
    ) {
        self.mode = mode
        self.statistics = statistics
        self.shardStatistics = shardStatistics
        self.lengths = lengths
        self.touchedRows = touchedRows
        self.firstDraw = firstDraw
        self.philox = philox
    }

    /// The context of a single layer in an evaluation. `Encoder` makes the contexts of its layers itself.
    public static func evaluation(statistics: [Tensor] = [], lengths: SequenceLengths? = nil) -> LayerContext {
        LayerContext(
            mode: .evaluation, statistics: statistics, shardStatistics: [], lengths: lengths, firstDraw: 0,
            philox: Philox(seed: 0))
    }

    /// The context of a single layer in training, such as a test of the layer.
    /// - Parameter philox: the seed that stands for all parts of the key but n.
    public static func training(
        philox: Philox, firstDraw: UInt64, statistics: [Tensor] = [], shardStatistics: [Tensor] = [],
        lengths: SequenceLengths? = nil, touchedRows: Int? = nil
    ) -> LayerContext {
        LayerContext(
            mode: .training, statistics: statistics, shardStatistics: shardStatistics, lengths: lengths,
            touchedRows: touchedRows, firstDraw: firstDraw, philox: philox)
    }

    /// Fills each row of a tensor with independent uniform numbers in [0, 1): row r with the numbers of draw
    /// `firstDraw` + r. Every call gives a row the same numbers. A layer that needs several sets of numbers draws
    /// longer rows and divides them.
    ///
    /// Only for training: an evaluation is not random.
    public func fillUniform(_ tensor: Tensor) {
        precondition(mode == .training, "random numbers for \(tensor.shape) in an evaluation")
        for row in 0..<tensor.rows {
            philox.fillUniform(tensor.rows(row..<(row + 1)), .dropout, number: firstDraw &+ UInt64(row))
        }
    }

    /// The context of a layer inside this one.
    /// - Parameters:
    ///   - index: number of the inner layer; it distinguishes the random numbers of inner layers.
    ///   - statistics: positions of the inner layer's statistics among those of this layer.
    ///   - addedPositions: positions that the inner layers before it put in front of a sequence; nil if its input has
    ///     other positions than this layer's.
    public func inner(_ index: Int, statistics range: Range<Int>, addedPositions: Int? = 0) -> LayerContext {
        LayerContext(
            mode: mode, statistics: Array(statistics[range]),
            shardStatistics: shardStatistics.isEmpty ? [] : Array(shardStatistics[range]),
            lengths: addedPositions.flatMap { added in lengths.map { $0.adding(added) } }, firstDraw: firstDraw,
            philox: mode == .training ? philox.derived(UInt64(index)) : philox)
    }
}
