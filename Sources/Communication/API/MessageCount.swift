import CoupletTensors

/// Number of messages and of the bytes of their content. A header and its content count as one message. A message to
/// another thread of the process counts, too, though its content is not copied.
public struct MessageCount: Sendable, Equatable {
    public var messages = 0
    /// Bytes of content.
    public var bytes = 0

    public init(messages: Int = 0, bytes: Int = 0) {
        self.messages = messages
        self.bytes = bytes
    }

    /// The average of some repetitions, rounded down.
    public func divided(by repetitions: Int) -> MessageCount {
        MessageCount(messages: messages / repetitions, bytes: bytes / repetitions)
    }

    public static func - (left: MessageCount, right: MessageCount) -> MessageCount {
        MessageCount(messages: left.messages - right.messages, bytes: left.bytes - right.bytes)
    }

    mutating func count(_ tensors: [Tensor]) {
        messages += 1
        bytes += tensors.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride }
    }

    mutating func count(_ content: [UInt8]) {
        messages += 1
        bytes += content.count
    }
}
