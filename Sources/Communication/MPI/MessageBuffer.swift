/// Bytes at a fixed place, for MPI to read or write.
final class MessageBuffer {
    let bytes: UnsafeMutableRawBufferPointer

    init(count: Int) { bytes = .allocate(byteCount: max(count, 1), alignment: 64) }

    convenience init(_ content: [UInt8]) {
        self.init(count: content.count)
        bytes.copyBytes(from: content)
    }

    convenience init(_ envelope: MessageHeader) {
        self.init(count: MemoryLayout<MessageHeader>.size)
        bytes.storeBytes(of: envelope, as: MessageHeader.self)
    }

    deinit { bytes.deallocate() }

    /// The first `count` bytes.
    func first(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes[0..<count])
    }

    var envelope: MessageHeader { bytes.load(as: MessageHeader.self) }
}
