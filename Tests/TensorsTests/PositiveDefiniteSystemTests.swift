import CoupletTensors
import TestSupport
import Testing

@Suite struct PositiveDefiniteSystemTests {
    /// B Bᵀ + shift, B order × rank.
    private static func matrix(_ order: Int, rank: Int, shift: Double) -> Matrix {
        let b = Matrix.normal(rows: order, columns: rank, seed: 2, stream: .evaluation, number: 1)
        return b * b.transposed + shift * .identity(order)
    }

    private static func fill(_ system: PositiveDefiniteSystem, _ matrix: Matrix) {
        system.fill(order: matrix.rows) { row, entries in
            #expect(entries.count == row + 1)
            for column in 0...row { entries[column] = matrix[row, column] }
        }
    }

    private static func difference(_ a: Matrix, _ b: Matrix) -> Double { (a - b).frobeniusNorm / b.frobeniusNorm }

    /// Solves systems of growing and shrinking order with one instance, and compares with LU factorisation.
    @Test func solvesOneSystemAfterTheOther() throws {
        let system = try PositiveDefiniteSystem()
        for order in [5, 130, 64, 1] {
            let a = Self.matrix(order, rank: order, shift: 1)
            let right = Matrix.normal(rows: 3, columns: order, seed: 3, stream: .evaluation, number: 2)
            Self.fill(system, a)
            var product = Matrix(rows: 3, columns: order)
            system.multiply(right, into: &product)
            #expect(Self.difference(product, right * a) <= 1e-14)
            var solved = right.elements
            try system.solve(&solved)
            #expect(
                Self.difference(
                    Matrix(rows: 3, columns: order, elements: solved), try a.solve(right.transposed).transposed) <= 1e-9
            )
        }
    }

    @Test func lowRankFactorHasAsManyColumnsAsTheRank() throws {
        let a = Self.matrix(90, rank: 7, shift: 0), system = try PositiveDefiniteSystem()
        Self.fill(system, a)
        let found = try system.lowRankFactor(tolerance: 1e-10)
        #expect(found.factor.rows == 90 && found.factor.columns == 7 && Set(found.pivots) == Set(0..<90))
        var permuted = a
        for i in 0..<90 { for j in 0..<90 { permuted[i, j] = a[found.pivots[i], found.pivots[j]] } }
        #expect(Self.difference(found.factor * found.factor.transposed, permuted) <= 1e-12)
    }

    @Test func errorsIfThereIsNoFactor() throws {
        let system = try PositiveDefiniteSystem()
        var right = [1.0, 1]
        Self.fill(system, Matrix(rows: 2, columns: 2, elements: [1, 2, 2, 1]))
        #expect(throws: LinearAlgebraError.self) { try system.solve(&right) }
        Self.fill(system, Matrix(rows: 2, columns: 2, elements: [1, .nan, .nan, 1]))
        #expect(throws: LinearAlgebraError.self) { try system.solve(&right) }
        Self.fill(system, Matrix(rows: 2, columns: 2, elements: [.nan, 0, 0, 1]))
        #expect(throws: LinearAlgebraError.self) { try system.lowRankFactor(tolerance: 1e-12) }
    }
}
