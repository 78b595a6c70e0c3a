import CoupletTensors

/// `StandardScaler` of encodings whose samples are spread over workers: each number to mean 0 and standard deviation 1, one that is constant only shifted.
struct ShardedStandardScaler: Sendable {
    let means: [Double]
    /// 1 / standard deviation, that of the population.
    let scales: [Double]

    /// - Throws: `CollectiveError` where a worker has failed.
    init(_ encodings: Tensor, _ sum: ShardedSum) throws {
        let e = encodings.columns, size = sum.shards.size, count = Double(sum.shards.samples)
        func mean(_ term: (_ value: Double, _ column: Int) -> Double) throws -> [Double] {
            try sum.run(count: e) { place, samples in
                var sums = [Double](repeating: 0, count: e)
                for row in 0..<samples.count {
                    let encoding = encodings.pointer + (place * size + row) * e
                    for column in 0..<e { sums[column] += term(Double(encoding[column]), column) }
                }
                return sums
            }.map { $0 / count }
        }
        let means = try mean { value, _ in value }
        let variances = try mean { ($0 - means[$1]) * ($0 - means[$1]) }
        self.means = means
        scales = zip(variances, means).map { StandardScaler.scale(variance: $0, mean: $1, count: count) }
    }

    /// Samples × e, and transposed.
    func features(_ encodings: Tensor) -> (rows: Matrix, columns: Matrix) {
        let e = encodings.columns, count = encodings.rows
        var rows = Matrix(rows: count, columns: e), columns = Matrix(rows: e, columns: count)
        rows.elements.withUnsafeMutableBufferPointer { byRow in
            columns.elements.withUnsafeMutableBufferPointer { byColumn in
                for row in 0..<count {
                    for column in 0..<e {
                        let value = (Double(encodings.pointer[row * e + column]) - means[column]) * scales[column]
                        byRow[row * e + column] = value
                        byColumn[column * count + row] = value
                    }
                }
            }
        }
        return (rows, columns)
    }
}
