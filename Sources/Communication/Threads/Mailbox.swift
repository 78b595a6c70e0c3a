import CoupletTensors
import Synchronization

/// One lane in one direction between two threads of a process: room for one message, an envelope with bytes or a tensor.
/// A tensor's numbers stay where they are; the receiver reads them there and then says so. The message owns a share of what
/// it carries, so
/// a sender that gives up, because another worker failed, takes no memory away under the receiver's eyes.
///
/// `posted` and `taken` count messages. The sender writes the message, then `posted` (release); the receiver sees it
/// (acquire), reads the
/// message and the numbers it lends, then writes `taken` (release); the sender sees that (acquire) and may write its memory
/// again. The
/// two counters lie in cache lines of their own: each is written by one side and polled by the other.
final class Mailbox: @unchecked Sendable {
    private typealias CacheLine = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    private let taken = Atomic<Int>(0)
    private let firstGap: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)
    private let posted = Atomic<Int>(0)
    private(set) var envelope = MessageHeader(.barrier, count: 0, worker: 0)
    private(set) var bytes: [UInt8] = []
    private(set) var tensor: Tensor?
    private let secondGap: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)

    /// For the sender: whether the receiver is done with the last message.
    var isTaken: Bool { taken.load(ordering: .acquiring) == posted.load(ordering: .relaxed) }

    /// For the receiver: whether a message lies here that it has not taken.
    var isFull: Bool { posted.load(ordering: .acquiring) != taken.load(ordering: .relaxed) }

    /// For the sender, when `isTaken`.
    func post(_ envelope: MessageHeader, bytes: [UInt8] = [], tensor: Tensor? = nil) {
        self.envelope = envelope
        self.bytes = bytes
        self.tensor = tensor
        posted.store(posted.load(ordering: .relaxed) + 1, ordering: .releasing)
    }

    /// For the receiver, when `isFull`, after it has read what it wants.
    func take() {
        tensor = nil
        bytes = []
        taken.store(taken.load(ordering: .relaxed) + 1, ordering: .releasing)
    }
}
