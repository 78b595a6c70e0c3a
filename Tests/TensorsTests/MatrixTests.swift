import CoupletTensors
import TestSupport
import Testing

/// Products and factorisations against their definitions.
@Suite struct MatrixTests {
    static func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
        .normal(rows: rows, columns: columns, seed: seed, stream: .evaluation)
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

    /// Each entry is one chain of additions of rounded products, whatever the blocks of the product are.
    @Test(arguments: [
        (1, 1, 1), (3, 5, 7), (13, 17, 257), (97, 520, 300), (200, 1, 513), (1, 200, 513), (30, 7, 40), (7, 300, 40),
    ]) func productIsOneChain(rows: Int, columns: Int, inner: Int) {
        let a = Self.random(rows, inner, seed: 1), b = Self.random(inner, columns, seed: 2)
        let start = Self.random(rows, columns, seed: 3)
        func chain(_ i: Int, _ j: Int, from start: Double) -> Double {
            var sum = start
            for p in 0..<inner { sum += a[i, p] * b[p, j] }
            return sum
        }
        var expected = start, expectedSum = start
        for i in 0..<rows {
            for j in 0..<columns {
                expected[i, j] = chain(i, j, from: 0)
                expectedSum[i, j] = chain(i, j, from: start[i, j])
            }
        }
        for (first, second) in [(false, false), (true, false), (false, true), (true, true)] {
            let left = first ? a.transposed : a, right = second ? b.transposed : b
            var result = start
            result.setProduct(left, right, firstTransposed: first, secondTransposed: second)
            #expect(result == expected)
            result = start
            result.setProduct(left, right, firstTransposed: first, secondTransposed: second, adding: true)
            #expect(result == expectedSum)
        }
        // A row block has the bits of the whole product.
        #expect(a.rows(first: (rows + 1) / 2) * b == expected.rows(first: (rows + 1) / 2))
    }

    @Test func setProductTransposesAndAdds() {
        func normal(_ rows: Int, _ columns: Int) -> Matrix {
            .normal(rows: rows, columns: columns, seed: 4, stream: .evaluation, number: UInt64(rows))
        }
        func difference(_ a: Matrix, _ b: Matrix) -> Double { (a - b).frobeniusNorm / b.frobeniusNorm }
        let a = normal(4, 6), b = normal(6, 3), start = normal(4, 3)
        for (first, second) in [(false, false), (true, false), (false, true), (true, true)] {
            let left = first ? a.transposed : a, right = second ? b.transposed : b
            var result = start
            result.setProduct(left, right, firstTransposed: first, secondTransposed: second)
            #expect(difference(result, a * b) <= 1e-15)
            result.setProduct(left, right, firstTransposed: first, secondTransposed: second, adding: true)
            #expect(difference(result, 2 * (a * b)) <= 1e-15)
        }
        var empty = start
        empty.setProduct(Matrix(rows: 4, columns: 0), Matrix(rows: 0, columns: 3))
        #expect(empty == Matrix(rows: 4, columns: 3))
    }

    /// Equal operands give equal bits at every address of their arrays.
    @Test func addressesDoNotChangeBits() throws {
        let a = Self.random(37, 29, seed: 8), b = Self.positive(29, seed: 9)
        func results(_ a: Matrix, _ b: Matrix) throws -> [[Double]] {
            let (u, s, v) = try a.singularValueDecomposition(), (w, q) = try b.symmetricEigenvalues()
            return try [
                (a * b).elements, u.elements, s, v.elements, w, q.elements, b.choleskyFactor().elements,
                b.solve(a.transposed).elements,
            ]
        }
        let expected = try results(a, b)
        var addresses = Set<Int>(), allocations: [[Double]] = []
        for count in 1...32 {
            // Allocations of different sizes move the next arrays to other addresses.
            allocations.append([Double](repeating: 0, count: 2 * count))
            let copy = Matrix(rows: a.rows, columns: a.columns, elements: a.elements.map { $0 })
            allocations.append(copy.elements)
            copy.elements.withUnsafeBufferPointer { _ = addresses.insert(Int(bitPattern: $0.baseAddress) % 64) }
            let other = Matrix(rows: b.rows, columns: b.columns, elements: b.elements.map { $0 })
            allocations.append(other.elements)
            #expect(try results(copy, other) == expected)
        }
        #expect(addresses.count > 1)
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
        // Not symmetric, so the solution for the transpose differs.
        let a = Self.random(size, size, seed: 6) + 3 * Matrix.identity(size), b = Self.random(size, 3, seed: 7)
        #expect(Self.distance(a * (try a.solve(b)), b) <= 1e-11)
        #expect(Self.distance(try a.inverse() * a, .identity(size)) <= 1e-11)
    }

    @Test func errorsIfThereIsNoFactorisation() {
        let indefinite = Matrix.diagonal([1, -1]), singular = Matrix(rows: 2, columns: 2, elements: [1, 2, 2, 4])
        #expect(throws: LinearAlgebraError.self) { try indefinite.choleskyFactor() }
        #expect(throws: LinearAlgebraError.self) { try indefinite.squareRoot() }
        #expect(throws: LinearAlgebraError.self) { try Matrix.diagonal([1, 0]).inverseSquareRoot() }
        #expect(throws: LinearAlgebraError.self) { try singular.inverse() }
        #expect(throws: LinearAlgebraError.self) { try Matrix.diagonal([1, .nan]).singularValueDecomposition() }
        #expect(throws: LinearAlgebraError.self) { try Matrix.diagonal([1, .infinity]).symmetricEigenvalues() }
        #expect(throws: LinearAlgebraError.self) { try Matrix.diagonal([1, .nan]).choleskyFactor() }
        #expect(throws: LinearAlgebraError.self) { try Matrix.diagonal([1, .nan]).inverse() }
        #expect(throws: LinearAlgebraError.self) { try Matrix.diagonal([1, .nan]).qrDecomposition() }
    }
}
