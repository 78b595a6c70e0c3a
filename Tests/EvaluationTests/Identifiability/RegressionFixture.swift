import CoupletTensors

/// Numbers for regressions.
enum RegressionFixture {
    /// Standard normal, rows × columns.
    static func normals(_ rows: Int, _ columns: Int, number: UInt64) -> Matrix {
        Matrix(
            rows: rows, columns: columns,
            elements: Philox(seed: 5).normals(rows * columns, .evaluation, number: number).map(Double.init))
    }

    /// A matrix made entry by entry.
    static func matrix(_ rows: Int, _ columns: Int, _ entry: (Int, Int) -> Double) -> Matrix {
        var result = Matrix(rows: rows, columns: columns)
        for row in 0..<rows { for column in 0..<columns { result[row, column] = entry(row, column) } }
        return result
    }

    static func largestDifference(_ a: Matrix, _ b: Matrix) -> Double {
        a.rows == b.rows && a.columns == b.columns
            ? zip(a.elements, b.elements).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }
}
