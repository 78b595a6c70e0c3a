import Synchronization

/// Says that a worker of a group has failed. A group made by `split` also hears the signal of the group it came from.
final class AbortSignal: Sendable {
    private let isRaised = Atomic<Bool>(false)
    private let reason = Mutex<String?>(nil)
    private let parent: AbortSignal?

    init(parent: AbortSignal?) { self.parent = parent }

    /// The first reason stays.
    func raise(_ text: String) {
        reason.withLock { if $0 == nil { $0 = text } }
        isRaised.store(true, ordering: .sequentiallyConsistent)
    }

    func check(call: String, place: @autoclosure () -> String) throws {
        if isRaised.load(ordering: .acquiring) {
            throw CollectiveError(
                .otherWorkerFailed, call: call, place: place(),
                reason: "another worker failed: \(reason.withLock { $0 } ?? "")")
        }
        try parent?.check(call: call, place: place())
    }
}
