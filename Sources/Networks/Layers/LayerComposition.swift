import CoupletTensors

/// Layers one after another, as in an encoder and in the layers that contain others.
extension Array where Element == any Layer {
    /// [layer index]: the layer's number in the paths of parameters and statistics. Layers without either have none.
    var pathNumbers: [Int?] {
        var next = 0
        return map { layer in
            if layer.parameterShapes.isEmpty, layer.statisticShapes.isEmpty { return nil }
            defer { next += 1 }
            return next
        }
    }

    /// [layer index]: positions that the layers before it put in front of a sequence; nil if its input has other
    /// positions than that of the first layer.
    package var positionsBefore: [Int?] {
        var added: Int? = 0
        return map { layer in
            defer { added = added.flatMap { before in layer.addedPositions.map { before + $0 } } }
            return added
        }
    }

    /// Whether a layer other than the first, or one inside another, has a sparse table.
    var hasMisplacedSparseTable: Bool {
        func hasTable(_ layer: any Layer) -> Bool {
            layer.sparseTable != nil || layer.innerLayers.contains(where: hasTable)
        }
        return dropFirst().contains(where: hasTable) || first?.innerLayers.contains(where: hasTable) == true
    }

    /// The first layer, and the one before it, that cannot follow it; nil if each layer's input has the size of the
    /// output before it. A layer may see that output in another shape.
    var firstMismatch: (before: any Layer, after: any Layer)? {
        zip(self, dropFirst()).first { $0.outputCount != $1.inputCount }.map { (before: $0, after: $1) }
    }

    /// Index of the first layer with parameters; their number if there is none.
    var firstWithParameters: Int { firstIndex { !$0.parameterShapes.isEmpty } ?? count }

    /// [layer index]: whether backward reads the output of the layer, for all layers but the last.
    var readOutputs: [Bool] {
        zip(self, dropFirst()).map { $0.backwardReadsOutput || $1.backwardReadsInput }
    }

    /// Floats of the two buffers for the gradients of all outputs but the last: one for layers with even and one with
    /// odd index.
    func gradientBufferCounts(rows: Int) -> [Int] {
        (0..<2).map { parity in
            dropLast().enumerated().reduce(0) {
                $1.offset % 2 == parity ? Swift.max($0, rows * $1.element.outputCount) : $0
            }
        }
    }
}

/// The parameters and running statistics of layers inside another layer, those of one inner layer after those of the
/// other.
struct InnerParts: Sendable {
    /// Of all inner layers, with the number of the inner layer before each name: "2/weight".
    let parameterShapes: [(name: String, shape: [Int])]
    let statisticShapes: [(name: String, shape: [Int])]
    /// [inner layer]: positions of its parameters and statistics among those.
    let ranges: [(parameters: Range<Int>, statistics: Range<Int>)]

    /// - Parameter numbers: the number of each layer in the names; nil for one without parameters and statistics.
    init(_ layers: [any Layer], numbers: [Int?]) {
        var parameters: [(name: String, shape: [Int])] = [], statistics = parameters
        ranges = zip(layers, numbers).map { layer, number in
            let starts = (parameters.count, statistics.count)
            if let number {
                parameters += prefixed(layer.parameterShapes, with: "\(number)")
                statistics += prefixed(layer.statisticShapes, with: "\(number)")
            }
            return (starts.0..<parameters.count, starts.1..<statistics.count)
        }
        parameterShapes = parameters
        statisticShapes = statistics
    }

    func initializeStatistics(of layers: [any Layer], _ statistics: [Tensor]) {
        for (layer, range) in zip(layers, ranges) { layer.initializeStatistics(Array(statistics[range.statistics])) }
    }

    func updateStatistics(of layers: [any Layer], _ statistics: [Tensor], means: [Tensor]) {
        for (layer, range) in zip(layers, ranges) where !range.statistics.isEmpty {
            layer.updateStatistics(Array(statistics[range.statistics]), means: Array(means[range.statistics]))
        }
    }
}

/// Names of parameters or statistics inside a layer, with a prefix: "2/weight".
func prefixed(_ shapes: [(name: String, shape: [Int])], with prefix: String) -> [(name: String, shape: [Int])] {
    shapes.map { ("\(prefix)/\($0.name)", $0.shape) }
}

/// Divides a flat buffer into tensors that begin at multiples of 16 floats, as the kernels like them.
struct BufferDivision {
    private let buffer: Tensor
    private(set) var count = 0

    init(_ buffer: Tensor) { self.buffer = buffer }

    /// Floats that a tensor takes.
    static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    /// The next tensor.
    mutating func next(_ shape: [Int]) -> Tensor {
        let start = count, elements = shape.reduce(1, *)
        count += Self.padded(elements)
        return buffer.flat(start..<(start + elements)).reshaped(shape)
    }
}
