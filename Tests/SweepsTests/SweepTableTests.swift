import CoupletFiles
import CoupletSweeps
import CoupletText
import Foundation
import TestSupport
import Testing

@Suite struct SweepTableTests {
    private let rows = [
        SweepRow(
            trial: "001", status: .done, values: ["0.1", "{kind: mlp, widths: [3, 4]}"], metric: 0.1 + 0.2,
            chosenOn: .validation, test: 1 / 3, digest: "ab", steps: 10, seconds: 1.5, reason: ""),
        SweepRow(
            trial: "002", status: .failed, values: ["0.2", "a \"b\",\nc"], metric: nil, digest: "", steps: nil,
            seconds: 0.25, reason: "no, \"never\""),
        SweepRow(
            trial: "003", status: .done, values: ["0.3", ""], metric: .leastNonzeroMagnitude, digest: "cd", steps: 10,
            seconds: 2, reason: ""),
        SweepRow(
            trial: "004", status: .waiting, values: ["-0.4", "ü"], metric: nil, digest: "", steps: nil, seconds: nil,
            reason: ""),
    ]

    @Test func tablesReadBackAsTheyWereWritten() throws {
        let file = try SweepFile()
        _ = try file.write(
            "base: base.yaml\nvary: {optimizer.learning_rate: [0.1], encoders.first: [a]}\n"
                + "metric: a.b\ngoal: minimize\n")
        let table = SweepTable(
            name: "sweep", keys: ["optimizer.learning_rate", "encoders.first"], metric: "a.b", goal: .minimize,
            rows: rows)
        try file.folder.write("sweep.csv", table.csv)
        #expect(try SweepTable(folder: SweepFolder(path: file.folder.path)) == table)
        #expect(
            table.csv.hasPrefix(
                "trial,status,optimizer.learning_rate,encoders.first,a.b,digest,steps,seconds,reason,chosen_on,"
                    + "test.a.b\n001,done,0.1,\"{kind"))
        #expect(table.ranked.map(\.trial) == ["003", "001"])
        #expect(table.text.contains("a.b (validation)     test  steps"), "\(table.text)")
        // A table of an earlier version has no columns of test pairs.
        try file.folder.write(
            "sweep.csv",
            CSV.records(table.csv).map { CSV.line(Array($0.dropLast(2))) + "\n" }.joined())
        let former = try SweepTable(folder: SweepFolder(path: file.folder.path))
        #expect(former.rows.map(\.metric) == table.rows.map(\.metric))
        #expect(former.rows.allSatisfy { $0.chosenOn == nil && $0.test == nil })
        #expect(table.text.contains("2 of 4 trials done") && table.text.contains("002: no, \"never\""))
    }

    /// A spreadsheet would run such cells.
    @Test func cellsThatLookLikeFormulasAreText() throws {
        let row = SweepRow(
            trial: "001", status: .failed, values: ["=cmd|' /C calc'!A0", "-1.5"], metric: -2, digest: "", steps: nil,
            seconds: nil, reason: "@SUM(1)")
        let table = SweepTable(name: "s", keys: ["a", "b"], metric: "m", goal: .maximize, rows: [row])
        #expect(table.csv.hasSuffix("\n001,failed,'=cmd|' /C calc'!A0,-1.5,-2.0,,,,'@SUM(1),,\n"), "\(table.csv)")
        #expect(
            CSV.records(table.csv).last == ["001", "failed"] + row.values + ["-2.0", "", "", "", row.reason, "", ""])
    }

    /// The csv module of Python reads the same cells.
    @Test func pythonReadsTheSameCells() throws {
        let table = SweepTable(name: "s", keys: ["a", "b"], metric: "m", goal: .maximize, rows: rows)
        let file = try SweepFile()
        let path = try file.folder.write("t.csv", table.csv)
        guard Python.hasPython else {
            return print("There is no python3, so only Couplet reads the table back.")
        }
        let program = "import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline='')))))"
        let output = try Python.run(program, path)
        #expect(try JSONDecoder().decode([[String]].self, from: Data(output.utf8)) == CSV.records(table.csv))
    }

    @Test func aFolderWithoutASweepIsAnError() throws {
        let error = #expect(throws: FileError.self) { try SweepTable(folder: SweepFolder(path: "/nowhere")) }
        #expect("\(try #require(error))".contains("not a sweep"))
    }
}
