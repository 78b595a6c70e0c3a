/// Memory for an operand, a result or the workspace of a BLAS or LAPACK routine in Double.
///
/// Some kernels of OpenBLAS begin a loop at the first aligned address, so their last bits depend on where an operand lies. An `Array` lies at any
/// multiple of 16 bytes. This memory lies at a multiple of 64, so equal operands give equal bits.
struct AlignedDoubles: ~Copyable {
    static let alignment = 64

    let pointer: UnsafeMutablePointer<Double>
    let count: Int

    /// Memory for `count` numbers, all zero.
    init(count: Int) {
        precondition(count >= 0, "memory for \(count) numbers")
        self.count = count
        pointer = Self.allocate(count: count)
        pointer.initialize(repeating: 0, count: count)
    }

    /// A copy of the numbers.
    init(_ numbers: [Double]) {
        count = numbers.count
        pointer = Self.allocate(count: count)
        numbers.withUnsafeBufferPointer {
            if let start = $0.baseAddress { pointer.initialize(from: start, count: count) }
        }
    }

    deinit { UnsafeMutableRawPointer(pointer).deallocate() }

    /// Uninitialised memory for `count` numbers; `UnsafeMutableRawPointer.deallocate` frees it.
    static func allocate(count: Int) -> UnsafeMutablePointer<Double> {
        let bytes = max(count * MemoryLayout<Double>.stride, alignment)
        return UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: alignment).assumingMemoryBound(
            to: Double.self)
    }

    /// The numbers as an array.
    var numbers: [Double] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

    /// Copies the numbers into an array of the same count.
    func copy(to array: inout [Double]) {
        precondition(array.count == count, "\(count) numbers into an array of \(array.count)")
        array.withUnsafeMutableBufferPointer { $0.baseAddress?.update(from: pointer, count: count) }
    }
}
