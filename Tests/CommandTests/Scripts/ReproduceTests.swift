import CoupletSweeps
import Foundation
import FoundationXML
import TestSupport
import Testing

/// launch/reproduce trains the sweeps of a study and makes its page.
@Suite struct ReproduceTests {
    private let reproduce = "\(packageFolder)/launch/reproduce"

    /// Makes a study in the folder `study`, and returns its page, which must be valid and without gaps.
    private func page(of command: String, in folder: TemporaryFolder) throws -> String {
        let made = try ShellScript(command, in: folder.path)
        #expect(made.exitCode == 0, "\(made.output)")
        let page = try String(contentsOfFile: "\(folder.path)/study/report.html", encoding: .utf8)
        #expect(
            XMLParser(data: Data(page.utf8)).parse() && !page.contains("NaN") && !page.contains("class=\"warning\""))
        return page
    }

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

        // The figures of the page, as files of their own.
        let figures = try CoupletInvocation("study", "gaussian", "study", "--plots", "figures", in: folder.path)
        #expect(figures.exitCode == 0, "\(figures.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/figures")
        #expect(names.count == page.components(separatedBy: "<figure").count - 1)
        for name in names {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/figures/\(name)"))
            #expect(name.hasSuffix(".svg") && XMLParser(data: data).parse(), "\(name)")
        }

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

    @Test func smokeStudyOfTheOcean() throws {
        let folder = TemporaryFolder()
        let command = "\(reproduce) ocean --smoke --output study"
        let page = try self.page(of: command, in: folder)
        for text in [
            "Flows and tracks</h2>", "One side and both sides</h2>", "Error against batch size</h2>",
            "Encoders</h2>", "Drifters 1 and the flows that are found for them</h4>",
            "Posterior means given drifters 2</h4>", "Ranks: pCN, exact likelihood</h4>",
        ] { #expect(page.contains(text), "\(text)") }
        let figures = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/study/plots")
        #expect(figures.count == page.components(separatedBy: "<figure").count - 1)

        // The recall on the page is that of the command, which compares the run once more.
        let runs = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/study/assimilation/trials")
        let run = "study/assimilation/trials/\(try #require(runs.first))"
        let table = try CoupletInvocation(
            "study", "assimilate", run, "--output", "again.h5", "--gallery", "40", "--queries", "3", "--burn-in", "20",
            "--max-steps", "100", "--evidence-flows", "64", in: folder.path)
        #expect(table.exitCode == 0, "\(table.errors)")
        let learned = try #require(table.output.split(separator: "\n").first { $0.contains("  learned ") })
        let recall = try #require(learned.split(separator: " ").first { $0.contains(".") })
        #expect(page.contains(">learned</th>") || page.contains(", learned</th>"))
        #expect(page.contains(">\(recall)</td>"), "\(recall)")

        // A second start computes nothing, and the page is the same. Without a comparison there is no page.
        let comparison = "\(folder.path)/\(run)/assimilation.h5"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: comparison))
        #expect(try self.page(of: command, in: folder) == page)
        #expect(try Data(contentsOf: URL(fileURLWithPath: comparison)) == bytes)
        try FileManager.default.removeItem(atPath: comparison)
        let missing = try CoupletInvocation("study", "ocean", "study", "-o", "page.html", in: folder.path)
        #expect(missing.exitCode == 65 && missing.errors.contains("couplet study assimilate"), "\(missing.errors)")
    }

    /// Images of vertical bars, at a column that the digit determines.
    @Test func smokeStudyOfMNIST() throws {
        let folder = TemporaryFolder()
        for (part, count) in [300, 80].enumerated() {
            var images = IDXFile.header([count, 28, 28]), labels = IDXFile.header([count])
            for number in 0..<count {
                let digit = number % 10, height = 8 + number % 17
                for position in 0..<784 {
                    let isBar = (1 + 2 * digit...9 + 2 * digit).contains(position % 28) && position / 28 < height
                    images.append(isBar ? UInt8(120 + number % 100) : 0)
                }
                labels.append(UInt8(digit))
            }
            try folder.write("data/" + IDXFile.mnistNames[2 * part], images)
            try folder.write("data/" + IDXFile.mnistNames[2 * part + 1], labels)
        }
        let command = "\(reproduce) mnist --smoke --data data --output study"
        let page = try self.page(of: command, in: folder)
        for text in [
            "Images and labels</h2>", "Left halves and right halves</h2>", "Images given the label</h4>",
            "Retrieved right halves, given the left half</h4>", "Drawn left halves, given the right half</h4>",
            "Accuracy against the number of labels</h4>",
        ] { #expect(page.contains(text), "\(text)") }
        // The sweep's figure is the page's.
        let row = try #require(try SweepTable(folder: SweepFolder(path: "\(folder.path)/study/labels")).rows.first)
        let text = String(format: "%.2f", 100 * (row.metric ?? -1))
        #expect(page.contains(">\(text) %</td>"), "\(text)")
        // A second start trains nothing, and the page has the same bytes.
        #expect(try self.page(of: command, in: folder) == page)
    }

    /// Whether Debian's packages of the emoji study are installed: the study would install them.
    private static let hasEmoji = [
        "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", "/usr/share/unicode/cldr/common/annotations/en.xml",
        "/usr/lib/python3/dist-packages/PIL",
    ].allSatisfy { FileManager.default.fileExists(atPath: $0) }

    @Test(.enabled(if: hasEmoji)) func smokeStudyOfEmoji() throws {
        let folder = TemporaryFolder()
        let command = "\(reproduce) emoji --smoke --output study"
        let page = try self.page(of: command, in: folder)
        for text in [
            "Pictures and texts</h2>", "A vector for each picture</h2>",
            "Names and the pictures that they find</h4>", ">Cyrillic</th>", ">ja</th>",
        ] { #expect(page.contains(text), "\(text)") }
        // Names and keywords of the manifest, counted by another program: one query each.
        let counted = try ShellScript("grep -c -P '\\tname\\t' study/data/languages.tsv", in: folder.path)
        let count = counted.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(page.contains("<td>\(count)</td>"), "\(counted.output)")
        // A second start trains nothing, and the page has the same bytes.
        #expect(try self.page(of: command, in: folder) == page)
    }

    @Test func smokeStudyOfImagesAndTexts() throws {
        let folder = TemporaryFolder()
        let command = "\(reproduce) image-text --smoke --output study"
        let page = try self.page(of: command, in: folder)
        for text in [
            "A small convolutional encoder</h2>", "ResNet-18</h2>", ">color of the wall</th>", ">shape</th>",
            "Pictures that a sentence finds</h4>", "Sentences that a picture finds</h4>",
        ] { #expect(page.contains(text), "\(text)") }
        // A second start trains nothing, and the page has the same bytes.
        #expect(try self.page(of: command, in: folder) == page)
    }

    @Test func wrongUsage() throws {
        let folder = TemporaryFolder()
        for (arguments, said) in [
            (
                "gausian",
                "no study is called 'gausian'; there are emoji, gaussian, identifiability, "
                    + "image-text, mnist and ocean"
            ),
            ("gaussian --smoke --full", "exclude each other"), ("", "usage: launch/reproduce"),
            ("gaussian --ranks none", "--ranks: wanted a number"), ("gaussian --fast", "no option --fast"),
            ("gaussian --small", "has no size --small"), ("mnist", "needs its data"),
            ("mnist --data nowhere", "there is no folder nowhere"), ("gaussian --output", "--output needs a value"),
            ("gaussian --ranks 2 --launcher srun", "--ranks and --launcher exclude each other"),
            ("identifiability --set", "--set needs a value"),
        ] {
            let result = try ShellScript("\(reproduce) \(arguments)", in: folder.path)
            #expect(result.exitCode == 64 && result.output.contains(said), "\(arguments): \(result.output)")
        }
        let none = try CoupletInvocation("study", "gaussian", ".", "-o", "page.html", in: folder.path)
        #expect(none.exitCode == 74 && none.errors.contains("no sweep of the Gaussian study"), "\(none.errors)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/page.html"))
        let nowhere = try CoupletInvocation("study", "gaussian", ".", in: folder.path)
        #expect(nowhere.exitCode == 64 && nowhere.errors.contains("nowhere to write"), "\(nowhere.errors)")
    }
}
