/// What the processes of a job could not do, the same value on all of them: to be printed once.
public struct GroupError: Error, CustomStringConvertible, Sendable, Equatable {
    /// One text and the processes that said it.
    public struct Report: Sendable, Equatable {
        public let ranks: [Int]
        public let text: String
    }

    public let reports: [Report]
    public let processCount: Int
    /// That of the first process that failed.
    public let exitCode: Int32

    /// From each process's failure, by rank; nil where there was none. Equal texts become one report.
    package init?(failures: [(text: String, exitCode: Int32)?]) {
        var reports: [Report] = []
        for (rank, failure) in failures.enumerated() {
            guard let failure else { continue }
            if let index = reports.firstIndex(where: { $0.text == failure.text }) {
                reports[index] = Report(ranks: reports[index].ranks + [rank], text: failure.text)
            } else {
                reports.append(Report(ranks: [rank], text: failure.text))
            }
        }
        guard let first = failures.lazy.compactMap({ $0 }).first else { return nil }
        self.reports = reports
        processCount = failures.count
        exitCode = first.exitCode
    }

    public var description: String {
        reports.map { report in
            let numbers = report.ranks.map(String.init).joined(separator: ", ")
            let who = report.ranks.count == processCount && processCount > 1 ? "all \(processCount) ranks"
                : report.ranks.count == 1 ? "rank \(numbers)" : "ranks \(numbers)"
            return "\(who): \(report.text)"
        }.joined(separator: "\n")
    }
}
