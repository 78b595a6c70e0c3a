import CoupletFiles
import CoupletText
import Glibc
import Logging
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
        Logger(label: "couplet") { _ in RunLogHandler(file: file, display: display, level: level, shownFrom: shownFrom)
        }
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
            try file?.append(
                "\(Timestamp.now(milliseconds: true)) " + text.split(separator: "\n").joined(separator: " | "))
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
}
