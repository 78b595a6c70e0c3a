import CoupletTensors
import Testing

/// Factorisations against their definitions.
@Suite struct MatrixTests {
    static func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
        Matrix(
            rows: rows, columns: columns,
            elements: Philox(seed: seed).normals(rows * columns, .evaluation, number: 0).map(Double.init))
    }

    /// A Aᵀ + ½: symmetric and positive definite.
    static func positive(_ size: Int, seed: UInt64) -> Matrix {
        let a = random(size, size, seed: seed)
        return a * a.transposed + 0.5 * Matrix.identity(size)
    }

    static func distance(_ a: Matrix, _ b: Matrix) -> Double { (a - b).frobeniusNorm / max(1, b.frobeniusNorm) }

    @Test(arguments: [(1, 1), (4, 3), (3, 4), (7, 7), (2, 40), (65, 20)]) func product(rows: Int, columns: Int) {
        let a = Self.random(rows, 5, seed: 1), b = Self.random(5, columns, seed: 2), c = a * b
        for i in 0..<rows {
            for j in 0..<columns { #expect(abs(c[i, j] - (0..<5).reduce(0) { $0 + a[i, $1] * b[$1, j] }) <= 1e-13) }
        }
        #expect(a.transposed.transposed == a)
    }

    @Test(arguments: [(1, 1), (4, 3), (3, 4), (7, 7), (2, 40), (65, 20)]) func singularValues(rows: Int, columns: Int)
        throws
    {
        let a = Self.random(rows, columns, seed: 3), rank = min(rows, columns)
        let (u, s, v) = try a.singularValueDecomposition()
        #expect(s.count == rank && s == s.sorted(by: >) && s.allSatisfy { $0 >= 0 })
        #expect(Self.distance(u * .diagonal(s) * v.transposed, a) <= 1e-13)
        #expect(Self.distance(u.transposed * u, .identity(rank)) <= 1e-13)
        #expect(Self.distance(v.transposed * v, .identity(rank)) <= 1e-13)
    }

    @Test(arguments: [1, 2, 9, 40]) func eigenvalues(size: Int) throws {
        let a = Self.random(size, size, seed: 4), symmetric = a + a.transposed
        let (values, q) = try symmetric.symmetricEigenvalues()
        #expect(values == values.sorted())
        #expect(Self.distance(q * .diagonal(values) * q.transposed, symmetric) <= 1e-13)
        #expect(Self.distance(q.transposed * q, .identity(size)) <= 1e-13)
    }

    @Test(arguments: [1, 2, 9, 40]) func positiveDefinite(size: Int) throws {
        let a = Self.positive(size, seed: 5), factor = try a.choleskyFactor()
        for i in 0..<size { for j in 0..<size where j > i { #expect(factor[i, j] == 0) } }
        #expect(factor.diagonal.allSatisfy { $0 > 0 })
        #expect(Self.distance(factor * factor.transposed, a) <= 1e-13)
        let root = try a.squareRoot(), inverseRoot = try a.inverseSquareRoot()
        #expect(Self.distance(root * root, a) <= 1e-12)
        #expect(Self.distance(root.transposed, root) <= 1e-12)
        #expect(Self.distance(inverseRoot * root, .identity(size)) <= 1e-11)
    }

    @Test(arguments: [1, 2, 9, 40]) func solving(size: Int) throws {
        // Not symmetric: a transposed solution would be another one.
        let a = Self.random(size, size, seed: 6) + 3 * Matrix.identity(size), b = Self.random(size, 3, seed: 7)
        #expect(Self.distance(a * (try a.solve(b)), b) <= 1e-11)
        #expect(Self.distance(try a.inverse() * a, .identity(size)) <= 1e-11)
    }

    @Test func whatDoesNotExistIsAnError() {
        let indefinite = Matrix.diagonal([1, -1]), singular = Matrix(rows: 2, columns: 2, elements: [1, 2, 2, 4])
        #expect(throws: LinearAlgebraError.self) { try indefinite.choleskyFactor() }
        #expect(throws: LinearAlgebraError.self) { try indefinite.squareRoot() }
        #expect(throws: LinearAlgebraError.self) { try Matrix.diagonal([1, 0]).inverseSquareRoot() }
        #expect(throws: LinearAlgebraError.self) { try singular.inverse() }
        #expect(throws: LinearAlgebraError.self) { try Matrix.diagonal([1, .nan]).singularValueDecomposition() }
        #expect(throws: LinearAlgebraError.self) { try Matrix.diagonal([1, .infinity]).symmetricEigenvalues() }
    }
}
