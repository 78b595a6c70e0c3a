import CCoupletKernels
import CoupletPairs
import CoupletTensors
import CoupletText

/// Figures of the encodings of one evaluation that show a collapse: f(x) and g(y) of the pairs, and x̂ = x / |x|.
///
/// All sums have a fixed order and use no BLAS, so the figures have the same bits for every number of workers and on
/// every CPU.
public struct EncodingStatistics: Equatable, Sendable {
    /// `E |f̂ - ĝ|²` over the pairs, as `Alignment` has it: 0 to 4.
    public let alignment: Double
    /// `log E exp(-2 |x̂_i - x̂_j|²)` over i ≠ j, as `Uniformity` has it: -8 to 0, where 0 means that all are equal.
    public let uniformity: PerModality<Double>
    /// `1 / E ⟨x̂_i, x̂_j⟩²` over i ≠ j: the number of directions that the encodings use.
    ///
    /// It is near 1 if all encodings are parallel, and near e if they are uniform on the sphere. With the eigenvalues λ
    /// of the matrix `E x̂ x̂ᵀ` it is (Σ λ)² / Σ λ². This is the effective rank R₀ of Bartlett, Long, Lugosi and
    /// Tsigler (*Benign Overfitting in Linear Regression*, PNAS 2020). NaN if all products are 0, and for fewer than
    /// two pairs.
    public let effectiveRank: PerModality<Double>
    /// `E |x|`, before any scaling.
    public let norm: PerModality<Double>

    public init(
        alignment: Double, uniformity: PerModality<Double>, effectiveRank: PerModality<Double>,
        norm: PerModality<Double>
    ) {
        self.alignment = alignment
        self.uniformity = uniformity
        self.effectiveRank = effectiveRank
        self.norm = norm
    }

    /// Largest number of samples whose products are computed. Of N samples every ⌈N/1024⌉-th is used.
    public static let largestSample = 1_024

    /// Computes the figures. Every worker calls it and gets the same result. Cost: O(N e + 1024² e) for both
    /// modalities, divided among the workers.
    /// - Throws: `CollectiveError` if a worker has failed.
    public init(_ context: MetricContext) throws {
        let (first, second) = (context.encodings.first, context.encodings.second)
        let (firstUnit, secondUnit) = (UnitRows(first), UnitRows(second))
        func length(_ rows: Tensor, _ row: Int) -> Double {
            couplet_squared_norm(rows.columns, rows.pointer + row * rows.columns).squareRoot()
        }
        let means = try context.means(3) { row in
            [firstUnit.squaredDistance(row, secondUnit, row), length(first, row), length(second, row)]
        }
        alignment = means[0]
        norm = PerModality(first: means[1], second: means[2])
        let products = try PerModality { try Self.products(context, context.encodings[$0]) }
        uniformity = products.map { log($0.potential) }
        effectiveRank = products.map { $0.square > 0 ? 1 / $0.square : .nan }
    }

    /// Two means over all pairs of different samples that are in use: of exp(-2 |x̂_i - x̂_j|²) and of ⟨x̂_i, x̂_j⟩².
    /// Both are NaN if only one sample is in use.
    private static func products(
        _ context: MetricContext, _ encodings: Tensor
    ) throws -> (potential: Double, square: Double) {
        let stride = max(1, (context.count + largestSample - 1) / largestSample)
        let used = (context.count + stride - 1) / stride, combinations = 0.5 * Double(used) * Double(used - 1)
        let sums = try context.sumsOverTiles(2, rows: encodings, columns: encodings) { tile in
            let rows = SampledRows(tile.rows, tile.rowSamples, stride: stride)
            let columns = SampledRows(tile.columns, tile.columnSamples, stride: stride)
            var potential = 0.0, square = 0.0
            for (a, i) in rows.numbers.enumerated() {
                var rowPotential = 0.0, rowSquare = 0.0
                for (b, j) in columns.numbers.enumerated() where Uniformity.isCounted(i, j) {
                    let distance = rows.units.squaredDistance(a, columns.units, b)
                    let product = 0.5 * (rows.units.square(a) + columns.units.square(b) - distance)
                    rowPotential += exp(-2 * distance)
                    rowSquare += product * product
                }
                potential += rowPotential
                square += rowSquare
            }
            return [potential, square]
        }
        if combinations == 0 { return (.nan, .nan) }
        return (sums[0] / combinations, sums[1] / combinations)
    }

    var json: JSONValue {
        func both(_ values: PerModality<Double>) -> JSONValue {
            .object([("first", .number(values.first)), ("second", .number(values.second))])
        }
        return .object([
            ("alignment", .number(alignment)), ("uniformity", both(uniformity)),
            ("effective_rank", both(effectiveRank)), ("norm", both(norm)),
        ])
    }

    var table: String {
        var table = TextTable()
        func add(_ name: String, _ values: PerModality<Double>) {
            table.add([name, NumberText.fixed(values.first), NumberText.fixed(values.second)])
        }
        table.add(["", "first", "second"])
        add("mean length", norm)
        add("uniformity", uniformity)
        add("effective rank", effectiveRank)
        return "encodings of held-out pairs, alignment \(NumberText.fixed(alignment))\n" + table.text()
    }
}

/// Every `stride`-th sample of a tile's rows or columns.
private struct SampledRows {
    /// Number of each sample among the samples in use.
    let numbers: [Int]
    let units: UnitRows

    init(_ rows: Tensor, _ samples: Range<Int>, stride: Int) {
        let chosen = samples.filter { $0.isMultiple(of: stride) }
        numbers = chosen.map { $0 / stride }
        let isAll = chosen.count == samples.count
        units = UnitRows(isAll ? rows : rows.rows(at: chosen.map { $0 - samples.lowerBound }))
    }
}

/// The loss of a run over batches of pairs that it does not train on.
public struct HeldOutLoss: Equatable, Sendable {
    /// Mean of the losses of the batches.
    public let mean: Double
    /// Pairs of a batch. If it is the batch size of the training, the loss can be compared with that of training.
    public let batchPairs: Int
    /// Number of batches.
    public let batches: Int

    public init(mean: Double, batchPairs: Int, batches: Int) {
        self.mean = mean
        self.batchPairs = batchPairs
        self.batches = batches
    }

    var json: JSONValue {
        .object([
            ("mean", .number(mean)), ("batch_pairs", .integer(batchPairs)), ("batches", .integer(batches)),
        ])
    }

    var table: String {
        let batch = batches == 1 ? "1 batch" : "\(batches) batches"
        return "loss \(NumberText.fixed(mean)) of \(batch) of \(batchPairs) held-out pairs\n"
    }
}
