import CoupletTensors

/// What the layers of an encoder may know about a forward or backward pass of one shard; see `LayerContext`.
public struct EncoderContext: Sendable {
    public let mode: LayerContext.Mode
    /// [layer index][statistic]: from `Encoder.statisticsViews(of:)`; empty if no layer has any.
    private let statistics: [[Tensor]]
    private let shardStatistics: [[Tensor]]
    /// As in `LayerContext`, for the first layer.
    let touchedRows: Int?
    private let firstDraw: UInt64
    /// Its seed is derived from the run's seed, the encoder and the input.
    private let philox: Philox

    /// - Parameter statistics: the running statistics, from `Encoder.statisticsViews(of:)`. An encoder without
    ///   statistics needs none.
    public static func evaluation(statistics: [[Tensor]] = []) -> EncoderContext {
        EncoderContext(
            mode: .evaluation, statistics: statistics, shardStatistics: [], touchedRows: nil, firstDraw: 0,
            philox: Philox(seed: 0))
    }

    /// - Parameters:
    ///   - philox: random numbers with the run's seed.
    ///   - encoderNumber: 0 for the first modality, 1 for the second; 0 for a shared encoder.
    ///   - input: number of the input among those of the encoder in one step: the batches of its modalities.
    ///   - firstDraw: draw number of the shard's first row: step · B + its position in the batch; 2⁶³ more in a loss's
    ///     second batch. The rows have consecutive numbers.
    ///   - statistics: as for `evaluation`.
    ///   - shardStatistics: receives the shard's statistics: `Encoder.statisticsViews(of:)` of a buffer of their own.
    ///     Empty when activations are recomputed, in backward, and for an encoder without statistics.
    ///   - touchedRows: number of rows of the gradient of a sparse table, in backward; see `Layer.sparseTable`.
    public static func training(
        philox: Philox, encoderNumber: Int, input: Int, firstDraw: UInt64, statistics: [[Tensor]] = [],
        shardStatistics: [[Tensor]] = [], touchedRows: Int? = nil
    ) -> EncoderContext {
        precondition(encoderNumber >= 0 && input >= 0, "input \(input) of encoder \(encoderNumber)")
        return EncoderContext(
            mode: .training, statistics: statistics, shardStatistics: shardStatistics, touchedRows: touchedRows,
            firstDraw: firstDraw, philox: philox.derived(UInt64(encoderNumber)).derived(UInt64(input)))
    }

    private init(
        mode: LayerContext.Mode, statistics: [[Tensor]], shardStatistics: [[Tensor]], touchedRows: Int?,
        firstDraw: UInt64, philox: Philox
    ) {
        self.mode = mode
        self.statistics = statistics
        self.shardStatistics = shardStatistics
        self.touchedRows = touchedRows
        self.firstDraw = firstDraw
        self.philox = philox
    }

    /// The context of a layer.
    /// - Parameter lengths: the valid positions of each row of its input; nil if all are valid.
    func layer(_ index: Int, lengths: SequenceLengths?) -> LayerContext {
        LayerContext(
            mode: mode, statistics: statistics.isEmpty ? [] : statistics[index],
            shardStatistics: shardStatistics.isEmpty ? [] : shardStatistics[index], lengths: lengths,
            touchedRows: index == 0 ? touchedRows : nil, firstDraw: firstDraw,
            philox: mode == .training ? philox.derived(UInt64(index)) : philox)
    }

    /// Stops the program if the statistics are not those of an encoder.
    func checkStatistics(of encoder: Encoder) {
        let layers = encoder.layers.count
        precondition(
            statistics.count == layers || statistics.isEmpty && encoder.statisticsLayout.count == 0,
            "an encoder with running statistics needs them in every pass: \(statistics.count) for \(layers) layers"
        )
        precondition(
            shardStatistics.count == layers || shardStatistics.isEmpty,
            "statistics of a shard: \(shardStatistics.count) lists for \(layers) layers")
    }
}
