import CoupletCommunication
import Glibc

/// One place where trials are trained, one after another, until there are no more: a thread of a process, or a group of processes.
struct Lane: Sendable {
    let runner: TrialRunner
    let desk: WorkQueue

    /// How long to wait before asking again while others finish a rung, in microseconds.
    private static let pause: UInt32 = 10_000

    /// - Throws: `CollectiveError`, `GroupError` where the lane cannot ask any more.
    func work() throws {
        var result: TrialResult?
        while true {
            switch try ask(.next(result)) {
            case .run(let trial, let steps):
                result = runner.run(runner.plan.trials[trial], steps: steps)
                if result == nil { return try stop() }
            case .wait:
                result = nil
                usleep(Self.pause)
            case .finished: return
            }
        }
    }

    /// A trial that was asked to stop has saved: all lanes are to do the same.
    private func stop() throws {
        try runner.group.agree(
            Result {
                if runner.group.processRank == 0 { _ = try desk.ask(SlotRequest.pulse(isStopRequested: true).bytes) }
            })
    }

    /// The first process of the group asks, and tells the others.
    private func ask(_ request: SlotRequest) throws -> SlotReply {
        let group = runner.group
        var reply: [UInt8] = []
        try group.agree(Result { if group.processRank == 0 { reply = try desk.ask(request.bytes) } })
        guard group.processCount > 1 else { return SlotReply(reply) }
        return SlotReply(try group.run(threads: 1) { [reply] in try $0.broadcast(reply, from: 0) })
    }
}
