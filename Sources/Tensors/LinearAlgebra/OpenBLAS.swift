import COpenBLAS

/// The BLAS and LAPACK library that this process uses.
public enum OpenBLAS {
    /// Sets OpenBLAS to one thread, once. Couplet's workers are the threads, and OpenBLAS's own threads would change
    /// the bits.
    package static let useOneThread: Void = openblas_set_num_threads(1)

    /// The core type whose kernels OpenBLAS uses, such as "SkylakeX" or "Haswell". Bits are equal on equal core types.
    public static let coreType: String = String(cString: openblas_get_corename())

    /// OpenBLAS's description of its build; the version comes first.
    public static let libraryDescription: String = String(cString: openblas_get_config())
}

/// A factorisation that does not exist or that LAPACK cannot compute.
public struct LinearAlgebraError: Error, CustomStringConvertible, Sendable {
    /// The LAPACK routine that failed.
    public let routine: String
    public let reason: String

    public var description: String { "\(routine): \(reason)" }
}

/// Memory for an operand, a result or the workspace of a BLAS or LAPACK routine in Double, aligned to 64 bytes.
///
/// The memory of an `Array` is aligned only to 16 bytes. A kernel may treat the elements before the first aligned
/// address separately, and then its last bits depend on the address. With a fixed alignment equal operands give equal
/// bits.
struct AlignedDoubles: ~Copyable {
    static let alignment = 64

    let pointer: UnsafeMutablePointer<Double>
    let count: Int

    /// Allocates `count` numbers, all zero.
    init(count: Int) {
        precondition(count >= 0, "memory for \(count) numbers")
        self.count = count
        pointer = Self.allocate(count: count)
        pointer.initialize(repeating: 0, count: count)
    }

    /// Copies the numbers.
    init(_ numbers: [Double]) {
        count = numbers.count
        pointer = Self.allocate(count: count)
        numbers.withUnsafeBufferPointer {
            if let start = $0.baseAddress { pointer.initialize(from: start, count: count) }
        }
    }

    deinit { UnsafeMutableRawPointer(pointer).deallocate() }

    /// Allocates uninitialised memory for `count` numbers; `UnsafeMutableRawPointer.deallocate` frees it.
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
