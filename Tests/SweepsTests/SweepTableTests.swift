import CoupletFiles
import CoupletSweeps
import CoupletText
import Foundation
import Testing

@Suite struct SweepTableTests {
    private let rows = [
        SweepRow(
            trial: "001", status: .done, values: ["0.1", "{kind: mlp, widths: [3, 4]}"], metric: 0.1 + 0.2,
            digest: "ab", steps: 10, seconds: 1.5, reason: ""),
        SweepRow(
            trial: "002", status: .failed, values: ["0.2", "a \"b\",\nc"], metric: nil, digest: "", steps: nil,
            seconds: 0.25, reason: "no, \"never\""),
        SweepRow(
            trial: "003", status: .done, values: ["0.3", ""], metric: .leastNonzeroMagnitude, digest: "cd", steps: 10,
            seconds: 2, reason: ""),
        SweepRow(
            trial: "004", status: .waiting, values: ["0.4", "ü"], metric: nil, digest: "", steps: nil, seconds: nil,
            reason: ""),
    ]

    @Test func whatIsWrittenReadsBack() throws {
        let file = try SweepFile()
        _ = try file.write(
            "base: base.yaml\nvary: {optimizer.learning_rate: [0.1], encoders.first: [a]}\nmetric: a.b\ngoal: minimize\n"
        )
        let table = SweepTable(
            name: "sweep", keys: ["optimizer.learning_rate", "encoders.first"], metric: "a.b", goal: .minimize,
            rows: rows)
        try table.csv.write(toFile: "\(file.folder)/sweep.csv", atomically: true, encoding: .utf8)
        #expect(try SweepTable(folder: SweepFolder(path: file.folder)) == table)
        #expect(
            table.csv.hasPrefix(
                "trial,status,optimizer.learning_rate,encoders.first,a.b,digest,steps,seconds,reason\n001,done,0.1,\"{kind"
            ))
        #expect(table.ranked.map(\.trial) == ["003", "001"])
        #expect(table.text.contains("2 of 4 trials done") && table.text.contains("002: no, \"never\""))
    }

    /// Python's csv module reads the same cells.
    @Test func othersReadTheTableToo() throws {
        let table = SweepTable(name: "s", keys: ["a", "b"], metric: "m", goal: .maximize, rows: rows)
        let file = try SweepFile()
        try table.csv.write(toFile: "\(file.folder)/t.csv", atomically: true, encoding: .utf8)
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = [
            "python3", "-c",
            "import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline='')))))",
            "\(file.folder)/t.csv",
        ]
        let pipe = Pipe()
        python.standardOutput = pipe
        try python.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        python.waitUntilExit()
        guard python.terminationStatus == 0 else {
            return print("There is no python3: the table is read back by Couplet alone.")
        }
        #expect(try JSONDecoder().decode([[String]].self, from: output) == CSV.records(table.csv))
    }

    @Test func aFolderWithoutASweepIsAnError() throws {
        let error = #expect(throws: FileError.self) { try SweepTable(folder: SweepFolder(path: "/nowhere")) }
        #expect("\(try #require(error))".contains("no sweep"))
    }

    /// A line that a kill cut short is dropped; of two results of one step the later one holds.
    @Test func resultsSurviveAKill() throws {
        let file = try SweepFile(), path = "\(file.folder)/results.jsonl"
        let one = TrialResult(trial: "001", steps: 5, metric: 0.1 + 0.2, digest: "d", seconds: 1),
            two = TrialResult.failed("002", steps: 5, seconds: 1, reason: "a\nb")
        let again = TrialResult(trial: "002", steps: 5, metric: -3, digest: "e", seconds: 2)
        do {
            let results = try ResultsFile(path: path)
            for result in [one, two, again] { try results.append(result) }
        }
        let whole = try String(contentsOfFile: path, encoding: .utf8)
        try (whole + "{\"trial\": \"003\", \"ste").write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try ResultsFile(path: path).read() == [one, again])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == whole)
    }

    @Test func messagesArriveAsTheyWereSent() {
        let result = TrialResult(trial: "001", steps: 5, metric: 1 / 3, digest: "d", seconds: 0.1)
        for request in [
            SlotRequest.next(nil), .next(result), .pulse(isStopRequested: true), .pulse(isStopRequested: false),
        ] {
            #expect(SlotRequest(request.bytes) == request)
        }
        for reply in [SlotReply.run(3, steps: 700), .wait, .finished] { #expect(SlotReply(reply.bytes) == reply) }
    }
}
