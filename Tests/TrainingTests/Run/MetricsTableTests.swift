import CoupletFiles
import CoupletText
import CoupletTraining
import TestSupport
import Testing

/// `metrics.csv` is `metrics.jsonl` as a table, whenever its lines are written.
@Suite struct MetricsTableTests {
    private let folder = TemporaryFolder()
    private func logged(_ step: Int) -> String {
        """
        {"step": \(step), "loss": 0.30000000000000004, "learning_rate": 1e-05, "gradient_norm": null, \
        "temperature": 1.0, "pairs_per_second": 10.5, "seconds": \(step).5}
        """
    }

    private func evaluated(_ step: Int, _ more: String) -> String {
        """
        {"step": \(step), "split": "validation", "evaluation": {"loss": {"mean": 2.5, "name": "x"}\(more)}, \
        "seconds": 9.0}
        """
    }

    private func append(_ lines: [String], to table: inout MetricsTable) throws {
        let file = try LineFile(folder.file("metrics.jsonl"))
        for line in lines {
            try file.append(line)
            try table.append(#require(JSONValue(text: line)))
        }
    }

    private func table() throws -> MetricsTable {
        try MetricsTable(path: folder.file("metrics.csv"), metrics: folder.file("metrics.jsonl"))
    }

    @Test func oneRowAStepAndColumnsThatAppearLater() throws {
        var table = try table()
        let head = "step,loss,learning_rate,gradient_norm,temperature,pairs_per_second,seconds"
        #expect(try folder.text(of: "metrics.csv") == head + "\n")
        try append([logged(10), logged(20), evaluated(20, ""), evaluated(25, "")], to: &table)
        func row(_ step: Int) -> String { "\(step),0.30000000000000004,1e-05,,1.0,10.5,\(step).5" }
        #expect(
            try folder.text(of: "metrics.csv")
                == "\(head),validation.loss.mean\n\(row(10)),\n\(row(20)),2.5\n25,,,,,,9.0,2.5\n")
        // A step that is evaluated completes its row; another column makes the table anew.
        try append([logged(30), evaluated(30, ""), logged(40), evaluated(40, #", "extra": 7"#)], to: &table)
        let rows = ["\(row(10)),,", "\(row(20)),2.5,", "25,,,,,,9.0,2.5,", "\(row(30)),2.5,", "\(row(40)),2.5,7"]
        let expected = ([head + ",validation.loss.mean,validation.extra"] + rows).map { $0 + "\n" }.joined()
        #expect(try folder.text(of: "metrics.csv") == expected)
        // The start of a resumed run makes the same table from the lines.
        _ = try self.table()
        #expect(try folder.text(of: "metrics.csv") == expected)
        #expect(CSV.records(expected).allSatisfy { $0.count == 9 })
    }

    @Test func aResumeDropsTheRowsOfLaterSteps() throws {
        var table = try table()
        try append([logged(10), logged(20), logged(30)], to: &table)
        _ = try MetricsFile(path: folder.file("metrics.jsonl"), after: 20)
        table = try self.table()
        try append([logged(40)], to: &table)
        #expect(CSV.records(try folder.text(of: "metrics.csv")).map { $0[0] } == ["step", "10", "20", "40"])
    }
}
