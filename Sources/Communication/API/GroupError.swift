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

    /// From each process's failure, by rank; nil where there was none. Equal texts become one report; those of processes that were only
    /// woken by another's failure are left out; what failed first comes first.
    ///
    /// - Parameter jobRanks: the number of each in the whole job, by which it is named.
    package init?(failures: [ProcessFailure?], jobRanks: [Int]) {
        var found = failures.indices.compactMap { rank in failures[rank].map { (rank: rank, failure: $0) } }
        let causes = found.filter { !$0.failure.isConsequence }
        if !causes.isEmpty { found = causes }
        // Sorting is stable only with the rank.
        found.sort { ($0.failure.time, $0.rank) < ($1.failure.time, $1.rank) }
        guard let first = found.first else { return nil }
        var reports: [Report] = []
        for (rank, failure) in found {
            let index = reports.firstIndex { $0.text == failure.text } ?? reports.count
            let before = index < reports.count ? reports.remove(at: index).ranks : []
            reports.insert(Report(ranks: (before + [jobRanks[rank]]).sorted(), text: failure.text), at: index)
        }
        self.reports = reports
        processCount = failures.count
        exitCode = first.failure.exitCode
    }

    public var description: String {
        reports.map { report in
            let numbers = report.ranks.map(String.init).joined(separator: ", ")
            let who =
                report.ranks.count == processCount && processCount > 1
                ? "all \(processCount) ranks"
                : report.ranks.count == 1 ? "rank \(numbers)" : "ranks \(numbers)"
            return "\(who): \(report.text)"
        }.joined(separator: "\n")
    }
}
