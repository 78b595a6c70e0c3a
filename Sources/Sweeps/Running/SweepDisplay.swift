import CoupletText
import CoupletTraining
import Synchronization

/// Shows the progress of a sweep. On a terminal: one live line, and a line for each failed trial. In a file or pipe:
/// one line for each trial that ends.
package final class SweepDisplay: Sendable {
    private struct State {
        var start = 0.0
        var done = 0, failed = 0, dropped = 0, pruned = 0, running = 0, total = 0
        var best: (trial: String, metric: Double)?
        /// Training steps that were left at the start, and that are left now.
        var stepsAtStart = 0, stepsLeft = 0
        var lastDrawing = -Double.infinity
        var line = ""
    }

    private let console: ProgressDisplay.Console
    private let isShown: Bool
    private let isLive: Bool
    private let metric: String
    private let goal: SweepSpecification.Goal
    private let slots: Int
    private let state = Mutex(State())

    package init(
        mode: ProgressDisplay.Mode, metric: String, goal: SweepSpecification.Goal, slots: Int,
        console: ProgressDisplay.Console = .standardError
    ) {
        self.console = console
        self.metric = metric
        self.goal = goal
        self.slots = slots
        isShown = mode != .none
        isLive = mode == .auto && console.isTerminal
    }

    package func begin(rows: [SweepRow], stepsLeft: Int) {
        let now = console.now()
        state.withLock { state in
            state.start = now
            state.stepsAtStart = stepsLeft
            count(rows, stepsLeft, &state)
            guard isShown else { return }
            let before = state.done + state.dropped + state.pruned
            let done = before > 0 ? ", \(before) done before" : ""
            let failed = state.failed > 0 ? ", \(state.failed) failed" : ""
            writeLine("\(rows.count) trials\(done)\(failed), \(slots) at a time", &state)
            draw(now, &state)
        }
    }

    /// A slot has taken a trial.
    package func trialStarted(running: Int) {
        let now = console.now()
        state.withLock {
            $0.running = running
            draw(now, &$0)
        }
    }

    /// A trial has ended, or has reached a step after which trials are compared.
    package func trialEnded(_ result: TrialResult, rows: [SweepRow], running: Int, stepsLeft: Int) {
        let now = console.now()
        state.withLock { state in
            count(rows, stepsLeft, &state)
            state.running = running
            guard isShown else { return }
            let head = "\(state.done + state.failed + state.dropped + state.pruned)/\(state.total)  \(result.trial)"
            if let value = result.metric {
                if !isLive {
                    let seconds = NumberText.fixed(result.seconds, 1)
                    let figures = "\(metric) \(NumberText.significant(value))  step \(result.steps)  \(seconds) s"
                    writeLine("\(head)  \(figures)\(remaining(now, state))", &state)
                }
            } else {
                writeLine("\(head)  failed: \(result.reason)", &state)
            }
            draw(now, &state)
        }
    }

    /// Redraws the live line if the last drawing is half a second old.
    package func tick() {
        let now = console.now()
        state.withLock { if now - $0.lastDrawing >= 0.5 { draw(now, &$0) } }
    }

    /// Ends the display. The live line stays as the last line.
    package func finish() {
        state.withLock { state in
            draw(console.now(), &state)
            if !state.line.isEmpty { console.write("\n") }
            state.line = ""
        }
    }

    private func count(_ rows: [SweepRow], _ stepsLeft: Int, _ state: inout State) {
        func count(_ status: TrialStatus) -> Int { rows.count { $0.status == status } }
        (state.done, state.failed, state.total) = (count(.done), count(.failed), rows.count)
        (state.dropped, state.pruned) = (count(.dropped), count(.pruned))
        state.stepsLeft = stepsLeft
        state.best = rows.compactMap { row in row.metric.map { (row.trial, $0) } }
            .reduce(nil) { best, row in best.map { goal.isBetter(row.1, than: $0.metric) ? row : $0 } ?? row }
    }

    private func writeLine(_ text: String, _ state: inout State) {
        let erase = state.line.isEmpty ? "" : "\r\u{1B}[K"
        console.write(erase + TerminalText.escaped(text) + "\n" + state.line)
    }

    private func draw(_ now: Double, _ state: inout State) {
        guard isLive else { return }
        state.lastDrawing = now
        var parts = ["\(state.done)/\(state.total) done", "\(state.running) running"]
        if state.dropped > 0 { parts.append("\(state.dropped) dropped") }
        if state.pruned > 0 { parts.append("\(state.pruned) pruned") }
        if state.failed > 0 { parts.append("\(state.failed) failed") }
        let left = remaining(now, state)
        if !left.isEmpty { parts.append(String(left.dropFirst(2))) }
        if let best = state.best { parts.append("best \(NumberText.significant(best.metric)) (\(best.trial))") }
        let width = max(1, console.width() - 1)
        state.line = String(TerminalText.escaped(parts.joined(separator: "  ")).prefix(width))
        console.write("\r\(state.line)\u{1B}[K")
    }

    /// "  2:10 left", extrapolated from the training steps so far; empty if there are none.
    private func remaining(_ now: Double, _ state: State) -> String {
        let stepsDone = state.stepsAtStart - state.stepsLeft
        guard stepsDone > 0, state.stepsLeft > 0 else { return "" }
        return "  \(DurationText.clock((now - state.start) * Double(state.stepsLeft) / Double(stepsDone))) left"
    }
}
