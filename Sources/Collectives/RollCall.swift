/// Who waits in what, collected from the processes of a group when a wait has lasted too long, and what follows from it.
package struct RollCall: Sendable {
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

    // MARK: - What follows

    /// - Parameters:
    ///   - reports: by process, of those that answered.
    ///   - names: of all processes, "rank 3 on node7"; empty where there is one process.
    package static func conclusion(_ reports: [Int: Report], names: [String], seconds: Int) -> String {
        let threads = reports.values.map(\.workers.count).max() ?? 0
        func numbers(_ list: [Int]) -> String {
            let isRun = list.count > 2 && list[list.count - 1] - list[0] == list.count - 1
            return (list.count == 1 ? "worker " : "workers ")
                + (isRun ? "\(list[0]) … \(list[list.count - 1])" : list.map(String.init).joined(separator: ", "))
        }
        var missing: [String] = [], waits: [(call: String, workers: [Int])] = [], details: [String] = [], ended: [Int] = []
        func wait(_ call: String, _ worker: Int) {
            if let index = waits.firstIndex(where: { $0.call == call }) { waits[index].workers.append(worker) } else { waits.append((call, [worker])) }
        }
        var processWaits: [String] = []
        for process in 0..<max(names.count, 1) {
            let workers = (0..<threads).map { process * threads + $0 }
            guard let report = reports[process] else {
                missing.append(names[process] + (threads > 0 ? " (\(numbers(workers)))" : ""))
                continue
            }
            if let own = report.process, report.workers.allSatisfy({ $0.state == .hasEnded }) || report.workers.isEmpty {
                processWaits.append("\(names.isEmpty ? "this process" : names[process]) in \(own.call)")
                continue
            }
            let late = report.workers.indices.filter { report.workers[$0].state == .works }.map { process * threads + $0 }
            if !late.isEmpty { missing.append(numbers(late) + (names.isEmpty ? "" : " (\(names[process]))")) }
            for (thread, worker) in report.workers.enumerated() {
                let number = process * threads + thread
                switch worker.state {
                case .works: break
                case .hasEnded: ended.append(number)
                case .waits:
                    wait(worker.call, number)
                    details.append("worker \(number) in \(worker.call)" + (worker.partner.map { " for worker \($0)" } ?? ""))
                }
            }
        }
        let endings = ended.isEmpty ? [] : ["\(numbers(ended)) \(ended.count == 1 ? "has" : "have") ended"]
        if missing.isEmpty {
            let shown = details.prefix(16) + (details.count > 16 ? ["…"] : [])
            return "all wait for each other, for \(seconds) s: " + (shown + endings + processWaits).joined(separator: ", ")
                + "; every worker must make the same calls in the same order"
        }
        let calls = waits.map { "\(numbers($0.workers)) \($0.workers.count == 1 ? "waits" : "wait") in \($0.call)" }
        return missing.joined(separator: " and ") + (missing.count == 1 && !missing[0].hasPrefix("workers") ? " has" : " have")
            + " not come for \(seconds) s, while "
            + (calls + endings + (processWaits.isEmpty ? [] : [processWaits.joined(separator: ", ") + " wait"])).joined(separator: ", ")
            + "; look there for a process that is stopped, hangs or computes for long, or allow more time"
    }
}

// MARK: - As text

extension RollCall.Report {
    /// A line a worker: thread (p: the process itself), state, seconds, partner (-1: none), call.
    package var text: String {
        let lines = workers.enumerated().map { ("\($0)", $1) } + (process.map { [("p", $0)] } ?? [])
        return lines.map { "\($0) \($1.state.rawValue) \($1.seconds) \($1.partner ?? -1) \($1.call)" }.joined(separator: "\n")
    }

    package init?(text: String) {
        var workers: [RollCall.WorkerReport] = [], process: RollCall.WorkerReport?
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
            guard parts.count == 5, let letter = parts[1].first, let state = RollCall.WorkerReport.State(rawValue: letter),
                let seconds = Int(parts[2]), let partner = Int(parts[3])
            else { return nil }
            let report = RollCall.WorkerReport(state, seconds: seconds, partner: partner < 0 ? nil : partner, call: String(parts[4]))
            if parts[0] == "p" { process = report } else { workers.append(report) }
        }
        self.init(workers: workers, process: process)
    }
}
