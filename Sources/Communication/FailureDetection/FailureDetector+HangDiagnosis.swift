extension FailureDetector {
    /// How long to wait for the answers of other processes, and for threads of this one that may come at this very moment.
    private static let answerTime: UInt64 = 2_000_000_000
    private static let threadTime: UInt64 = 200_000_000

    /// Ends the job, if the wait at `point` still lasts when all have had the time to answer.
    ///
    /// Several processes may find at the same time that they wait too long; the one with the lowest rank has the word.
    func callTheRoll(_ point: BlockedCall, now: UInt64) throws {
        let number = state.withLock { state -> Int? in
            guard state.rollCall == nil, now > state.isQuietUntil else { return nil }
            state.rollCalls += 1
            state.rollCall = HangDiagnosis(number: state.rollCalls, began: now, thread: point.thread)
            return state.rollCalls
        }
        if let number, let messagePassing {
            for process in 0..<messagePassing.size where process != messagePassing.rank {
                try send(.rollCall(number: number), to: process)
            }
        }
        let time = messagePassing == nil ? Self.threadTime : Self.answerTime
        guard var rollCall = state.withLock({ $0.rollCall }), now > rollCall.began + time else { return }
        rollCall.reports[messagePassing?.rank ?? 0] = ownReport(now: now)
        let names = messagePassing.map { own in own.jobRanks.map { "rank \($0) on \(own.jobHosts[$0])" } } ?? []
        endJob(
            HangDiagnosis.conclusion(rollCall.reports, names: names, seconds: Int((now - point.since) / 1_000_000_000)),
            exitCode: 70)
    }

    /// Ends the job where one process alone is waited for, and for too long.
    func endJob(ifLate what: String, since start: UInt64) {
        guard let timeout, EventCount.now > start + timeout else { return }
        endJob(
            "\(what) for \(timeout / 1_000_000_000) s; see whether it is stopped or hangs, or allow more time",
            exitCode: 70)
    }

    /// What a worker waited for has come (`thread` nil: what the process itself waited for).
    func leave(_ thread: Int?) {
        state.withLock { state in
            if let thread { state.board?.note(.works, thread: thread) } else { state.processWait = nil }
            if let rollCall = state.rollCall, rollCall.thread == thread { state.rollCall = nil }
        }
    }

    func answer(_ number: Int, to caller: Int) throws {
        guard let messagePassing else { return }
        let now = EventCount.now
        if caller < messagePassing.rank {
            state.withLock {
                $0.rollCall = nil
                $0.isQuietUntil = now + 2 * Self.answerTime
            }
        }
        try send(.answer(number: number, report: ownReport(now: now).text), to: caller)
    }

    func note(_ report: String, from process: Int, number: Int) {
        guard let report = HangDiagnosis.Report(text: report) else { return }
        state.withLock { state in
            if state.rollCall?.number == number { state.rollCall?.reports[process] = report }
        }
    }

    private func ownReport(now: UInt64) -> HangDiagnosis.Report {
        let (board, processWait) = state.withLock { ($0.board, $0.processWait) }
        let attendance = board?.attendance ?? [], threads = attendance.count
        func report(_ point: BlockedCall) -> HangDiagnosis.WorkerReport {
            HangDiagnosis.WorkerReport(
                .waits, seconds: Int((max(now, point.since) - point.since) / 1_000_000_000),
                partner: point.partner.map { $0.process * threads + $0.thread }, call: point.call)
        }
        return HangDiagnosis.Report(
            workers: attendance.map { attendance in
                switch attendance {
                case .works: HangDiagnosis.WorkerReport(.works)
                case .hasEnded: HangDiagnosis.WorkerReport(.hasEnded)
                case .waits(let point): report(point)
                }
            }, process: processWait.map(report))
    }
}
