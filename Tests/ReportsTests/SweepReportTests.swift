import CoupletReports
import Foundation
import TestSupport
import Testing

@Suite struct SweepReportTests {
    /// error = 2 · size^(-1/2) · (1 ± 0.1 by seed), for two similarities; one trial failed, one waits.
    private static func folder() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        var lines =
            "trial,status,batch.size,objective.similarity,seed,gaussian.coupling_error,digest,steps,seconds,reason\n"
        var number = 0
        for size in [256, 512, 1_024, 2_048] {
            for similarity in ["cosine", "quadratic"] {
                for seed in [1, 2] {
                    number += 1
                    let name = "\(1_000 + number)_size=\(size)"
                    let error = 2 / Double(size).squareRoot() * (seed == 1 ? 0.9 : 1.1)
                    if number == 3 {
                        let reason = "\"a <reason>, with \"\"quotes\"\"\nand a second line\""
                        lines += "\(name),failed,\(size),\(similarity),\(seed),,,,0.5,\(reason)\n"
                    } else if number == 4 {
                        lines += "\(name),waiting,\(size),\(similarity),\(seed),,,,,\n"
                    } else {
                        lines += "\(name),done,\(size),\(similarity),\(seed),\(error),d\(number),100,1.5,\n"
                        try folder.writeRun("s/trials/\(name)", losses: ["3", "\(error)"])
                    }
                }
            }
        }
        try folder.write("s/sweep.csv", lines)
        try writeDefinition(
            "s", "batch.size: [256, 512, 1024, 2048], objective.similarity: [cosine, quadratic], seed: [1, 2]",
            in: folder)
        return folder
    }

    static func writeDefinition(
        _ name: String, _ varied: String, metric: String = "gaussian.coupling_error", further: String = "",
        in folder: TemporaryFolder
    ) throws {
        try folder.write(
            "\(name)/base.yaml", "data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}\n")
        try folder.write(
            "\(name)/sweep.yaml",
            "base: base.yaml\nvary: {\(varied)}\nmetric: \(metric)\ngoal: minimize\n\(further)")
    }

    @Test func theRecordContainsTheTable() throws {
        let folder = try Self.folder()
        let sweep = try SweepRecord(reading: "\(folder.path)/s")
        #expect(
            sweep.keys == ["batch.size", "objective.similarity", "seed"] && sweep.metric == "gaussian.coupling_error"
                && sweep.minimizes)
        #expect(sweep.shortKeys == ["batch.size", "similarity", "seed"])
        #expect(sweep.trials.count == 16 && sweep.ranked.count == 14 && sweep.failed.map(\.trial) == ["1003_size=256"])
        #expect(
            sweep.failed.first?.reason.hasPrefix("a <reason>, with \"quotes\"") == true
                && sweep.failed.first?.values[1] == "quadratic")
        let metrics = sweep.ranked.compactMap(\.metric)
        #expect(metrics == metrics.sorted() && metrics.first == 2 / 2_048.0.squareRoot() * 0.9)
    }

    @Test func figuresShowTheTable() throws {
        let folder = try Self.folder()
        let report = try Report(reading: ["\(folder.path)/s"])
        #expect(
            report.figures.map(\.name) == [
                "s-coupling_error-over-batch.size", "s-coupling_error-over-objective.similarity",
                "s-coupling_error-over-seed",
                "s-coupling_error-over-batch.size-and-objective.similarity", "s-parallel", "s-importance", "s-loss",
            ])
        // Means of (0.9, 1.1) · 2/√size; their sample deviation is √2 · 0.1 · 2/√size.
        let overSize = try #require(report.figures.first?.figure as? Plot)
        let means = try #require(overSize.series.last?.points)
        for (point, size) in zip(means, [256.0, 512, 1_024, 2_048]) {
            let exact = 2 / size.squareRoot()
            #expect(point.x == size && abs(point.y - exact) <= 1e-12)
            let count = size == 256 ? 2.0 : 4.0
            #expect(abs(point.deviation - 0.1 * exact * (count / (count - 1)).squareRoot()) <= 1e-12)
        }
        // Each size has equally many trials of both seeds, so the fitted slope is exact.
        let fit = try #require(overSize.series.last?.fit)
        #expect(abs(fit.slope + 0.5) <= 1e-12 && fit.count == 14)
        let map = try #require(report.figures[3].figure as? HeatMap)
        #expect(map.columns == ["256", "512", "1024", "2048"] && map.rows == ["cosine", "quadratic"])
        #expect(map.cells[1][0] == HeatMap.Cell(nil, label: "failed") && map.chosen?.column == 3)
        for (column, size) in [256.0, 512, 1_024, 2_048].enumerated() {
            #expect(abs((map.cells[0][column].value ?? .nan) - 2 / size.squareRoot()) <= 1e-12)
        }
        let parallel = try #require(report.figures[4].figure as? ParallelCoordinates)
        #expect(
            parallel.lines.count == 14
                && parallel.axes.map(\.label) == ["batch.size", "similarity", "seed", "coupling_error"])
    }

    @Test func thePageContainsAllTrials() throws {
        let folder = try Self.folder()
        let report = try Report(reading: ["\(folder.path)/s"])
        let markup = ParsedMarkup(report.page.html)
        #expect(markup.problem == nil, "\(markup.problem ?? "")")
        for figure in report.figures { #expect(ParsedMarkup(figure.figure.svg).problem == nil) }
        #expect(markup.all("td").contains { $0.text == "16: 14 done, 1 failed, 1 waiting" })
        #expect(markup.all("td").contains { $0.text == "a <reason>, with \"quotes\"\nand a second line" })
        #expect(markup.all("li").contains { $0.text.contains("slope −0.50 ± ") })
        #expect(try Report(reading: ["\(folder.path)/s"]).page.html == report.page.html)
    }

    @Test func sweepsWithoutFinishedTrials() throws {
        let folder = TemporaryFolder()
        let header = "trial,status,seed,gaussian.coupling_error,digest,steps,seconds,reason\n"
        for (name, rows) in [("empty", ""), ("waiting", "1,waiting,1,,,,,\n2,running,2,,,,,\n")] {
            try Self.writeDefinition(name, "seed: [1, 2]", in: folder)
            try folder.write("\(name)/sweep.csv", header + rows)
            let report = try Report(reading: ["\(folder.path)/\(name)"])
            #expect(ParsedMarkup(report.page.html).problem == nil && report.figures.isEmpty)
        }
        // The error of a damaged table gives the line.
        try Self.writeDefinition("cut", "seed: [1, 2]", in: folder)
        try folder.write("cut/sweep.csv", header + "1,done,1,0.5,d,10,1,\n2,do")
        #expect { try Report(reading: ["\(folder.path)/cut"]) } throws: { "\($0)".contains("cut/sweep.csv:3") }
    }
}
