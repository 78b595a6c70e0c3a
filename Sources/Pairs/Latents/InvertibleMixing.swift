import CoupletTensors

/// An invertible network without biases, x = W_L φ(W_{L-1} φ(… W_1 z)), with square W and the leaky rectifier φ(y) = y for y ≥ 0, slope · y below.
public struct InvertibleMixing: Sendable {
    /// W_1 … W_L. Their entries are Floats, so that the network is the same one in Float and in Double.
    public let layers: [Matrix]
    /// Of each layer, largest over smallest singular value.
    public let conditionNumbers: [Double]
    /// Of the rectifier, below 0.
    public static let slope = 0.2

    private let inverses: [Matrix]

    /// - Throws: `LinearAlgebraError` where a layer cannot be inverted.
    init(_ layers: [(matrix: Matrix, conditionNumber: Double)]) throws {
        self.layers = layers.map(\.matrix)
        conditionNumbers = layers.map(\.conditionNumber)
        inverses = try layers.map { try $0.matrix.inverse() }
    }

    /// f of each row, in Double: B × inputs to B × inputs.
    public func mix(_ latents: Matrix) -> Matrix {
        var rows = latents * layers[0].transposed
        for layer in layers.dropFirst() {
            rows.elements = rows.elements.map { $0 < 0 ? Self.slope * $0 : $0 }
            rows = rows * layer.transposed
        }
        return rows
    }

    /// f⁻¹ of each row, in Double: the latents that the views were mixed from.
    public func unmix(_ views: Matrix) -> Matrix {
        var rows = views * inverses[inverses.count - 1].transposed
        for inverse in inverses.dropLast().reversed() {
            rows.elements = rows.elements.map { $0 < 0 ? $0 / Self.slope : $0 }
            rows = rows * inverse.transposed
        }
        return rows
    }
}
