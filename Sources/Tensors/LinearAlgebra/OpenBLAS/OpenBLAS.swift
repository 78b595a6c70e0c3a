import COpenBLAS
import Glibc
import Synchronization

/// The BLAS and LAPACK library. Regressions with large systems use it (`PositiveDefiniteSystem`); its products are the
/// yardstick of benchmarks.
public enum OpenBLAS {
    /// Sets OpenBLAS to one thread, once. Couplet's workers are the threads, and OpenBLAS's own threads would change
    /// the bits.
    package static let useOneThread: Void = openblas_set_num_threads(1)

    /// The core type whose kernels OpenBLAS uses, such as "SkylakeX" or "Haswell". Bits are equal on equal core types.
    public static let coreType: String = String(cString: openblas_get_corename())

    // MARK: - Memory

    /// Address space of the buffer that OpenBLAS maps for a thread that multiplies. Little of it becomes resident.
    private static let bufferBytes = 128 << 20

    /// Number of buffers that the process holds.
    private static let reservedBuffers = Mutex(0)

    /// Makes OpenBLAS map the buffers of `threads` threads now. Where the address space is limited (`ulimit -v`), it
    /// would otherwise try for ever to map a buffer in the middle of a run.
    /// - Throws: `LinearAlgebraError` if the limit leaves too little address space.
    package static func reserveMemory(threads: Int) throws {
        try reservedBuffers.withLock { reserved in
            guard threads > reserved else { return }
            let missing = threads - reserved, bytes = missing * bufferBytes
            guard
                let probe = mmap(
                    nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
                probe != MAP_FAILED
            else {
                throw LinearAlgebraError(
                    routine: "OpenBLAS",
                    reason: """
                        needs \(bytes >> 20) MiB of address space for \
                        \(threads) \(threads == 1 ? "thread" : "threads"), and \(addressSpaceText); \
                        raise the limit (ulimit -v), or give fewer --threads
                        """)
            }
            munmap(probe, bytes)
            useOneThread
            // The functions are those of OpenBLAS itself; another BLAS under its name may lack them.
            typealias Allocate = @convention(c) (CInt) -> UnsafeMutableRawPointer?
            typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
            guard let allocate = dlsym(nil, "blas_memory_alloc"), let free = dlsym(nil, "blas_memory_free") else {
                return
            }
            let buffers = (0..<threads).map { _ in unsafeBitCast(allocate, to: Allocate.self)(0) }
            for buffer in buffers { unsafeBitCast(free, to: Free.self)(buffer) }
            reserved = threads
        }
    }

    /// "the limit of the process leaves 90 of 400 MiB".
    private static var addressSpaceText: String {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(Int.max) else {
            return "the system has less"
        }
        var pages = 0
        if let file = fopen("/proc/self/statm", "r") {
            var line = [CChar](repeating: 0, count: 64)
            if fgets(&line, CInt(line.count), file) != nil { pages = strtol(line, nil, 10) }
            fclose(file)
        }
        let total = Int(limit.rlim_cur), rest = max(0, total - pages * sysconf(CInt(_SC_PAGESIZE)))
        return "the limit of the process leaves \(rest >> 20) of \(total >> 20) MiB"
    }

    /// OpenBLAS's description of its build; the version comes first.
    public static let libraryDescription: String = String(cString: openblas_get_config())
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
