import Glibc
import Logging
import Storage
import Synchronization

/// What a run says: every event as a line of `log.txt`, with time and level, and those of some weight on standard error too, through
/// the display, so that they do not tear its live line.
public struct RunLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level
    /// Events from this level on go to standard error.
    private let shownFrom: Logger.Level
    private let file: LineFile?
    private let display: ProgressDisplay?
    private let failure = Failure()

    /// A logger that writes to a file, to a display, or both. Nothing global is set up.
    public static func logger(
        file: LineFile?, display: ProgressDisplay?, level: Logger.Level = .info, shownFrom: Logger.Level = .notice
    ) -> Logger {
        Logger(label: "couplet") { _ in RunLogHandler(file: file, display: display, level: level, shownFrom: shownFrom) }
    }

    init(file: LineFile?, display: ProgressDisplay?, level: Logger.Level, shownFrom: Logger.Level) {
        self.file = file
        self.display = display
        self.shownFrom = shownFrom
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let details = merged.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        do {
            let text = "\(event.level.rawValue) \(event.message)\(details)"
            // One event, one line: the lines of a longer message are joined.
            try file?.append("\(RunLogHandler.time()) " + text.split(separator: "\n").joined(separator: " | "))
        } catch {
            // A log that cannot be written stops no training; it is said once.
            if failure.isFirst() { display?.message("couplet: warning: \(error)") }
        }
        if event.level >= shownFrom {
            let prefix = event.level >= .error ? "couplet: " : event.level == .warning ? "couplet: warning: " : ""
            display?.message("\(prefix)\(event.message)\(details)")
        }
    }

    /// Whether a failure has been told already.
    private final class Failure: Sendable {
        private let told = Atomic(false)
        func isFirst() -> Bool { !told.exchange(true, ordering: .relaxed) }
    }

    /// Now in UTC, to the millisecond: 2025-05-30T12:00:00.123Z.
    private static func time() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        let length = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let text = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let milliseconds = String(1_000 + now.tv_nsec / 1_000_000).dropFirst()
        return "\(text).\(milliseconds)Z"
    }
}
