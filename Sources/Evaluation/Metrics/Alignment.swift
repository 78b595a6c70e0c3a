import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// `E |f(x)/|f(x)| - g(y)/|g(y)||²` over the held-out pairs: how close the encodings of a pair are (Wang and Isola,
/// *Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere*, ICML 2020,
/// with the exponent 2). It lies between 0 and 4; lower is closer.
public struct Alignment: Metric {
    public static let name = "alignment"
    public static let table = ConfigurationTable(
        Alignment(), help: "Mean squared distance of the two encodings of a pair, scaled to length 1.", [])

    public init() {}

    /// One figure. Cost: O(N e / W) for N pairs over W workers.
    public func evaluate(_ context: MetricContext) throws -> [MetricValue] {
        let first = UnitRows(context.encodings.first), second = UnitRows(context.encodings.second)
        return [MetricValue(try context.mean { first.squaredDistance($0, second, $0) })]
    }
}

extension Metric where Self == Alignment {
    /// E |f(x) - g(y)|² of encodings scaled to length 1.
    public static var alignment: Alignment { Alignment() }
}

/// Scales rows to length 1, x̂ = x / max(|x|, 10⁻¹²), and computes their distances in Double. A distance has the same
/// bits on every CPU, because no BLAS computes it.
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

    /// |x̂_i|²: 1, or 0 for a row of zeros.
    func square(_ i: Int) -> Double { squares[i] }

    /// |x̂_i - ŷ_j|² = |x̂_i|² + |ŷ_j|² - 2 ⟨x̂_i, ŷ_j⟩, at least 0; NaN if an encoding is not finite.
    func squaredDistance(_ i: Int, _ others: UnitRows, _ j: Int) -> Double {
        let e = rows.columns
        precondition(others.rows.columns == e, "encodings of \(e) and of \(others.rows.columns) numbers")
        let product = couplet_dot(e, rows.pointer + i * e, others.rows.pointer + j * e)
        let square = squares[i] + others.squares[j] - 2 * product * scales[i] * others.scales[j]
        return square < 0 ? 0 : square
    }
}
