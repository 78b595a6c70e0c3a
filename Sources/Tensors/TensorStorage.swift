#if canImport(Glibc)
import Glibc
#endif

/// Owns one run of Float32 numbers, aligned to 64 bytes, all zero at first.
package final class TensorStorage: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    package let count: Int

    package init(count: Int) {
        precondition(count >= 0, "a tensor of \(count) numbers")
        self.count = count
        let bytes = max(count * MemoryLayout<Float>.stride, 64)
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        memset(raw, 0, bytes)
        pointer = raw.assumingMemoryBound(to: Float.self)
    }

    deinit {
        UnsafeMutableRawPointer(pointer).deallocate()
    }
}
