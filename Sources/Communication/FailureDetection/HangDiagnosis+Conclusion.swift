extension HangDiagnosis {
    /// What is wrong, in a sentence: who has not come to where the others wait; or who waits for whom, where all wait.
    ///
    /// - Parameters:
    ///   - reports: by process, of those that answered.
    ///   - names: of all processes, "rank 3 on node7"; empty where there is one process.
    ///   - seconds: how long it has lasted.
    package static func conclusion(_ reports: [Int: Report], names: [String], seconds: Int) -> String {
        let findings = Findings(reports, names: names)
        if findings.missing.isEmpty {
            let most = 16
            let shown = findings.waits.prefix(most) + (findings.waits.count > most ? ["…"] : [])
            return "all wait for each other, for \(seconds) s: " + (shown + findings.endings).joined(separator: ", ")
                + "; every worker must make the same calls in the same order"
        }
        let verb = findings.missing.count == 1 && !findings.missing[0].hasPrefix("workers") ? "has" : "have"
        return findings.missing.joined(separator: " and ") + " \(verb) not come for \(seconds) s, while "
            + (findings.waitsByCall + findings.endings).joined(separator: ", ")
            + "; look there for a process that is stopped, hangs or computes for long, or allow more time"
    }

    /// The answers, sorted out.
    private struct Findings {
        /// Processes that did not answer, and workers of others that do not wait.
        private(set) var missing: [String] = []
        /// Each that waits: "worker 3 in barrier for worker 2".
        private(set) var waits: [String] = []
        private var ended: [Int] = []
        private var waiting: [(call: String, workers: [Int])] = []
        private var waitingProcesses: [String] = []
        private let names: [String]

        init(_ reports: [Int: Report], names: [String]) {
            self.names = names
            let threads = reports.values.map(\.workers.count).max() ?? 0
            for process in 0..<max(names.count, 1) {
                if let report = reports[process] {
                    add(report, process: process)
                } else {
                    let workers =
                        threads > 0 ? " (\(Self.text(Array(process * threads..<(process + 1) * threads))))" : ""
                    missing.append(names[process] + workers)
                }
            }
        }

        private mutating func add(_ report: Report, process: Int) {
            let first = process * report.workers.count
            let late = report.workers.indices.filter { report.workers[$0].state == .works }.map { first + $0 }
            if !late.isEmpty { missing.append(Self.text(late) + (names.isEmpty ? "" : " (\(names[process]))")) }
            for (thread, worker) in report.workers.enumerated() {
                switch worker.state {
                case .works: break
                case .hasEnded: ended.append(first + thread)
                case .waits:
                    waits.append(
                        "worker \(first + thread) in \(worker.call)"
                            + (worker.partner.map { " for worker \($0)" } ?? ""))
                    if let index = waiting.firstIndex(where: { $0.call == worker.call }) {
                        waiting[index].workers.append(first + thread)
                    } else {
                        waiting.append((worker.call, [first + thread]))
                    }
                }
            }
            // Of workers that wait, the process that waits for them need not be told.
            if !names.isEmpty, let own = report.process, report.workers.allSatisfy({ $0.state == .hasEnded }) {
                waits.append("\(names[process]) in \(own.call)")
                waitingProcesses.append("\(names[process]) waits in \(own.call)")
            }
        }

        var endings: [String] {
            ended.isEmpty ? [] : ["\(Self.text(ended)) \(ended.count == 1 ? "has" : "have") ended"]
        }

        /// The same by call: "workers 0 … 5 wait in barrier".
        var waitsByCall: [String] {
            waiting.map { "\(Self.text($0.workers)) \($0.workers.count == 1 ? "waits" : "wait") in \($0.call)" }
                + waitingProcesses
        }

        /// "worker 3", "workers 3, 5", "workers 3 … 8".
        private static func text(_ workers: [Int]) -> String {
            if workers.count == 1 { return "worker \(workers[0])" }
            let isRange = workers.count > 2 && workers[workers.count - 1] - workers[0] == workers.count - 1
            return "workers "
                + (isRange
                    ? "\(workers[0]) … \(workers[workers.count - 1])"
                    : workers.map(String.init).joined(separator: ", "))
        }
    }
}
