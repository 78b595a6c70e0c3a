import COpenBLAS
import Synchronization

/// A symmetric positive definite matrix A in Double: solves, multiplies and factorises it in place.
///
/// It serves the large systems of regressions, and it is the only user of BLAS and LAPACK. Their bits are equal on CPUs
/// of one kind (`OpenBLAS.coreType`), at equal alignment and on one thread. Nothing that reaches a parameter, ranks a
/// sweep or chooses a checkpoint may use it; `Matrix` has the same bits on every CPU.
///
/// It stores and reads only the lower triangle, so it computes half as much as a `Matrix` and does not copy A. An
/// instance reuses its memory for the next matrix. One thread at a time may use it.
package final class PositiveDefiniteSystem {
    /// The order of A.
    package private(set) var order = 0
    /// Distance between rows. It is no multiple of 64 numbers, because a column's entries would then compete for the
    /// same cache sets.
    private var stride = 0
    private var memory: UnsafeMutablePointer<Double>?
    private var capacity = 0

    /// Number of instances. Each may compute on a thread of its own.
    private static let instances = Atomic(0)

    /// - Throws: `LinearAlgebraError` if OpenBLAS has no address space for a further thread.
    package init() throws {
        let count = Self.instances.add(1, ordering: .relaxed).newValue
        do {
            try OpenBLAS.reserveMemory(threads: count)
        } catch {
            Self.instances.subtract(1, ordering: .relaxed)
            throw error
        }
    }

    deinit {
        UnsafeMutableRawPointer(memory)?.deallocate()
        Self.instances.subtract(1, ordering: .relaxed)
    }

    /// The bytes that a matrix of this order needs.
    package static func bytes(order: Int) -> Int { order * stride(order) * MemoryLayout<Double>.stride }

    private static func stride(_ order: Int) -> Int {
        let roundedUp = (order + 7) / 8 * 8
        return roundedUp % 64 == 0 ? roundedUp + 8 : roundedUp
    }

    /// Sets the matrix.
    /// - Parameter row: writes the entries 0 … i of row i.
    package func fill(order: Int, _ row: (_ i: Int, _ entries: UnsafeMutableBufferPointer<Double>) -> Void) {
        self.order = order
        stride = Self.stride(order)
        if order * stride > capacity {
            UnsafeMutableRawPointer(memory)?.deallocate()
            capacity = order * stride
            memory = AlignedDoubles.allocate(count: capacity)
        }
        guard let memory else { return }
        for i in 0..<order { row(i, UnsafeMutableBufferPointer(start: memory + i * stride, count: i + 1)) }
    }

    /// Solves `A X = B` by Cholesky factorisation. The factor overwrites A; call `fill` before the next use.
    /// - Parameter right: B, column-major, `order` numbers per column; receives X.
    /// - Throws: `LinearAlgebraError` if A is not positive definite or contains a NaN.
    package func solve(_ right: inout [Double]) throws {
        precondition(
            order > 0 ? right.count % order == 0 : right.isEmpty,
            "\(right.count) numbers for a system of order \(order)")
        guard let memory, order > 0 else { return }
        OpenBLAS.useOneThread
        // LAPACK is column-major, so it reads the lower triangle as its upper one.
        var n = Int32(order), leading = Int32(stride), count = Int32(right.count / order), info: Int32 = 0
        var triangle = CChar(UInt8(ascii: "U"))
        dpotrf_(&triangle, &n, memory, &leading, &info)
        if info != 0 {
            throw LinearAlgebraError(
                routine: "dpotrf", reason: "not positive definite (leading minor \(info) of \(order))")
        }
        // LAPACK does not report a NaN.
        if (0..<order).contains(where: { !memory[$0 * (stride + 1)].isFinite }) {
            throw LinearAlgebraError(
                routine: "dpotrf", reason: "the matrix of order \(order) contains a NaN or an infinity")
        }
        if count > 0 {
            let columns = AlignedDoubles(right)
            dpotrs_(&triangle, &n, &count, memory, &leading, columns.pointer, &n, &info)
            columns.copy(to: &right)
        }
    }

    /// `Y = A X`.
    /// - Parameters:
    ///   - x: Xᵀ, components × order.
    ///   - y: Yᵀ, of the same shape.
    package func multiply(_ x: Matrix, into y: inout Matrix) {
        precondition(
            x.columns == order && y.columns == order && x.rows == y.rows,
            "\(x.rows) × \(x.columns) for a matrix of order \(order)")
        guard let memory, order > 0, x.rows > 0 else { return }
        OpenBLAS.useOneThread
        let columns = AlignedDoubles(x.elements), product = AlignedDoubles(count: y.elements.count)
        cblas_dsymm(
            CblasRowMajor, CblasRight, CblasLower, blasint(x.rows), blasint(order), 1, memory, blasint(stride),
            columns.pointer, blasint(order), 0, product.pointer, blasint(order))
        product.copy(to: &y.elements)
    }

    /// A low-rank factor: `A[pivots, pivots] = F Fᵀ + E`, F order × rank. E is positive semidefinite, and no diagonal
    /// entry of E exceeds the tolerance.
    package struct LowRankFactor {
        package let factor: Matrix
        /// Row i of F corresponds to row pivots[i] of A.
        package let pivots: [Int]
    }

    /// Computes the pivoted Cholesky factor (Higham, *Accuracy and Stability of Numerical Algorithms*, section 10.3).
    /// It overwrites A; call `fill` before the next use.
    /// - Parameter tolerance: the largest diagonal entry that the remainder E may have.
    /// - Throws: `LinearAlgebraError` if A contains a NaN.
    package func lowRankFactor(tolerance: Double) throws -> LowRankFactor {
        guard let memory, order > 0 else { return LowRankFactor(factor: Matrix(rows: 0, columns: 0), pivots: []) }
        OpenBLAS.useOneThread
        var n = Int32(order), leading = Int32(stride), rank: Int32 = 0, info: Int32 = 0, tolerance = tolerance
        var triangle = CChar(UInt8(ascii: "U"))
        var pivots = [Int32](repeating: 0, count: order)
        let workspace = AlignedDoubles(count: 2 * order)
        dpstrf_(&triangle, &n, memory, &leading, &pivots, &rank, &tolerance, workspace.pointer, &info)
        if info < 0 || (0..<order).contains(where: { !memory[$0 * stride].isFinite }) {
            throw LinearAlgebraError(
                routine: "dpstrf", reason: "the matrix of order \(order) contains a NaN or an infinity")
        }
        let columns = Int(rank)
        var factor = Matrix(rows: order, columns: columns)
        factor.elements.withUnsafeMutableBufferPointer { all in
            for row in 0..<order {
                for column in 0..<min(row + 1, columns) { all[row * columns + column] = memory[row * stride + column] }
            }
        }
        return LowRankFactor(factor: factor, pivots: pivots.map { Int($0) - 1 })
    }
}
