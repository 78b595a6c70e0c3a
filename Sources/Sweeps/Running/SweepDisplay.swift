import CoupletText
import CoupletTraining
import Synchronization

/// How far a sweep is, for who watches: on a terminal one live line, and lines for trials that failed; in a file or pipe a plain line for each
/// trial that ended.
package final class SweepDisplay: Sendable {
    private struct State {
        var start = 0.0
        var done = 0, failed = 0, dropped = 0, running = 0, total = 0
        var best: (trial: String, metric: Double)?
        /// In steps of training: what was left at the start, and is left now.
        var stepsAtStart = 0, stepsLeft = 0
        var lastDrawing = -Double.infinity
        var line = ""
    }

    private let surface: ProgressDisplay.Console
    private let isShown: Bool
    private let isLive: Bool
    private let metric: String
    private let goal: SweepSpecification.Goal
    private let lanes: Int
    private let state = Mutex(State())

    package init(
        mode: ProgressDisplay.Mode, metric: String, goal: SweepSpecification.Goal, lanes: Int,
        surface: ProgressDisplay.Console = .standardError
    ) {
        self.surface = surface
        self.metric = metric
        self.goal = goal
        self.lanes = lanes
        isShown = mode != .none
        isLive = mode == .auto && surface.isTerminal
    }

    package func begin(rows: [SweepRow], stepsLeft: Int) {
        let now = surface.now()
        state.withLock { state in
            state.start = now
            state.stepsAtStart = stepsLeft
            count(rows, stepsLeft, &state)
            guard isShown else { return }
            let before = state.done + state.dropped
            let done = before > 0 ? ", \(before) done before" : "",
                failed = state.failed > 0 ? ", \(state.failed) failed" : ""
            say("\(rows.count) trials\(done)\(failed), \(lanes) at a time", &state)
            draw(now, &state)
        }
    }

    /// A lane took a trial.
    package func began(running: Int) {
        let now = surface.now()
        state.withLock {
            $0.running = running
            draw(now, &$0)
        }
    }

    /// A trial ended, or came to a step after which halving compares.
    package func ended(_ result: TrialResult, rows: [SweepRow], running: Int, stepsLeft: Int) {
        let now = surface.now()
        state.withLock { state in
            count(rows, stepsLeft, &state)
            state.running = running
            guard isShown else { return }
            let place = "\(state.done + state.failed + state.dropped)/\(state.total)  \(result.trial)"
            if let value = result.metric {
                if !isLive {
                    let seconds = ProgressText.fixed(result.seconds, digits: 1)
                    say(
                        "\(place)  \(metric) \(ProgressText.significant(value))  step \(result.steps)  \(seconds) s\(remaining(now, state))",
                        &state)
                }
            } else {
                say("\(place)  failed: \(result.reason)", &state)
            }
            draw(now, &state)
        }
    }

    /// Time has passed.
    package func tick() {
        let now = surface.now()
        state.withLock { if now - $0.lastDrawing >= 0.5 { draw(now, &$0) } }
    }

    /// The sweep is over: the live line stays as the last.
    package func finish() {
        state.withLock { state in
            draw(surface.now(), &state)
            if !state.line.isEmpty { surface.write("\n") }
            state.line = ""
        }
    }

    private func count(_ rows: [SweepRow], _ stepsLeft: Int, _ state: inout State) {
        func count(_ status: TrialStatus) -> Int { rows.count { $0.status == status } }
        (state.done, state.failed, state.dropped, state.total) = (
            count(.done), count(.failed), count(.dropped), rows.count
        )
        state.stepsLeft = stepsLeft
        state.best = rows.compactMap { row in row.metric.map { (row.trial, $0) } }
            .reduce(nil) { best, row in best.map { goal.isBetter(row.1, than: $0.metric) ? row : $0 } ?? row }
    }

    private func say(_ text: String, _ state: inout State) {
        let erase = state.line.isEmpty ? "" : "\r\u{1B}[K"
        surface.write(erase + text + "\n" + state.line)
    }

    private func draw(_ now: Double, _ state: inout State) {
        guard isLive else { return }
        state.lastDrawing = now
        var parts = ["\(state.done)/\(state.total) done", "\(state.running) running"]
        if state.dropped > 0 { parts.append("\(state.dropped) dropped") }
        if state.failed > 0 { parts.append("\(state.failed) failed") }
        let left = remaining(now, state)
        if !left.isEmpty { parts.append(String(left.dropFirst(2))) }
        if let best = state.best { parts.append("best \(ProgressText.significant(best.metric)) (\(best.trial))") }
        let width = max(1, surface.width() - 1)
        state.line = String(parts.joined(separator: "  ").prefix(width))
        surface.write("\r\(state.line)\u{1B}[K")
    }

    /// "  2:10 left", by the steps of training that are left; empty where nothing is known yet.
    private func remaining(_ now: Double, _ state: State) -> String {
        let worked = state.stepsAtStart - state.stepsLeft
        guard worked > 0, state.stepsLeft > 0 else { return "" }
        return "  \(ProgressText.duration((now - state.start) * Double(state.stepsLeft) / Double(worked))) left"
    }
}
