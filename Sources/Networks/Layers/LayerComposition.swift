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
    var positionsBefore: [Int?] {
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
