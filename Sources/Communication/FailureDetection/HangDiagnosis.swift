/// Who waits in what, collected from the processes of a group when a wait has lasted too long, and what follows from it.
package struct HangDiagnosis: Sendable {
    /// A worker, as its process sees it.
    package struct WorkerReport: Sendable, Equatable {
        package enum State: Character, Sendable {
            case works = "w"
            case waits = "i"
            case hasEnded = "e"
        }

        let state: State
        let seconds: Int
        /// The worker waited for; nil where for several or for all.
        let partner: Int?
        let call: String

        package init(_ state: State, seconds: Int = 0, partner: Int? = nil, call: String = "") {
            self.state = state
            self.seconds = seconds
            self.partner = partner
            self.call = call
        }
    }

    /// A process: its workers by thread, none between two runs; and what it waits in itself.
    package struct Report: Sendable, Equatable {
        let workers: [WorkerReport]
        let process: WorkerReport?

        package init(workers: [WorkerReport], process: WorkerReport? = nil) {
            self.workers = workers
            self.process = process
        }
    }

    let number: Int
    let began: UInt64
    /// Whose wait it was; nil: the process's own.
    let thread: Int?
    var reports: [Int: Report] = [:]
}

// MARK: - As text

extension HangDiagnosis.Report {
    /// A line a worker: thread (p: the process itself), state, seconds, partner (-1: none), call.
    package var text: String {
        let lines = workers.enumerated().map { ("\($0)", $1) } + (process.map { [("p", $0)] } ?? [])
        return lines.map { "\($0) \($1.state.rawValue) \($1.seconds) \($1.partner ?? -1) \($1.call)" }.joined(
            separator: "\n")
    }

    package init?(text: String) {
        var workers: [HangDiagnosis.WorkerReport] = [], process: HangDiagnosis.WorkerReport?
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
            guard parts.count == 5, let letter = parts[1].first,
                let state = HangDiagnosis.WorkerReport.State(rawValue: letter),
                let seconds = Int(parts[2]), let partner = Int(parts[3])
            else { return nil }
            let report = HangDiagnosis.WorkerReport(
                state, seconds: seconds, partner: partner < 0 ? nil : partner, call: String(parts[4]))
            if parts[0] == "p" { process = report } else { workers.append(report) }
        }
        self.init(workers: workers, process: process)
    }
}
