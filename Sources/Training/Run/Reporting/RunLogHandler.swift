import CoupletFiles
import CoupletText
import Logging
import Synchronization

/// Log handler of a run. It writes each event with time and level as a line of `log.txt`, and shows important events on
/// standard error as well, through the display, so that they do not break its live line.
public struct RunLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level
    /// The lowest level of events that the display shows.
    private let shownFrom: Logger.Level
    private let file: LineFile?
    private let display: ProgressDisplay?
    private let firstFailure = FirstCall()

    /// Makes a logger that writes to a file, to a display, or to both. It sets up nothing global.
    public static func logger(
        file: LineFile?, display: ProgressDisplay?, level: Logger.Level = .info, shownFrom: Logger.Level = .notice
    ) -> Logger {
        Logger(label: "couplet") { _ in
            RunLogHandler(file: file, display: display, level: level, shownFrom: shownFrom)
        }
    }

    private init(file: LineFile?, display: ProgressDisplay?, level: Logger.Level, shownFrom: Logger.Level) {
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
            let text = TerminalText.escaped("\(event.level.rawValue) \(event.message)\(details)")
            // Each event takes one line: the lines of a longer message are joined.
            try file?.append(
                "\(Timestamp.now(milliseconds: true)) " + text.split(separator: "\n").joined(separator: " | "))
        } catch {
            // A log that cannot be written does not stop training; the display shows the error once.
            if firstFailure.isFirst() { display?.message("couplet: warning: \(error)") }
        }
        if event.level >= shownFrom {
            let prefix = event.level >= .error ? "couplet: " : event.level == .warning ? "couplet: warning: " : ""
            display?.message("\(prefix)\(event.message)\(details)")
        }
    }

    /// Returns true from the first call only.
    private final class FirstCall: Sendable {
        private let wasCalled = Atomic(false)
        func isFirst() -> Bool { !wasCalled.exchange(true, ordering: .relaxed) }
    }
}
