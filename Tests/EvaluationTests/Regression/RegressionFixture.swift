import CoupletTensors
import TestSupport

/// Matrices for tests of regressions.
enum RegressionFixture {
    /// Returns standard normal numbers of seed 5, rows × columns.
    static func normals(_ rows: Int, _ columns: Int, number: UInt64) -> Matrix {
        .normal(rows: rows, columns: columns, seed: 5, stream: .evaluation, number: number)
    }

    /// Returns the matrix of the values of a function of row and column.
    static func matrix(_ rows: Int, _ columns: Int, _ entry: (Int, Int) -> Double) -> Matrix {
        var result = Matrix(rows: rows, columns: columns)
        for row in 0..<rows { for column in 0..<columns { result[row, column] = entry(row, column) } }
        return result
    }

    /// Returns max |a_ij - b_ij|; infinity if the shapes differ.
    static func largestDifference(_ a: Matrix, _ b: Matrix) -> Double {
        a.rows == b.rows && a.columns == b.columns
            ? zip(a.elements, b.elements).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }
}
