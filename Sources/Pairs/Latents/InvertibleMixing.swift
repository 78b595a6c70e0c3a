import CCoupletKernels
import CoupletTensors

/// An invertible network without biases, x = f(z) = W_L φ(W_{L-1} φ(… W_1 z)), with square W. φ is the leaky ReLU:
/// φ(y) = y for y ≥ 0, and slope · y for y < 0.
public struct InvertibleMixing: Sendable {
    /// W_1 … W_L. Float represents their entries exactly, so the network is the same function in Float and in Double.
    public let layers: [Matrix]
    /// Largest over smallest singular value of each layer.
    public let conditionNumbers: [Double]
    /// Slope of φ below 0.
    public static let slope = 0.2

    private let inverses: [Matrix]

    /// - Throws: `LinearAlgebraError` if a layer cannot be inverted.
    init(_ layers: [(matrix: Matrix, conditionNumber: Double)]) throws {
        self.layers = layers.map(\.matrix)
        conditionNumbers = layers.map(\.conditionNumber)
        inverses = try layers.map { try $0.matrix.inverse() }
    }

    /// Returns f of each row, computed in Double: B × inputs to B × inputs.
    public func mix(_ latents: Matrix) -> Matrix {
        var rows = latents * layers[0].transposed
        for layer in layers.dropFirst() {
            rows.elements = rows.elements.map { $0 < 0 ? Self.slope * $0 : $0 }
            rows = rows * layer.transposed
        }
        return rows
    }

    /// Returns f⁻¹ of each row, computed in Double: B × inputs to B × inputs.
    public func unmix(_ views: Matrix) -> Matrix {
        var rows = views * inverses[inverses.count - 1].transposed
        for inverse in inverses.dropLast().reversed() {
            rows.elements = rows.elements.map { $0 < 0 ? $0 / Self.slope : $0 }
            rows = rows * inverse.transposed
        }
        return rows
    }
}

/// An `InvertibleMixing` in Float for many rows. A row has the same bits at every position.
struct SinglePrecisionMixing: Sendable {
    private let layers: [RowwiseLinearMap]

    /// - Parameter order: for each column of the input rows, the input of the mixing that it holds.
    init(_ mixing: InvertibleMixing, order: [Int]) {
        layers = mixing.layers.enumerated().map { index, layer in
            guard index == 0 else { return RowwiseLinearMap(layer) }
            var reordered = Matrix(rows: layer.rows, columns: layer.columns)
            for (k, latent) in order.enumerated() {
                for row in 0..<layer.rows { reordered[row, k] = layer[row, latent] }
            }
            return RowwiseLinearMap(reordered)
        }
    }

    /// - Parameters:
    ///   - latents: `rows` rows; row i begins at i · `stride`.
    ///   - scratch: 2 × rows × inputs.
    ///   - views: the result, rows × inputs.
    func apply(
        rows: Int, _ latents: UnsafePointer<Float>, stride: Int, scratch: UnsafeMutablePointer<Float>,
        to views: UnsafeMutablePointer<Float>
    ) {
        var input = latents, inputStride = stride
        for (index, layer) in layers.enumerated() {
            let isLast = index == layers.count - 1, width = layer.outputs
            let output = isLast ? views : scratch + index % 2 * rows * width
            layer.apply(rows: rows, input, stride: inputStride, to: output)
            if !isLast { couplet_bias_leaky_relu(rows, width, nil, Float(InvertibleMixing.slope), output) }
            (input, inputStride) = (UnsafePointer(output), width)
        }
    }
}

/// Draws well-conditioned random matrices, for the layers of mixings.
///
/// Draw n is square. Philox gives its entries, uniform on [-1, 1), for (seed, stream of the source, n), and its columns
/// are scaled to unit length. A draw is selected, in order, if its condition number (largest over smallest singular
/// value) is at most the 26th lowest of the first 25,000 draws. The code of Daunhawer et al. (arXiv 2303.09166) has the
/// same rule, but takes the matrices and the threshold from different draws.
struct WellConditionedMatrices {
    /// Upper bound of the condition numbers.
    let threshold: Double
    /// Each matrix with its condition number. Float represents the entries exactly.
    let matrices: [(matrix: Matrix, conditionNumber: Double)]

    /// Number of draws that set the threshold, and the index of the threshold among their sorted condition numbers.
    private static let poolSize = 25_000, thresholdIndex = poolSize / 1_000
    /// Number of draws whose condition numbers one kernel call computes.
    private static let lanes = Int(COUPLET_CONDITION_LANES)

    /// - Parameters:
    ///   - count: number of matrices.
    ///   - size: rows and columns of each matrix.
    init(count: Int, size: Int, seed: UInt64) {
        let philox = Philox(seed: seed)
        let uniforms = Tensor([Self.lanes, size * size]), matrices = Tensor([Self.lanes, size * size])
        var workspace = [Double](repeating: 0, count: couplet_condition_work(size))
        /// Writes one draw per lane into `matrices` and returns their condition numbers.
        func draw(from first: Int) -> [Double] {
            for lane in 0..<Self.lanes {
                let number = LatentDrawNumber.matrix(first + lane)
                philox.fillUniform(uniforms.rows(lane..<(lane + 1)), .source, number: number)
                let offset = lane * size * size
                couplet_unit_columns(size, uniforms.pointer + offset, matrices.pointer + offset)
            }
            var conditions = [Double](repeating: 0, count: Self.lanes)
            couplet_condition_numbers(size, matrices.pointer, &workspace, &conditions)
            return conditions
        }
        let poolStarts = stride(from: 0, to: Self.poolSize, by: Self.lanes)
        let conditions = poolStarts.flatMap { draw(from: $0) }
        let threshold = conditions.sorted()[Self.thresholdIndex]
        var selected: [(matrix: Matrix, conditionNumber: Double)] = []
        func drawAndSelect(from first: Int) {
            for (lane, condition) in draw(from: first).enumerated() {
                guard condition <= threshold, selected.count < count else { continue }
                let matrix = Matrix(matrices.rows(lane..<(lane + 1)).reshaped([size, size]))
                selected.append((matrix, condition))
            }
        }
        // Few draws are selected, so they are drawn again instead of stored.
        for first in poolStarts where conditions[first..<(first + Self.lanes)].contains(where: { $0 <= threshold }) {
            if selected.count < count { drawAndSelect(from: first) }
        }
        var next = Self.poolSize
        while selected.count < count {
            drawAndSelect(from: next)
            next += Self.lanes
        }
        (self.threshold, self.matrices) = (threshold, selected)
    }
}
