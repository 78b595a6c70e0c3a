import CCoupletKernels
import CoupletTensors
import TestSupport
import Testing

/// Factorisations of larger and of difficult matrices: closed forms, residuals, signs and orders.
@Suite struct FactorisationTests {
    private static func random(_ rows: Int, _ columns: Int) -> Matrix {
        .normal(rows: rows, columns: columns, seed: 11, stream: .evaluation, number: UInt64(rows))
    }

    /// A matrix with the given entries.
    private static func matrix(_ rows: Int, _ columns: Int, _ entry: (Int, Int) -> Double) -> Matrix {
        var result = Matrix(rows: rows, columns: columns)
        for i in 0..<rows { for j in 0..<columns { result[i, j] = entry(i, j) } }
        return result
    }

    /// 10^(-k/10), by products.
    private static func power(_ k: Int) -> Double { (0..<k).reduce(1) { power, _ in power * 0.7943282347242815 } }

    /// Random, graded downwards and upwards, of low rank, with zero columns, bidiagonal with a zero, orthogonal, zero.
    private static func kinds(_ rows: Int, _ columns: Int) -> [Matrix] {
        let normal = random(rows, columns)
        return [
            normal, matrix(rows, columns) { normal[$0, $1] * power($0 + $1) },
            matrix(rows, columns) { normal[$0, $1] * power(rows + columns - $0 - $1) },
            random(rows, 3) * random(columns, 3).transposed,
            matrix(rows, columns) { $1 % 3 == 1 ? 0 : normal[$0, $1] },
            matrix(rows, columns) { $0 == $1 ? ($0 == columns / 2 ? 0 : 1) : $1 == $0 + 1 ? 1 : 0 },
            matrix(rows, columns) { $0 == $1 ? 1 : 0 }, Matrix(rows: rows, columns: columns),
            1e200 * normal, 1e-200 * normal,
        ]
    }

    private static func largestEntry(_ a: Matrix) -> Double { a.elements.reduce(0) { max($0, abs($1)) } }

    private static func isOrthonormal(_ a: Matrix, columns: Int) -> Bool {
        largestEntry(a.transposed * a - .identity(columns)) <= 2e-14 * Double(max(a.rows, 1)).squareRoot()
    }

    /// The first entry of the largest magnitude in each column is positive.
    private static func hasPositiveSigns(_ a: Matrix) -> Bool {
        (0..<a.columns).allSatisfy { column in
            let entries = (0..<a.rows).map { a[$0, column] }, largest = entries.map { abs($0) }.max() ?? 0
            return (entries.first { abs($0) == largest } ?? 1) > 0
        }
    }

    @Test(arguments: [(1, 1), (2, 2), (30, 30), (90, 31), (31, 90), (120, 90), (200, 200)])
    func singularValues(rows: Int, columns: Int) throws {
        let rank = min(rows, columns)
        for (kind, a) in Self.kinds(rows, columns).enumerated() {
            let (u, s, v) = try a.singularValueDecomposition()
            let size = Self.largestEntry(a), scale = size > 0 ? 1 / size : 1
            #expect(s.count == rank && s == s.sorted(by: >) && s.allSatisfy { $0 >= 0 }, "kind \(kind)")
            let residual = u * .diagonal(s.map { $0 * scale }) * v.transposed - scale * a
            #expect(Self.largestEntry(residual) <= 1e-14 * Double(rank) + 1e-14, "kind \(kind)")
            #expect(Self.isOrthonormal(u, columns: rank) && Self.isOrthonormal(v, columns: rank), "kind \(kind)")
            #expect(Self.hasPositiveSigns(u), "kind \(kind)")
        }
    }

    @Test(arguments: [1, 2, 3, 40, 150]) func eigenvalues(size: Int) throws {
        for (kind, a) in Self.kinds(size, size).enumerated() {
            let symmetric = a + a.transposed, largest = Self.largestEntry(symmetric)
            let (values, q) = try symmetric.symmetricEigenvalues(), scale = largest > 0 ? 1 / largest : 1
            #expect(values == values.sorted(), "kind \(kind)")
            let residual = q * .diagonal(values.map { $0 * scale }) * q.transposed - scale * symmetric
            #expect(Self.largestEntry(residual) <= 1e-14 * Double(size), "kind \(kind)")
            #expect(Self.isOrthonormal(q, columns: size) && Self.hasPositiveSigns(q), "kind \(kind)")
        }
    }

    /// The second difference has the eigenvalues 4 sin²(kπ / (2n + 2)), and the first one has their roots.
    @Test func valuesOfDifferences() throws {
        let n = 120
        let first = Self.matrix(n + 1, n) { $0 == $1 ? 1 : $0 == $1 + 1 ? -1 : 0 }
        let sines = (1...n).map { 2 * sin(Double($0) * .pi / Double(2 * n + 2)) }
        let values = try (first.transposed * first).symmetricEigenvalues().values
        for (value, sine) in zip(values, sines) { #expect(abs(value - sine * sine) <= 1e-14) }
        let roots = try first.singularValueDecomposition().singularValues
        for (root, sine) in zip(roots.reversed(), sines) { #expect(abs(root - sine) <= 1e-14) }
    }

    /// Eigenvalues of a matrix with known eigenvectors, several of them equal.
    @Test func repeatedEigenvalues() throws {
        let n = 60, q = try Self.random(n, n).qrDecomposition().q, exact = (0..<n).map { Double($0 / 20) - 1 }
        let (values, vectors) = try (q * .diagonal(exact) * q.transposed).symmetricEigenvalues()
        for (value, known) in zip(values, exact) { #expect(abs(value - known) <= 1e-13) }
        #expect(Self.isOrthonormal(vectors, columns: n))
    }

    @Test(arguments: [(1, 1), (5, 2), (60, 60), (150, 40)]) func qr(rows: Int, columns: Int) throws {
        let a = Self.random(rows, columns), (q, r) = try a.qrDecomposition()
        #expect(Self.largestEntry(q * r - a) <= 1e-13)
        #expect(Self.isOrthonormal(q, columns: columns))
        for i in 0..<columns { for j in 0..<columns { #expect(j > i || (j == i ? r[i, j] >= 0 : r[i, j] == 0)) } }
    }

    @Test func emptyMatrices() throws {
        let none = Matrix(rows: 0, columns: 0), wide = Matrix(rows: 0, columns: 3)
        #expect(try none.symmetricEigenvalues().values.isEmpty && none.choleskyFactor() == none)
        #expect(try none.inverse() == none && none * wide == wide)
        let (u, s, v) = try wide.singularValueDecomposition()
        #expect(u == none && s.isEmpty && v == Matrix(rows: 3, columns: 0))
        #expect(try wide.transposed.qrDecomposition().q == Matrix(rows: 3, columns: 0))
    }

    /// LAPACK factorises the same systems.
    @Test func agreesWithLAPACK() throws {
        let n = 200, a = Self.random(n, n), positive = a * a.transposed + Matrix.identity(n)
        let right = Self.random(3, n), system = try PositiveDefiniteSystem()
        system.fill(order: n) { row, entries in for column in 0...row { entries[column] = positive[row, column] } }
        var solved = right.elements
        try system.solve(&solved)
        let ours = try positive.solve(right.transposed).transposed
        let theirs = Matrix(rows: 3, columns: n, elements: solved)
        #expect((ours - theirs).frobeniusNorm <= 1e-11 * theirs.frobeniusNorm)
    }
}

#if arch(x86_64)
    @_silgen_name("couplet_symmetric_eigenvalues_portable") private func portableEigenvalues(
        _: Int, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>
    ) -> CInt
    @_silgen_name("couplet_symmetric_eigenvalues_avx2") private func avx2Eigenvalues(
        _: Int, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>
    ) -> CInt
    @_silgen_name("couplet_singular_values_portable") private func portableSingularValues(
        _: Int, _: Int, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>,
        _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>
    ) -> CInt
    @_silgen_name("couplet_singular_values_avx2") private func avx2SingularValues(
        _: Int, _: Int, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>,
        _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>, _: UnsafeMutablePointer<Double>
    ) -> CInt
    @_silgen_name("couplet_cholesky_portable") private func portableCholesky(
        _: Int, _: UnsafeMutablePointer<Double>
    ) -> Int
    @_silgen_name("couplet_cholesky_avx2") private func avx2Cholesky(_: Int, _: UnsafeMutablePointer<Double>) -> Int

    /// The kernels of an instruction set have the bits of the set in use. (`productIsOneChain` shows it for products.)
    @Suite(.enabled(if: InstructionSet.available.contains(.avx2))) struct FactorisationBitsTests {
        private static let size = 75

        private static func numbers(_ seed: UInt64) -> [Double] {
            Matrix.normal(rows: size, columns: size, seed: seed, stream: .evaluation).elements
        }

        @Test func eigenvalues() {
            let n = Self.size
            func results(
                _ kernel: (
                    Int, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>
                ) -> CInt
            ) -> [Double] {
                let a = Matrix(rows: n, columns: n, elements: Self.numbers(1))
                var vectors = (a + a.transposed).elements, values = [Double](repeating: 0, count: n)
                var work = [Double](repeating: 0, count: (n + 5) * n)
                #expect(kernel(n, &vectors, &values, &work) == 0)
                return vectors + values
            }
            let expected = results { couplet_symmetric_eigenvalues($0, $1, $2, $3) }
            #expect(results(portableEigenvalues) == expected)
            #expect(results(avx2Eigenvalues) == expected)
        }

        @Test func singularValues() {
            let n = Self.size
            func results(
                _ kernel: (
                    Int, Int, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>,
                    UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>
                ) -> CInt
            ) -> [Double] {
                var a = Self.numbers(2), u = [Double](repeating: 0, count: n * n), v = u
                var values = [Double](repeating: 0, count: n), work = [Double](repeating: 0, count: n * (2 * n + 9))
                #expect(kernel(n, n, &a, &u, &values, &v, &work) == 0)
                return u + values + v
            }
            let expected = results { couplet_singular_values($0, $1, $2, $3, $4, $5, $6) }
            #expect(results(portableSingularValues) == expected)
            #expect(results(avx2SingularValues) == expected)
        }

        @Test func cholesky() {
            let n = Self.size, a = Matrix(rows: n, columns: n, elements: Self.numbers(3))
            let positive = (a * a.transposed).elements
            func results(_ kernel: (Int, UnsafeMutablePointer<Double>) -> Int) -> [Double] {
                var factor = positive
                #expect(kernel(n, &factor) == 0)
                return factor
            }
            let expected = results { couplet_cholesky($0, $1) }
            #expect(results(portableCholesky) == expected)
            #expect(results(avx2Cholesky) == expected)
        }
    }
#endif
