import Glibc

/// The failures of all processes of a job. All processes throw the same value, so that one of them can print it for
/// all.
public struct GroupError: Error, CustomStringConvertible, Sendable, Equatable {
    /// An error text and the ranks that failed with it.
    public struct Report: Sendable, Equatable {
        public let ranks: [Int]
        public let text: String
    }

    public let reports: [Report]
    public let processCount: Int
    /// Exit code of the process that failed first.
    public let exitCode: Int32

    /// Merges the failures of all processes; nil if none failed.
    ///
    /// Equal texts become one report. Failures that only follow from another worker's failure are left out. The
    /// earliest failure comes first.
    ///
    /// - Parameters:
    ///   - failures: by rank; nil for a process that succeeded.
    ///   - jobRanks: by rank, the number of the process in the whole job, which the text shows.
    package init?(failures: [ProcessFailure?], jobRanks: [Int]) {
        var found = failures.indices.compactMap { rank in failures[rank].map { (rank: rank, failure: $0) } }
        let causes = found.filter { !$0.failure.isConsequence }
        if !causes.isEmpty { found = causes }
        // The rank makes the order unique: the sort is not stable.
        found.sort { ($0.failure.time, $0.rank) < ($1.failure.time, $1.rank) }
        guard let first = found.first else { return nil }
        var reports: [Report] = []
        for (rank, failure) in found {
            let index = reports.firstIndex { $0.text == failure.text } ?? reports.count
            let earlierRanks = index < reports.count ? reports.remove(at: index).ranks : []
            reports.insert(Report(ranks: (earlierRanks + [jobRanks[rank]]).sorted(), text: failure.text), at: index)
        }
        self.reports = reports
        processCount = failures.count
        exitCode = first.failure.exitCode
    }

    public var description: String {
        reports.map { report in
            let numbers = report.ranks.map(String.init).joined(separator: ", ")
            let rankText =
                report.ranks.count == processCount && processCount > 1
                ? "all \(processCount) ranks"
                : report.ranks.count == 1 ? "rank \(numbers)" : "ranks \(numbers)"
            return "\(rankText): \(report.text)"
        }.joined(separator: "\n")
    }
}

/// The failure of one process, as it is sent to the other processes.
package struct ProcessFailure: Sendable {
    let text: String
    let exitCode: Int32
    /// Time of the failure in nanoseconds of the system clock; orders failures of several processes. 0 if the order
    /// does not matter.
    let time: UInt64
    /// Whether the process failed only because another process had failed.
    let isConsequence: Bool

    package init(text: String, exitCode: Int32, time: UInt64 = 0, isConsequence: Bool = false) {
        self.text = text
        self.exitCode = exitCode
        self.time = time
        self.isConsequence = isConsequence
    }

    init(_ error: any Error, exitCode: Int32, time: UInt64 = 0) {
        self.init(
            text: "\(error)", exitCode: exitCode, time: time,
            isConsequence: (error as? CollectiveError)?.kind == .otherWorkerFailed)
    }

    /// Encoding: time (8 bytes), exit code (4), isConsequence (1), text (UTF-8).
    var message: [UInt8] {
        withUnsafeBytes(of: time) { Array($0) } + withUnsafeBytes(of: exitCode) { Array($0) } + [isConsequence ? 1 : 0]
            + Array(text.utf8)
    }

    /// Decodes a message; nil for an empty one, which means that the process succeeded.
    init?(message: [UInt8]) {
        guard message.count >= 13 else { return nil }
        let (time, exitCode) = message.withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: Int32.self))
        }
        self.init(
            text: String(decoding: message[13...], as: UTF8.self), exitCode: exitCode, time: time,
            isConsequence: message[12] != 0)
    }

    /// Nanoseconds of the system clock. The clocks of the hosts of a job agree well enough to order failures.
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
