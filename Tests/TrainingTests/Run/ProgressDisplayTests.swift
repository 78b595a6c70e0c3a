import CoupletTraining
import Synchronization
import Testing

/// The console of a display under test: collects the output, and has a clock that the test sets.
final class TestConsole: Sendable {
    private struct State {
        var text = ""
        var time = 0.0
        var width = 80
    }
    private let state = Mutex(State())

    var text: String { state.withLock { $0.text } }
    var time: Double {
        get { state.withLock { $0.time } }
        set { state.withLock { $0.time = newValue } }
    }
    var width: Int {
        get { state.withLock { $0.width } }
        set { state.withLock { $0.width = newValue } }
    }

    func console(isTerminal: Bool) -> ProgressDisplay.Console {
        .init(
            write: { text in self.state.withLock { $0.text += text } }, isTerminal: isTerminal, width: { self.width },
            now: { self.time })
    }
}

@Suite struct ProgressDisplayTests {
    @Test func aTerminalShowsOneLineThatIsRedrawnAtMostTenTimesASecond() {
        let screen = TestConsole()
        let display = ProgressDisplay(
            mode: .auto, total: 1_000, pairsPerStep: 2_000, console: screen.console(isTerminal: true))
        display.begin(at: 0)
        for step in 1...100 {
            screen.time += 0x1p-6
            display.update(step: step, loss: 3.21412, isLogged: false)
        }
        let drawings = screen.text.split(separator: "\r")
        // 7 steps of 1/64 s are the first to exceed 0.1 s: steps 1, 8, …, 99.
        #expect(drawings.count == 15)
        #expect(!screen.text.contains("\n"))
        #expect(
            drawings.last?.hasPrefix("99/1000  loss 3.2141  128,000 pairs/s  0:14 left") == true,
            "\(String(describing: drawings.last))")
    }

    @Test func theLineNeverWraps() {
        let screen = TestConsole()
        let display = ProgressDisplay(
            mode: .auto, total: 1_000, pairsPerStep: 2_000, console: screen.console(isTerminal: true))
        display.begin(at: 0)
        for width in [1, 5, 12, 24, 30, 45, 200] {
            screen.width = width
            screen.time += 1
            display.update(step: Int(screen.time), loss: 0.5, isLogged: false)
            let line = screen.text.split(separator: "\r").last.map { $0.split(separator: "\u{1B}")[0] } ?? ""
            #expect(line.count <= max(1, width - 1))
            if width == 200 { #expect(line.hasSuffix("left")) }
        }
    }

    @Test func aMessageErasesTheLineAndRedrawsIt() {
        let screen = TestConsole()
        let display = ProgressDisplay(
            mode: .auto, total: 10, pairsPerStep: 1, console: screen.console(isTerminal: true))
        display.begin(at: 0)
        screen.time = 1
        display.update(step: 1, loss: 2, isLogged: false)
        let before = screen.text
        display.message("saved")
        #expect(
            screen.text.dropFirst(before.count) == "\r\u{1B}[Ksaved\n"
                + before.dropFirst().split(separator: "\u{1B}")[0])
        display.finish()
        #expect(screen.text.hasSuffix("\n"))
        let end = screen.text
        display.message("done")
        #expect(screen.text == end + "done\n")
    }

    @Test func aPipeGetsALineEveryThreeSecondsAndTheFirstAndLastAlways() {
        let screen = TestConsole()
        let display = ProgressDisplay(
            mode: .auto, total: 1_000, pairsPerStep: 100, console: screen.console(isTerminal: false))
        display.begin(at: 0)
        for step in 1...1_000 {
            screen.time += 0x1p-6
            display.update(step: step, loss: 1, isLogged: step % 50 == 0)
        }
        let steps = screen.text.split(separator: "\n").map { $0.split(separator: "/")[0] }
        #expect(steps == ["step 50", "step 250", "step 450", "step 650", "step 850", "step 1000"])
        #expect(!screen.text.contains("\r") && !screen.text.contains("\u{1B}"))
        #expect(screen.text.hasSuffix("step 1000/1000  loss 1.0000  6,400 pairs/s  in 0:16\n"))
    }

    @Test func modeNoneWritesOnlyMessages() {
        let screen = TestConsole()
        let display = ProgressDisplay(mode: .none, total: 2, pairsPerStep: 1, console: screen.console(isTerminal: true))
        display.begin(at: 0)
        screen.time = 5
        display.update(step: 2, loss: 1, isLogged: true)
        display.message("warning")
        display.finish()
        #expect(screen.text == "warning\n")
    }

    @Test func ratesOfAResumedRunCountFromItsStart() {
        let screen = TestConsole()
        let display = ProgressDisplay(
            mode: .plain, total: 1_100, pairsPerStep: 10, console: screen.console(isTerminal: true))
        display.begin(at: 1_000)
        screen.time = 5
        display.update(step: 1_050, loss: 1, isLogged: true)
        #expect(screen.text == "step 1050/1100  loss 1.0000  100 pairs/s  0:05 left\n")
    }

    @Test func aLineEndsWithTheFiguresOfTheLastEvaluation() {
        let screen = TestConsole()
        let display = ProgressDisplay(
            mode: .auto, total: 1_000, pairsPerStep: 10, console: screen.console(isTerminal: true))
        display.begin(at: 0)
        display.evaluated(["held-out loss 2.0213", "MRR 0.49810"])
        screen.time = 5
        display.update(step: 500, loss: 1, isLogged: true)
        let line = "500/1000  loss 1.0000  1,000 pairs/s  0:05 left  held-out loss 2.0213"
        // The line has 79 columns, so the last figure has no place.
        #expect(screen.text.hasPrefix("\r\(line)\u{1B}"), "\(screen.text)")
        screen.width = 120
        screen.time = 6
        display.update(step: 510, loss: 1, isLogged: true)
        #expect(screen.text.contains("held-out loss 2.0213  MRR 0.49810\u{1B}"))
    }
}
