/// The layers of an encoder with their shapes, parameters, operations and activations, for a table.
public struct LayerTable: Sendable {
    /// A layer of the encoder, or a layer inside one.
    public struct Row: Sendable {
        /// Index of the layer among the encoder's layers, then its index in each layer that contains it: [3, 0].
        public let path: [Int]
        /// `Layer.tableName`
        public let name: String
        public let outputShape: [Int]
        public let parameters: Int
        /// Numbers of running statistics.
        public let statistics: Int
        /// Operations of the matrix products of one sample, forward.
        public let forwardFLOPs: Int
        /// Operations of the matrix products of one sample, forward and backward; nil for an inner layer.
        public let stepFLOPs: Int?
        /// Bytes for each sample from forward to backward if activations are kept; nil for an inner layer.
        public let activationBytes: Int?
    }

    /// The layers in the order of the forward pass. The layers inside a layer follow it.
    public let rows: [Row]
    public let inputShape: [Int]
    public let outputCount: Int
    /// The sums over the encoder's layers.
    public let parameters: Int
    public let statistics: Int
    public let forwardFLOPs: Int
    public let stepFLOPs: Int
    public let activationBytes: Int

    /// - Parameter rows: rows of a shard; what layers save for backward may have a part for each shard.
    public init(_ encoder: Encoder, rows shardRows: Int) {
        let layers = encoder.layers, read = layers.readOutputs, first = layers.firstWithParameters
        var rows: [Row] = []
        for (index, layer) in layers.enumerated() {
            let kept = index < read.count && read[index] ? shardRows * layer.outputCount : 0
            let floats = kept + layer.savedForBackwardCount(rows: shardRows)
            rows.append(
                Row(
                    layer, path: [index],
                    stepFLOPs: layer.matrixProductFLOPs(rows: 1, needsInputGradient: index > first),
                    activationBytes: (floats * MemoryLayout<Float>.stride + shardRows - 1) / shardRows))
            rows += Self.inner(layer, path: [index])
        }
        self.rows = rows
        inputShape = encoder.inputShape
        outputCount = encoder.outputCount
        let own = rows.filter { $0.path.count == 1 }
        parameters = own.reduce(0) { $0 + $1.parameters }
        statistics = own.reduce(0) { $0 + $1.statistics }
        forwardFLOPs = own.reduce(0) { $0 + $1.forwardFLOPs }
        stepFLOPs = own.reduce(0) { $0 + ($1.stepFLOPs ?? 0) }
        activationBytes = own.reduce(0) { $0 + ($1.activationBytes ?? 0) }
    }

    private static func inner(_ layer: any Layer, path: [Int]) -> [Row] {
        layer.innerLayers.enumerated().flatMap { index, layer in
            [Row(layer, path: path + [index], stepFLOPs: nil, activationBytes: nil)]
                + inner(layer, path: path + [index])
        }
    }
}

extension LayerTable.Row {
    fileprivate init(_ layer: any Layer, path: [Int], stepFLOPs: Int?, activationBytes: Int?) {
        self.path = path
        name = layer.tableName
        outputShape = layer.outputShape
        parameters = layer.parameterShapes.reduce(0) { $0 + $1.shape.reduce(1, *) }
        statistics = layer.statisticShapes.reduce(0) { $0 + $1.shape.reduce(1, *) }
        forwardFLOPs = layer.forwardProductFLOPs(rows: 1)
        self.stepFLOPs = stepFLOPs
        self.activationBytes = activationBytes
    }
}
