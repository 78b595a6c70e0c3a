import CoupletSweeps
import Foundation
import FoundationXML
import TestSupport
import Testing

/// launch/reproduce trains the sweeps of a study and makes its page.
@Suite struct ReproduceTests {
    private let reproduce = "\(packageFolder)/launch/reproduce"

    @Test func smokeStudyOfGaussians() throws {
        let folder = TemporaryFolder()
        let first = try ShellScript("\(reproduce) gaussian --smoke --output study", in: folder.path)
        #expect(first.exitCode == 0, "\(first.output)")
        let file = "\(folder.path)/study/report.html"
        #expect(XMLParser(data: try Data(contentsOf: URL(fileURLWithPath: file))).parse())
        let page = try String(contentsOfFile: file, encoding: .utf8)
        for heading in [
            "Error against batch size", "Every loss with every similarity", "Error against rank",
            "Error against weights", "Mutual information", "Hard inputs",
        ] { #expect(page.contains(">\(heading)</h2>"), "\(heading)") }
        #expect(!page.contains("class=\"warning\"") && !page.contains("NaN"))

        // The slope on the page, recomputed from the sweep's table.
        let table = try SweepTable(folder: SweepFolder(path: "\(folder.path)/study/batch"))
        let points = Dictionary(grouping: table.rows) { $0.values[0] }.map { size, rows in
            (x: log(Double(size) ?? 0), y: log(rows.compactMap(\.metric).reduce(0, +) / Double(rows.count)))
        }
        #expect(points.count == 3)
        let meanX = points.map(\.x).reduce(0, +) / 3, meanY = points.map(\.y).reduce(0, +) / 3
        let slope =
            points.map { ($0.x - meanX) * ($0.y - meanY) }.reduce(0, +)
            / points.map { ($0.x - meanX) * ($0.x - meanX) }.reduce(0, +)
        let text = String(format: "%.2f", slope).replacingOccurrences(of: "-", with: "−")
        #expect(page.contains("Measured: slope \(text) ±"), "\(text)")

        // A second start trains nothing, and the page is the same.
        let rows = try String(contentsOfFile: "\(folder.path)/study/batch/sweep.csv", encoding: .utf8)
        let again = try ShellScript("\(reproduce) gaussian --smoke --output study", in: folder.path)
        #expect(again.exitCode == 0, "\(again.output)")
        #expect(try String(contentsOfFile: "\(folder.path)/study/batch/sweep.csv", encoding: .utf8) == rows)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == page)

        // Another size of the study is refused in the same folder.
        let other = try ShellScript("\(reproduce) gaussian --output study", in: folder.path)
        #expect(other.exitCode == 65 && other.output.contains("not the one that was started here"), "\(other.output)")
    }

    @Test func smokeStudyOfIdentifiability() throws {
        let folder = TemporaryFolder()
        let begun = try ShellScript(
            "\(reproduce) identifiability --smoke --output study --ranks=1 --set=threads_per_trial=1", in: folder.path)
        #expect(begun.exitCode == 0, "\(begun.output)")
        let rows = try SweepTable(folder: SweepFolder(path: "\(folder.path)/study/table")).rows
        // Four kinds of latents, two probabilities of a change, two seeds.
        #expect(rows.count == 16 && rows.allSatisfy { $0.status == .done })
        let page = try String(contentsOfFile: "\(folder.path)/study/report.html", encoding: .utf8)
        #expect(XMLParser(data: Data(page.utf8)).parse() && !page.contains("NaN"))
        for heading in ["Which factors are found", "Encodings of other sizes", "Styles that seldom change"] {
            #expect(page.contains(">\(heading)</h2>"), "\(heading)")
        }

        // The first figure on the page, recomputed from the sweep's table: the metric for independent latents whose
        // style always changes.
        let scores = rows.filter {
            $0.trial.contains("statistical_dependence=false") && $0.trial.contains("causal_dependence=false")
                && $0.trial.contains("=1.0_")
        }
        .compactMap(\.metric)
        #expect(scores.count == 2)
        let mean = scores.reduce(0, +) / 2, deviation = abs(scores.reduce(0) { $1 - $0 }) / 2.0.squareRoot()
        let text = String(format: "%.3f ± %.3f", mean, deviation).replacingOccurrences(of: "-", with: "−")
        #expect(page.contains(">\(text) ≠ 1</td>"), "\(text)")

        // A deleted sweep is trained again; the others do not change.
        try FileManager.default.removeItem(atPath: "\(folder.path)/study/encoding_size")
        let results = try String(contentsOfFile: "\(folder.path)/study/table/results.jsonl", encoding: .utf8)
        let again = try ShellScript("\(reproduce) identifiability --smoke --output study", in: folder.path)
        #expect(again.exitCode == 0, "\(again.output)")
        #expect(try String(contentsOfFile: "\(folder.path)/study/table/results.jsonl", encoding: .utf8) == results)
        #expect(try SweepTable(folder: SweepFolder(path: "\(folder.path)/study/encoding_size")).rows.count == 3)
    }

    @Test func wrongUsage() throws {
        let folder = TemporaryFolder()
        for (arguments, said) in [
            ("gausian", "no study is called 'gausian'; there are gaussian and identifiability"),
            ("gaussian --smoke --full", "exclude each other"), ("", "usage: launch/reproduce"),
            ("gaussian --ranks none", "--ranks: wanted a number"), ("gaussian --fast", "no option --fast"),
            ("gaussian --output", "--output needs a value"),
            ("gaussian --ranks 2 --launcher srun", "--ranks and --launcher exclude each other"),
            ("identifiability --set", "--set needs a value"),
        ] {
            let result = try ShellScript("\(reproduce) \(arguments)", in: folder.path)
            #expect(result.exitCode == 64 && result.output.contains(said), "\(arguments): \(result.output)")
        }
        let none = try CoupletInvocation("study", "gaussian", ".", "-o", "page.html", in: folder.path)
        #expect(none.exitCode == 74 && none.errors.contains("no sweep of the Gaussian study"), "\(none.errors)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/page.html"))
    }
}
