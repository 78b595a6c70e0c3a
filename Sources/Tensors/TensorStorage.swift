#if canImport(Glibc)
    import Glibc
#endif

/// Owns one run of Float32 numbers, aligned to 64 bytes, all zero at first.
package final class TensorStorage: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    package let count: Int

    private static let hugePage = 2 << 20
    private static let largeBytes = 4 << 20

    package init(count: Int) {
        precondition(count >= 0, "a tensor of \(count) numbers")
        self.count = count
        let bytes = max(count * MemoryLayout<Float>.stride, 64)
        let isLarge = bytes >= Self.largeBytes
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? Self.hugePage : 64)
        // Huge pages where the system gives them to who asks: fewer page faults at the start, fewer misses of the page table later.
        if isLarge { madvise(raw, bytes / Self.hugePage * Self.hugePage, Int32(MADV_HUGEPAGE)) }
        memset(raw, 0, bytes)
        pointer = raw.assumingMemoryBound(to: Float.self)
    }

    deinit {
        UnsafeMutableRawPointer(pointer).deallocate()
    }
}
