import CoupletFiles
import CoupletWatch
import Foundation
import TestSupport
import Testing

/// The pictures of a run, from files of a run that the test writes.
@Suite struct RunFrameTests {
    private let folder = TemporaryFolder()
    private let start =
        "2026-01-01T00:00:00.000Z notice r: starts on 2 threads, 64 pairs a step in 16 shards\n"

    /// Writes a run with a loss that falls in a straight line from 5 to 1 at the steps 100, 200 … 500.
    private func writeRun() throws {
        try folder.write("config.yaml", "name: r\ntrain: {steps: 1000}\n")
        try folder.write("log.txt", start)
        var lines: [String] = []
        for number in 1...5 {
            lines.append(
                """
                {"step": \(number)00, "loss": \(6 - number), "learning_rate": 0.1, "gradient_norm": null, \
                "temperature": 1, "pairs_per_second": 1234.5, "seconds": \(number).0}
                """)
        }
        for (step, rank, loss) in [(300, "0.5", 2), (500, "0.25", 3)] {
            lines.append(
                """
                {"step": \(step), "split": "held_out", "evaluation": {"retrieval": {"mean_reciprocal_rank": \(rank)}, \
                "loss": {"mean": \(loss)}}, "seconds": 3}
                """)
        }
        try folder.write("metrics.jsonl", lines.map { $0 + "\n" }.joined())
    }

    private func frame(_ width: Int = 80, _ height: Int = 24, isUnicode: Bool = false) throws -> [String] {
        var watched = try WatchedFolder(folder.path)
        try watched.update()
        return watched.lines(width: width, height: height, isUnicode: isUnicode)
    }

    @Test(arguments: [(80, 24), (40, 10), (200, 60), (24, 8), (10, 3), (1, 1)], [false, true])
    func everyPictureFitsItsWindow(size: (width: Int, height: Int), isUnicode: Bool) throws {
        try writeRun()
        let lines = try frame(size.width, size.height, isUnicode: isUnicode)
        #expect(lines.count <= size.height)
        #expect(lines.allSatisfy { $0.count <= size.width })
        #expect(isUnicode || lines.allSatisfy { $0.utf8.allSatisfy { (32..<127).contains($0) } })
        #expect(!lines[0].isEmpty)
    }

    /// A straight line from the upper left corner to the lower right one, with the labels of both axes.
    @Test func aCurveIsDrawnWithItsAxes() throws {
        try writeRun()
        // One panel of five lines: its plot has 30 columns and 3 rows of cells, so 6 rows of dots.
        let header = try #require(frame(40, 60).firstIndex { $0.hasPrefix("best ") }) + 1
        let panel = try frame(40, header + 5).dropFirst(header).map { line in
            String(line.reversed().drop { $0 == " " }.reversed())
        }
        #expect(
            panel == [
                "loss  1",
                "        5|''''.......",
                "         |           ''''''....",
                "        1|                     '''''....",
                "     step+ 100----------------------500",
            ])
    }

    @Test func theFiguresAreThoseOfTheFiles() throws {
        try writeRun()
        let text = try frame(120, 30).joined(separator: "\n")
        #expect(text.contains("step 500/1000  50 %  loss 1.0000  1,235 pairs/s"))
        #expect(text.contains("best MRR 0.50000  at step 300  held-out"))
        #expect(text.contains("held-out MRR  0.25") && text.contains("held-out loss  3"))
        // A curve without any finite value is left out.
        #expect(!text.contains("gradient norm"))
    }

    // MARK: - States

    /// The state as words after the name, with the lines joined.
    private func state() throws -> String { try frame(2_000, 1)[0] }

    @Test func aRunningRunHasTheLockAndATimeLeft() throws {
        try folder.write("config.yaml", "train: {steps: 1000}\n")
        let lock = try FolderLock(folder.path)
        try withExtendedLifetime(lock) {
            #expect(try state().hasSuffix(": starting: it has not begun to train"))
            try folder.write("log.txt", start)
            #expect(try state().hasSuffix(": running: no step is logged yet"))
            try writeRun()
            // 100 steps a second of which 500 are left, at most a second ago.
            let text = try frame(200, 30)
            #expect(text[0].hasSuffix(": running"))
            #expect(text[1].hasSuffix("0:05 left") || text[1].hasSuffix("0:04 left"))
        }
    }

    @Test func anEndedRunSaysHowItEndedAndHowToResume() throws {
        try writeRun()
        #expect(try state().contains("was killed") && state().contains("--resume starts it again"))
        let line = "2026-01-01T00:00:09.000Z "
        try folder.write("log.txt", start + line + "error step 7: the loss is nan\n")
        #expect(try state().contains("failed: step 7: the loss is nan") && state().contains("--resume"))
        try folder.write("log.txt", start + line + "notice SIGTERM: stopped and saved after step 500; the same\n")
        #expect(try state().contains("SIGTERM: stopped and saved after step 500"))
        try folder.write("log.txt", start + line + "notice r: done after step 500, 3.0 s\n")
        #expect(try state().hasSuffix(": done"))
        // A later start counts, not the end before it.
        try folder.write("log.txt", start + line + "notice r: done after step 500, 3.0 s\n" + start)
        #expect(try state().contains("was killed"))
    }

    /// A run that is being written: lines appear, the last one may be incomplete, and a resume removes lines.
    @Test func linesAreReadAsTheyAreWritten() throws {
        try writeRun()
        var watched = try WatchedFolder(folder.path)
        func step() throws -> Substring? {
            try watched.update()
            return watched.lines(width: 300, height: 3, isUnicode: false)[1].split(separator: "/").first
        }
        #expect(try step() == "step 500")
        let whole = try folder.text(of: "metrics.jsonl")
        let line = #"{"step": 600, "loss": 1, "pairs_per_second": 5, "seconds": 6}"#
        func append(_ text: String) throws {
            let handle = try #require(FileHandle(forWritingAtPath: folder.file("metrics.jsonl")))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(text.utf8))
        }
        try append(String(line.prefix(20)))
        #expect(try step() == "step 500")
        try append(line.dropFirst(20) + "\n")
        #expect(try step() == "step 600")
        // A resume from step 400.
        let handle = try #require(FileHandle(forWritingAtPath: folder.file("metrics.jsonl")))
        let kept = whole.split(separator: "\n").prefix(4).joined(separator: "\n").utf8.count + 1
        try handle.truncate(atOffset: UInt64(kept))
        #expect(try step() == "step 400")
    }

    // MARK: - Errors

    @Test func aFolderThatIsNeitherARunNorASweepIsAnError() throws {
        func reason(_ path: String) throws -> String {
            try #require(throws: FileError.self) { try WatchedFolder(path) }.description
        }
        #expect(try reason(folder.file("none")).contains("no such run or sweep"))
        try folder.write("file", "x")
        #expect(try reason(folder.file("file")).contains("a file, not the folder"))
        #expect(try reason(folder.path).contains("neither a run nor a sweep"))
    }
}
