import COpenBLAS

/// A symmetric positive definite system `A X = B` in Double, factorised and solved in place, whose memory serves one system after the other.
///
/// Only the lower triangle is ever written or read: half the work of a whole `Matrix`, and no copy. Used by one thread at a time.
package final class PositiveDefiniteSystem {
    /// The order of A.
    package private(set) var order = 0
    /// Row i begins at i · stride: not a multiple of a page's length, at which columns would fall on each other in the cache.
    private var stride = 0
    private var memory: UnsafeMutablePointer<Double>?
    private var capacity = 0

    package init() {}

    deinit { memory?.deallocate() }

    /// The bytes that a system of this order takes.
    package static func bytes(order: Int) -> Int { order * stride(order) * MemoryLayout<Double>.stride }

    private static func stride(_ order: Int) -> Int {
        let whole = (order + 7) / 8 * 8
        return whole % 64 == 0 ? whole + 8 : whole
    }

    /// Starts a system.
    /// - Parameter row: writes the entries 0 … i of row i.
    package func fill(order: Int, _ row: (_ i: Int, _ entries: UnsafeMutableBufferPointer<Double>) -> Void) {
        self.order = order
        stride = Self.stride(order)
        if order * stride > capacity {
            memory?.deallocate()
            capacity = order * stride
            memory = .allocate(capacity: capacity)
        }
        guard let memory else { return }
        for i in 0..<order { row(i, UnsafeMutableBufferPointer(start: memory + i * stride, count: i + 1)) }
    }

    /// Solves `A X = B`, which leaves A's factor in its place: `fill` starts anew.
    /// - Parameter right: B by columns, each of `order` numbers; X afterwards.
    /// - Throws: `LinearAlgebraError` where A is not positive definite, or holds a NaN.
    package func solve(_ right: inout [Double]) throws {
        precondition(order > 0 ? right.count % order == 0 : right.isEmpty, "\(right.count) numbers for a system of order \(order)")
        guard let memory, order > 0 else { return }
        LinearAlgebra.useOneThread
        // LAPACK counts by columns: our lower triangle is its upper one.
        var n = Int32(order), leading = Int32(stride), count = Int32(right.count / order), info: Int32 = 0
        var triangle = CChar(UInt8(ascii: "U"))
        dpotrf_(&triangle, &n, memory, &leading, &info)
        if info != 0 { throw LinearAlgebraError(routine: "dpotrf", reason: "not positive definite (leading minor \(info) of \(order))") }
        if count > 0 { dpotrs_(&triangle, &n, &count, memory, &leading, &right, &n, &info) }
    }
}
