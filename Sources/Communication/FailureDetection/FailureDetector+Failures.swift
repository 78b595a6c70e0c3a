#if canImport(Glibc)
    import Glibc
#endif

extension FailureDetector {
    /// How long a process that failed waits for the others of the whole job to come, before it ends the job by force.
    private static let patience: UInt64 = 5_000_000_000
    /// The longest text of a notice, in bytes: it must be sent whether or not the receiver looks.
    private static let longestReason = 2_000

    /// Tells the other processes of a group of workers that it has failed. What cannot be told is found out by force, later.
    func tell(_ group: SharedProcessState.Group, members: [WorkerID], reason: String) {
        guard let messagePassing else { return }
        let run = state.withLock { $0.run }
        let text = "rank \(messagePassing.jobRanks[messagePassing.rank]): \(reason)"
        let notice = ControlMessage.failure(
            run: run, group: group, reason: String(decoding: text.utf8.prefix(Self.longestReason), as: UTF8.self))
        for process in Set(members.map(\.process)).sorted() where process != messagePassing.rank {
            try? send(notice, to: process)
        }
    }

    func hearFailure(run: Int, _ group: SharedProcessState.Group, _ reason: String) {
        let board = state.withLock { $0.run == run ? $0.board : nil }
        board?.abort(group, because: reason)
    }

    /// The end of a run, on all processes: what failed where, the same on all; nil where nothing did.
    ///
    /// - Parameters:
    ///   - isPart: the group is not the whole job. It waits for processes that compute as long as they do, for other groups live on.
    func end(_ failure: ProcessFailure?, isPart: Bool) throws -> (error: GroupError?, isClean: Bool) {
        guard let messagePassing else { preconditionFailure("one process has nobody to end with") }
        let isClean = state.withLock { $0.board?.hasAborted != true }
        // The length of what it has to say, or -1 where some part of the workers was aborted by itself, which is no failure.
        let message = failure?.message ?? []
        let began = EventCount.now
        let lengths = try allGather(message.isEmpty && !isClean ? -1 : message.count, call: "end of run") { now in
            guard let failure, !isPart, now > began + Self.patience + (failure.isConsequence ? 2_000_000_000 : 0) else {
                return
            }
            self.endJob(
                "\(failure.text)\n\(messagePassing.jobPlace) ends the job: others have not come for \(Self.patience / 1_000_000_000) s "
                    + "to hear of this", exitCode: failure.exitCode)
        }
        if lengths.allSatisfy({ $0 == 0 }) { return (nil, true) }
        let failures = try allGather(message, call: "end of run").map(ProcessFailure.init(message:))
        return (GroupError(failures: failures, jobRanks: messagePassing.jobRanks), false)
    }

    /// Says why, and ends all processes of the job: for where an error can reach nobody, since not all can be woken.
    func endJob(_ text: String, exitCode: Int32) -> Never {
        let who = messagePassing.map { "\($0.jobPlace): " } ?? ""
        let bytes = Array("\(who)\(text)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
        MPIContext.abort(exitCode: exitCode)
        _exit(exitCode)
    }
}
