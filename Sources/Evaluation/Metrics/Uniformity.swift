import CoupletPairs
import CoupletSchema
import CoupletTensors

/// `log E exp(-t |x_i - x_j|²)` over the combinations i ≠ j of the held-out encodings of one modality, scaled to length
/// 1: how uniformly they lie on the sphere (Wang and Isola, *Understanding Contrastive Representation Learning through
/// Alignment and Uniformity on the Hypersphere*, ICML 2020). It lies between -4t and 0; lower is more uniform. It is
/// NaN for fewer than two pairs.
public struct Uniformity: Metric {
    public static let name = "uniformity"
    public static let table = ConfigurationTable(
        Uniformity(), help: "Logarithm of the mean Gaussian potential of two encodings of a modality.",
        [
            .key(
                "exponent", \.exponent, .number(.positive, example: 2),
                "Factor t of the squared distance in the Gaussian potential.")
        ])

    /// t.
    public var exponent: Double

    public init(exponent: Double = 2) { self.exponent = exponent }

    /// The figures `first` and `second`. Cost: O(N² e / W) for N pairs over W workers; about 4 s on one core for 10,000
    /// pairs with e = 128.
    public func evaluate(_ context: MetricContext) throws -> [MetricValue] {
        let combinations = 0.5 * Double(context.count) * Double(context.count - 1)
        return try Modality.allCases.map { modality in
            let encodings = context.encodings[modality]
            let sums = try context.sumsOverTiles(1, rows: encodings, columns: encodings) { [potential($0)] }
            return MetricValue(log(sums[0] / combinations), name: modality.rawValue)
        }
    }

    /// Σ exp(-t |x_i - x_j|²) over the combinations of a tile that are its share.
    private func potential(_ tile: MetricContext.Tile) -> Double {
        let rows = UnitRows(tile.rows), columns = UnitRows(tile.columns)
        let rowStart = tile.rowSamples.lowerBound, columnStart = tile.columnSamples.lowerBound
        var sum = 0.0
        for i in 0..<tile.rows.rows {
            var rowSum = 0.0
            for j in 0..<tile.columns.rows where Self.isCounted(rowStart + i, columnStart + j) {
                rowSum += exp(-exponent * rows.squaredDistance(i, columns, j))
            }
            sum += rowSum
        }
        return sum
    }

    /// Whether {i, j} is counted in row i. It is counted in one of the rows i and j, so that each row, and each worker,
    /// has half of its combinations.
    static func isCounted(_ i: Int, _ j: Int) -> Bool { i != j && (i < j) == !(i + j).isMultiple(of: 2) }
}

extension Metric where Self == Uniformity {
    /// log E exp(-t |x_i - x_j|²) of encodings scaled to length 1.
    public static func uniformity(exponent: Double = 2) -> Uniformity { Uniformity(exponent: exponent) }
}
