import CoupletFiles
import CoupletTraining
import Glibc
import Logging
import Synchronization
import Testing

/// A folder of a test's own, removed after it.
final class ReportingFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/couplet-reporting-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit { _ = system("rm -rf '\(path)'") }

    func exists(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

    func write(_ name: String, _ text: String) {
        let file = fopen("\(path)/\(name)", "w")
        fputs(text, file)
        fclose(file)
    }

    func read(_ name: String) -> String {
        guard let file = fopen("\(path)/\(name)", "r") else { return "" }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        return String(decoding: buffer[..<fread(&buffer, 1, buffer.count, file)], as: UTF8.self)
    }
}

@Suite struct RunFolderTests {
    private func example() throws -> Configuration {
        try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml")
    }

    @Test func makesTheFolderAndThoseAroundIt() throws {
        let folder = try ReportingFolder()
        let run = RunFolder(path: "\(folder.path)/a/b/")
        #expect(!run.holdsRun)
        try run.prepare(.refuse)
        #expect(run.path == "\(folder.path)/a/b")
        #expect(folder.exists("a/b/checkpoints"))
        // An empty folder is no run yet: a start that failed early can be repeated.
        try run.prepare(.refuse)
        try run.store(try example())
        #expect(run.holdsRun)
        #expect(try run.storedConfiguration() == example())
        #expect(RunFolder(path: nil, name: "x").path == "runs/x")
    }

    @Test func refusesARunThatIsThereAndNamesBothOptions() throws {
        let folder = try ReportingFolder()
        let run = RunFolder(path: folder.path)
        try run.prepare(.refuse)
        try run.store(try example())
        let error = try #require(throws: FileError.self) { try run.prepare(.refuse) }
        #expect(error.description.contains("--resume") && error.description.contains("--overwrite"))
        try run.prepare(.resume)
        #expect(run.holdsRun)
    }

    @Test func overwritingRemovesWhatARunConsistsOfAndNothingElse() throws {
        let folder = try ReportingFolder()
        let run = RunFolder(path: folder.path)
        try run.prepare(.refuse)
        try run.store(try example())
        let own = [
            "metrics.jsonl", "log.txt", "evaluation.json", "checkpoints/step-00000500.h5",
            "checkpoints/step-00000400.h5.damaged",
            "checkpoints/.step-00000600.h5.host.12.partial", ".config.yaml.host.12.partial",
        ]
        let foreign = ["notes.txt", "checkpoints/mine.h5", "metrics.jsonl.old", ".hidden.partial"]
        for name in own + foreign { folder.write(name, "x") }
        try run.prepare(.overwrite)
        for name in own + ["config.yaml"] { #expect(!folder.exists(name), "\(name)") }
        for name in foreign { #expect(folder.exists(name), "\(name)") }
        #expect(!run.holdsRun)
    }

    @Test func aPathThatIsNoFolderOrNoRunIsAClearError() throws {
        let folder = try ReportingFolder()
        folder.write("file", "x")
        #expect(
            try #require(throws: FileError.self) { try RunFolder(path: "\(folder.path)/file/run").prepare(.refuse) }
                .kind == .inputOutput)
        #expect(
            try #require(throws: FileError.self) { try RunFolder(path: "\(folder.path)/none").storedConfiguration() }
                .reason == "no such run")
        #expect(
            try #require(throws: FileError.self) { try RunFolder(path: folder.path).storedConfiguration() }.reason
                .contains("config.yaml"))
    }
}

@Suite struct MetricsTests {
    private func record(_ step: Int) -> MetricsRecord {
        MetricsRecord(
            step: step, loss: 0.1 + 0.2, learningRate: 1e-5, gradientNorm: .infinity, temperature: .nan,
            pairsPerSecond: 181_024.5, seconds: 1.0 / 3)
    }

    @Test func aRecordIsOneLineOfJSONWhoseNumbersRoundTrip() {
        #expect(
            record(50).json
                == #"{"step": 50, "loss": 0.30000000000000004, "learning_rate": 1e-05, "gradient_norm": null, "temperature": null, "pairs_per_second": 181024.5, "seconds": 0.3333333333333333}"#
        )
    }

    @Test func resumingDropsLaterRecordsAndAnUnfinishedLine() throws {
        let folder = try ReportingFolder()
        let first = try MetricsFile(path: "\(folder.path)/m", after: 0)
        for step in [50, 100, 150] { try first.append(record(step)) }
        folder.write("m", folder.read("m") + #"{"step": 20"#)
        let resumed = try MetricsFile(path: "\(folder.path)/m", after: 100)
        try resumed.append(record(101))
        #expect(folder.read("m") == [50, 100, 101].map { record($0).json + "\n" }.joined())
    }
}

/// A screen of one test, with a clock of its own.
final class TestSurface: Sendable {
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

    func surface(isTerminal: Bool) -> ProgressDisplay.Console {
        .init(
            write: { text in self.state.withLock { $0.text += text } }, isTerminal: isTerminal, width: { self.width },
            now: { self.time })
    }
}

@Suite struct ProgressDisplayTests {
    @Test func onATerminalOneLineIsRedrawnAtMostTenTimesASecond() {
        let screen = TestSurface()
        let display = ProgressDisplay(
            mode: .auto, total: 1_000, pairsPerStep: 2_000, surface: screen.surface(isTerminal: true))
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
        let screen = TestSurface()
        let display = ProgressDisplay(
            mode: .auto, total: 1_000, pairsPerStep: 2_000, surface: screen.surface(isTerminal: true))
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

    @Test func messagesEraseTheLineAndItComesBack() {
        let screen = TestSurface()
        let display = ProgressDisplay(
            mode: .auto, total: 10, pairsPerStep: 1, surface: screen.surface(isTerminal: true))
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

    @Test func onAPipeLinesComeNowAndThenAndTheFirstAndLastAlways() {
        let screen = TestSurface()
        let display = ProgressDisplay(
            mode: .auto, total: 1_000, pairsPerStep: 100, surface: screen.surface(isTerminal: false))
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

    @Test func withNoneOnlyMessagesAreWritten() {
        let screen = TestSurface()
        let display = ProgressDisplay(mode: .none, total: 2, pairsPerStep: 1, surface: screen.surface(isTerminal: true))
        display.begin(at: 0)
        screen.time = 5
        display.update(step: 2, loss: 1, isLogged: true)
        display.message("warning")
        display.finish()
        #expect(screen.text == "warning\n")
    }

    @Test func ratesCountFromWhereARunGoesOn() {
        let screen = TestSurface()
        let display = ProgressDisplay(
            mode: .plain, total: 1_100, pairsPerStep: 10, surface: screen.surface(isTerminal: true))
        display.begin(at: 1_000)
        screen.time = 5
        display.update(step: 1_050, loss: 1, isLogged: true)
        #expect(screen.text == "step 1050/1100  loss 1.0000  100 pairs/s  0:05 left\n")
    }
}

@Suite struct RunLogTests {
    @Test func eventsGoToTheFileAndWeightyOnesToTheScreen() throws {
        let folder = try ReportingFolder()
        let screen = TestSurface()
        let display = ProgressDisplay(
            mode: .none, total: 1, pairsPerStep: 1, surface: screen.surface(isTerminal: false))
        let logger = RunLogHandler.logger(file: try LineFile("\(folder.path)/log.txt"), display: display)
        logger.debug("too small")
        logger.info("saved", metadata: ["step": "500"])
        logger.notice("done")
        logger.warning("slow\ndisk")
        logger.error("no space")
        #expect(screen.text == "done\ncouplet: warning: slow\ndisk\ncouplet: no space\n")
        let lines = folder.read("log.txt").split(separator: "\n")
        #expect(
            lines.map { $0.drop { $0 != " " } } == [
                " info saved step=500", " notice done", " warning slow | disk", " error no space",
            ])
        for line in lines {
            let time = line.prefix { $0 != " " }
            #expect(time.count == 24 && time.hasSuffix("Z") && time.dropFirst(10).first == "T", "\(time)")
        }
    }
}
