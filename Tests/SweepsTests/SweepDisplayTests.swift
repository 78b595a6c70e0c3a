import CoupletSweeps
import CoupletTraining
import Synchronization
import Testing

@Suite struct SweepDisplayTests {
    private final class Screen: Sendable {
        let text = Mutex(""), time = Mutex(0.0)
        func console(isTerminal: Bool, width: Int = 60) -> ProgressDisplay.Console {
            .init(
                write: { new in self.text.withLock { $0 += new } }, isTerminal: isTerminal, width: { width },
                now: { self.time.withLock { $0 } })
        }
        var shown: String { text.withLock { $0 } }
    }

    private func row(_ trial: String, _ status: TrialStatus, _ metric: Double? = nil) -> SweepRow {
        SweepRow(
            trial: trial, status: status, values: [], metric: metric, digest: "", steps: nil, seconds: nil, reason: "")
    }

    private func run(_ display: SweepDisplay, _ screen: Screen) {
        display.begin(rows: [row("a", .waiting), row("b", .waiting), row("c", .waiting)], stepsLeft: 300)
        display.trialStarted(running: 1)
        screen.time.withLock { $0 = 60 }
        let rows = [row("a", .done, 0.25), row("b", .waiting), row("c", .waiting)]
        display.trialEnded(
            TrialResult(trial: "a", steps: 100, metric: 0.25, digest: "", seconds: 60), rows: rows, running: 0,
            stepsLeft: 200)
        display.trialEnded(
            .failed("b", steps: 100, seconds: 1, reason: "no luck"), rows: [rows[0], row("b", .failed), rows[2]],
            running: 1, stepsLeft: 100)
        display.finish()
    }

    @Test func aFileGetsALinePerTrial() {
        let screen = Screen()
        run(
            SweepDisplay(
                mode: .auto, metric: "m", goal: .minimize, slots: 2, console: screen.console(isTerminal: false)), screen
        )
        #expect(
            screen.shown == """
                3 trials, 2 at a time
                1/3  a  m 0.25000  step 100  60.0 s  2:00 left
                2/3  b  failed: no luck

                """)
    }

    /// The live line never wraps; failures are printed above it.
    @Test func aTerminalHasOneLiveLine() {
        let screen = Screen()
        run(
            SweepDisplay(
                mode: .auto, metric: "m", goal: .minimize, slots: 2,
                console: screen.console(isTerminal: true, width: 60)), screen)
        #expect(screen.shown.contains("1/3 done  0 running  2:00 left  best 0.25000 (a)\u{1B}[K"))
        #expect(screen.shown.contains("\r\u{1B}[K2/3  b  failed: no luck\n"))
        #expect(screen.shown.hasSuffix("1/3 done  1 running  1 failed  0:30 left  best 0.25000 (a)\u{1B}[K\n"))
        for line in screen.shown.split(whereSeparator: { $0 == "\r" || $0 == "\n" }) where !line.contains("failed: ") {
            #expect(line.replacing("\u{1B}[K", with: "").count < 60)
        }
    }

    @Test func modeNonePrintsNothing() {
        let screen = Screen()
        run(
            SweepDisplay(
                mode: .none, metric: "m", goal: .minimize, slots: 2, console: screen.console(isTerminal: true)), screen)
        #expect(screen.shown.isEmpty)
    }
}
