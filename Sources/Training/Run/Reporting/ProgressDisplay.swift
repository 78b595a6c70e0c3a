import CoupletFiles
import CoupletText
import Glibc
import Synchronization

/// How far training is, for who watches: on a terminal one live line, in a file or pipe a plain line now and then. Messages go
/// through it, so that they and the live line never mix.
public final class ProgressDisplay: Sendable {
    public enum Mode: String, CaseIterable, Sendable {
        /// Live on a terminal, else plain.
        case auto
        /// Lines, on a terminal too.
        case plain
        /// No progress; messages only.
        case none
    }

    /// Where a display writes, and what time it is there.
    public struct Console: Sendable {
        public var write: @Sendable (String) -> Void
        /// Whether the cursor can be moved.
        public var isTerminal: Bool
        /// Columns, asked for at every drawing, for windows change.
        public var width: @Sendable () -> Int
        /// Seconds, from any beginning.
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
        /// Of the last few seconds: the rate is measured from here.
        var anchor: (time: Double, step: Int)?
        var nextAnchor: (time: Double, step: Int)?
        var lastDrawing = -Double.infinity
        /// What stands on the live line; empty where none does.
        var line = ""
    }

    private enum Style { case live, plain, none }

    private let surface: Console
    private let style: Style
    private let total: Int
    private let pairsPerStep: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - total: after which step training is done.
    ///   - pairsPerStep: B, for pairs per second.
    public init(mode: Mode, total: Int, pairsPerStep: Int, surface: Console = .standardError) {
        self.surface = surface
        self.total = total
        self.pairsPerStep = pairsPerStep
        style =
            switch mode {
            case .auto: surface.isTerminal ? .live : .plain
            case .plain: .plain
            case .none: .none
            }
    }

    /// Training begins, `step` steps being done: rates count from here.
    public func begin(at step: Int) {
        let now = surface.now()
        state.withLock {
            $0.start = (now, step)
            $0.anchor = (now, step)
            $0.nextAnchor = (now, step)
        }
    }

    /// A step is done. Cheap where nothing is to be drawn.
    /// - Parameter isLogged: whether this step is among those of `log_every`, the only ones that plain lines tell.
    public func update(step: Int, loss: Double, isLogged: Bool) {
        guard style != .none, style == .live || isLogged || step == total else { return }
        let now = surface.now()
        state.withLock { state in
            let isLast = step >= total
            let pause = style == .live ? 0.1 : 3
            guard isLast || now - state.lastDrawing >= pause else { return }
            state.lastDrawing = now
            let parts = parts(step: step, loss: loss, now: now, state: &state)
            if style == .live {
                state.line = fitted(parts)
                surface.write("\r\(state.line)\u{1B}[K")
            } else {
                surface.write("step " + parts.joined(separator: "  ") + "\n")
            }
        }
    }

    /// Writes a message on lines of its own, above the live line.
    public func message(_ text: String) {
        state.withLock { state in
            let erase = state.line.isEmpty ? "" : "\r\u{1B}[K"
            surface.write(erase + text + "\n" + state.line)
        }
    }

    /// Training is over: the live line, if any, stays as the last line.
    public func finish() {
        state.withLock { state in
            if !state.line.isEmpty { surface.write("\n") }
            state.line = ""
        }
    }

    // MARK: What is said

    private func parts(step: Int, loss: Double, now: Double, state: inout State) -> [String] {
        var parts = ["\(step)/\(total)", "loss \(ProgressText.significant(loss))"]
        guard let start = state.start, let anchor = state.anchor, step > start.step, now > anchor.time else {
            return parts
        }
        if step > anchor.step {
            let stepsPerSecond = Double(step - anchor.step) / (now - anchor.time)
            parts.append("\(ProgressText.grouped(stepsPerSecond * Double(pairsPerStep))) pairs/s")
            let mean = Double(step - start.step) / (now - start.time)
            if step < total, mean > 0 { parts.append("\(ProgressText.duration(Double(total - step) / mean)) left") }
        }
        if step >= total { parts.append("in \(ProgressText.duration(now - start.time))") }
        // Two anchors: the rate always covers the last 2 to 4 seconds.
        if let next = state.nextAnchor, now - next.time >= 2 {
            state.anchor = next
            state.nextAnchor = (now, step)
        }
        return parts
    }

    /// As many parts as fit the window, and never a line that wraps.
    private func fitted(_ parts: [String]) -> String {
        let width = max(1, surface.width() - 1)
        var line = ""
        for part in parts {
            let longer = line.isEmpty ? part : line + "  " + part
            if longer.count > width { break }
            line = longer
        }
        return line.isEmpty ? String((parts.first ?? "").prefix(width)) : line
    }
}
