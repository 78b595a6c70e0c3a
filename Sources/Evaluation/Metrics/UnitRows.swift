import CCoupletKernels
import CoupletTensors

/// Rows scaled to length 1, x̂ = x / max(|x|, 10⁻¹²), and their distances in Double. No BLAS is involved, so a distance
/// has the same bits on every CPU.
struct UnitRows {
    private let rows: Tensor
    /// 1 / max(|x|, 10⁻¹²).
    private let scales: [Double]
    /// |x̂|²: 1, or 0 for a row of zeros.
    private let squares: [Double]

    /// - Parameter rows: n × e.
    init(_ rows: Tensor) {
        self.rows = rows
        let e = rows.columns
        let norms = (0..<rows.rows).map { couplet_squared_norm(e, rows.pointer + $0 * e) }
        scales = norms.map { 1 / max($0.squareRoot(), 1e-12) }
        squares = zip(norms, scales).map { $0 * $1 * $1 }
    }

    /// |x̂_i - ŷ_j|² = |x̂_i|² + |ŷ_j|² - 2 ⟨x̂_i, ŷ_j⟩, at least 0; NaN if an encoding is not finite.
    func squaredDistance(_ i: Int, _ others: UnitRows, _ j: Int) -> Double {
        let e = rows.columns
        precondition(others.rows.columns == e, "encodings of \(e) and of \(others.rows.columns) numbers")
        let product = couplet_dot(e, rows.pointer + i * e, others.rows.pointer + j * e)
        let square = squares[i] + others.squares[j] - 2 * product * scales[i] * others.scales[j]
        return square < 0 ? 0 : square
    }
}
