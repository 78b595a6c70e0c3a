import Foundation
import FoundationXML
import TestSupport
import Testing

@Suite struct ReportCommandTests {
    @Test func twoRunsInOnePage() throws {
        let folder = TemporaryFolder()
        try folder.write(
            "c.yaml",
            TrainingFolder.tinyGaussian(steps: 12).replacingOccurrences(of: "{steps:", with: "{log_every: 2, steps:"))
        for (run, rate) in [("slow", "0.001"), ("fast", "0.01")] {
            let result = try CoupletInvocation(
                "train", "c.yaml", "--set", "optimizer.learning_rate=\(rate)", "--output", run, "--progress", "none",
                in: folder.path)
            #expect(result.exitCode == 0, "\(result.errors)")
        }
        let result = try CoupletInvocation(
            "report", "slow", "fast", "-o", "report.html", "--plots", "plots/of both", in: folder.path)
        #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
        let plots = ["loss", "gradient_norm", "learning_rate", "pairs_per_second", "gaussian-singular_values"].map {
            "plots/of both/\($0).svg"
        }
        #expect(result.output.split(separator: "\n").dropFirst(2).map(String.init) == plots)
        #expect(result.output.contains("report_runs: 2 pages, "), "\(result.output)")

        let page = try String(contentsOfFile: "\(folder.path)/report.html", encoding: .utf8)
        for file in ["report.html"] + plots {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(file)"))
            #expect(XMLParser(data: data).parse(), "\(file)")
        }
        for run in ["slow", "fast"] {
            let inspected = try CoupletInvocation("inspect", run, "--json", in: folder.path)
            let digest = try #require(try inspected.json()["digest"] as? String)
            #expect(page.contains("title=\"\(digest)\"") && page.contains("<summary>\(run)</summary>"))
        }
        #expect(page.contains(">optimizer.learning_rate</th><td>0.001</td><td>0.01</td>"))
        #expect(page.contains("2 runs") && page.contains("threads") || page.contains("1 worker"))

        // The rows link to a page of each run, which links back, also where the folder has moved.
        #expect(page.contains("<a href=\"report_runs/slow.html\">slow</a>"))
        let single = try String(contentsOfFile: "\(folder.path)/report_runs/slow.html", encoding: .utf8)
        #expect(XMLParser(data: Data(single.utf8)).parse() && single.contains("<h1>Run slow</h1>"))
        #expect(single.contains("<a href=\"../report.html\">2 runs</a>"))

        // The same folders give the same bytes.
        #expect(
            try CoupletInvocation(
                "report", "slow", "fast", "--output", "other/report.html", in: folder.path
            ).exitCode == 74)
        try FileManager.default.createDirectory(atPath: "\(folder.path)/other", withIntermediateDirectories: false)
        #expect(
            try CoupletInvocation("report", "slow", "fast", "--output", "other/report.html", in: folder.path).exitCode
                == 0)
        for file in ["report.html", "report_runs/slow.html", "report_runs/fast.html"] {
            #expect(
                try String(contentsOfFile: "\(folder.path)/other/\(file)", encoding: .utf8)
                    == String(contentsOfFile: "\(folder.path)/\(file)", encoding: .utf8))
        }

        // One file alone on request.
        let alone = try CoupletInvocation(
            "report", "slow", "fast", "--no-run-pages", "--output", "alone.html", in: folder.path)
        #expect(alone.exitCode == 0 && !FileManager.default.fileExists(atPath: "\(folder.path)/alone_runs"))
        #expect(try !String(contentsOfFile: "\(folder.path)/alone.html", encoding: .utf8).contains("alone_runs"))
    }

    @Test func errors() throws {
        let folder = TemporaryFolder()
        let missing = try CoupletInvocation("report", "none", "-o", "r.html", in: folder.path)
        #expect(missing.exitCode == 74 && missing.errors.contains("none: no such folder"), "\(missing.errors)")
        let other = try CoupletInvocation("report", ".", "-o", "r.html", in: folder.path)
        #expect(other.exitCode == 74 && other.errors.contains(".: neither a run nor a sweep"), "\(other.errors)")
        let nowhere = try CoupletInvocation("report", ".", in: folder.path)
        #expect(nowhere.exitCode == 64 && nowhere.errors.contains("nowhere to write"), "\(nowhere.errors)")
        #expect(try CoupletInvocation("report", "-o", "r.html", in: folder.path).exitCode == 64)
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/r.html"))
    }
}
