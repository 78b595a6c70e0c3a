#if canImport(Glibc)
    import Glibc
#endif

/// What a process tells the others of its failure.
package struct ProcessFailure: Sendable {
    let text: String
    let exitCode: Int32
    /// When, in nanoseconds of the system's clock, to tell which of several came first; 0 where that does not matter.
    let time: UInt64
    /// Whether the process failed only because another had.
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

    /// As bytes: time, exit code, whether it is a consequence, text.
    var message: [UInt8] {
        withUnsafeBytes(of: time) { Array($0) } + withUnsafeBytes(of: exitCode) { Array($0) } + [isConsequence ? 1 : 0]
            + Array(text.utf8)
    }

    /// Nil of no bytes: no failure.
    init?(message: [UInt8]) {
        guard message.count >= 13 else { return nil }
        let (time, exitCode) = message.withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: Int32.self))
        }
        self.init(
            text: String(decoding: message[13...], as: UTF8.self), exitCode: exitCode, time: time,
            isConsequence: message[12] != 0)
    }

    /// Nanoseconds of the system's clock, which the hosts of a job share well enough to say what came first.
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
