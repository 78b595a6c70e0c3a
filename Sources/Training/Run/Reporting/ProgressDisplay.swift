import CoupletFiles
import CoupletText
import Glibc
import Synchronization

/// Shows the progress of training: one live line on a terminal, a plain line every few seconds in a file or pipe.
/// Messages go through the display too, so that they do not break the live line.
public final class ProgressDisplay: Sendable {
    public enum Mode: String, CaseIterable, Sendable {
        /// A live line on a terminal, otherwise plain lines.
        case auto
        /// Plain lines, even on a terminal.
        case plain
        /// Messages only.
        case none
    }

    /// The output and the clock of a display. Tests replace both.
    public struct Console: Sendable {
        public var write: @Sendable (String) -> Void
        /// Whether the output is a terminal with a movable cursor.
        public var isTerminal: Bool
        /// Number of columns. The display reads it at every drawing, because windows change.
        public var width: @Sendable () -> Int
        /// Time in seconds since any fixed point.
        public var now: @Sendable () -> Double

        public init(
            write: @escaping @Sendable (String) -> Void, isTerminal: Bool, width: @escaping @Sendable () -> Int,
            now: @escaping @Sendable () -> Double
        ) {
            self.write = write
            self.isTerminal = isTerminal
            self.width = width
            self.now = now
        }

        /// Writes text from files and names: its control characters are escaped.
        package func write(escaping text: String) { write(TerminalText.escaped(text)) }

        /// Standard error of this process.
        public static var standardError: Console {
            let terminal = isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
            return Console(
                write: { FileSystem.write($0, to: STDERR_FILENO) },
                isTerminal: terminal,
                width: {
                    var size = winsize()
                    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
                },
                now: {
                    var time = timespec()
                    clock_gettime(CLOCK_MONOTONIC, &time)
                    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
                })
        }
    }

    private struct State {
        var start: (time: Double, step: Int)?
        /// The rate is measured from this point, which is 2 to 4 seconds old.
        var anchor: (time: Double, step: Int)?
        var nextAnchor: (time: Double, step: Int)?
        var lastDrawing = -Double.infinity
        /// Text of the live line; empty if there is none.
        var line = ""
        /// Figures of the last evaluation.
        var evaluation: [String] = []
    }

    private enum Style { case live, plain, none }

    private let console: Console
    private let style: Style
    private let total: Int
    private let pairsPerStep: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - total: number of steps of the run.
    ///   - pairsPerStep: B, the number of pairs in a batch.
    public init(mode: Mode, total: Int, pairsPerStep: Int, console: Console = .standardError) {
        self.console = console
        self.total = total
        self.pairsPerStep = pairsPerStep
        style =
            switch mode {
            case .auto: console.isTerminal ? .live : .plain
            case .plain: .plain
            case .none: .none
            }
    }

    /// Starts the clock of rates and of the remaining time, after `step` finished steps.
    public func begin(at step: Int) {
        let now = console.now()
        state.withLock {
            $0.start = (now, step)
            $0.anchor = (now, step)
            $0.nextAnchor = (now, step)
        }
    }

    /// Shows a finished step, at most ten times a second on a terminal and every three seconds elsewhere.
    /// - Parameter isLogged: whether this is a step of `log_every`. Plain lines show only such steps.
    public func update(step: Int, loss: Double, isLogged: Bool) {
        guard style != .none, style == .live || isLogged || step == total else { return }
        let now = console.now()
        state.withLock { state in
            let isLast = step >= total
            let pause = style == .live ? 0.1 : 3
            guard isLast || now - state.lastDrawing >= pause else { return }
            state.lastDrawing = now
            let parts = parts(step: step, loss: loss, now: now, state: &state) + state.evaluation
            if style == .live {
                state.line = fitted(parts)
                console.write("\r\(state.line)\u{1B}[K")
            } else {
                console.write("step " + parts.joined(separator: "  ") + "\n")
            }
        }
    }

    /// Sets the figures of the last evaluation, such as "held-out loss 2.0213", which later lines end with.
    public func evaluated(_ figures: [String]) { state.withLock { $0.evaluation = figures } }

    /// Writes a message above the live line. Its control characters are escaped.
    public func message(_ text: String) {
        let text = TerminalText.escaped(text)
        state.withLock { state in
            let erase = state.line.isEmpty ? "" : "\r\u{1B}[K"
            console.write(erase + text + "\n" + state.line)
        }
    }

    /// Ends the display. The live line stays as the last line.
    public func finish() {
        state.withLock { state in
            if !state.line.isEmpty { console.write("\n") }
            state.line = ""
        }
    }

    // MARK: - Text

    private func parts(step: Int, loss: Double, now: Double, state: inout State) -> [String] {
        var parts = ["\(step)/\(total)", "loss \(NumberText.significant(loss))"]
        guard let start = state.start, let anchor = state.anchor, step > start.step, now > anchor.time else {
            return parts
        }
        if step > anchor.step {
            let stepsPerSecond = Double(step - anchor.step) / (now - anchor.time)
            parts.append("\(NumberText.grouped(stepsPerSecond * Double(pairsPerStep))) pairs/s")
            let mean = Double(step - start.step) / (now - start.time)
            if step < total, mean > 0 { parts.append("\(DurationText.clock(Double(total - step) / mean)) left") }
        }
        if step >= total { parts.append("in \(DurationText.clock(now - start.time))") }
        // With two anchors the rate always covers the last 2 to 4 seconds.
        if let next = state.nextAnchor, now - next.time >= 2 {
            state.anchor = next
            state.nextAnchor = (now, step)
        }
        return parts
    }

    /// Joins as many parts as fit in the window, so that the line never wraps.
    private func fitted(_ parts: [String]) -> String {
        let width = max(1, console.width() - 1)
        var line = ""
        for part in parts {
            let longer = line.isEmpty ? part : line + "  " + part
            if longer.count > width { break }
            line = longer
        }
        return line.isEmpty ? String((parts.first ?? "").prefix(width)) : line
    }
}
