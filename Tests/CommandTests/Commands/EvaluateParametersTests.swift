import Couplet
import Foundation
import TestSupport
import Testing

/// `couplet evaluate --parameters`, and metrics from the config to the report.
@Suite struct EvaluateParametersTests {
    private static let config =
        TrainingFolder.tinyGaussian(steps: 8).replacingOccurrences(
            of: "evaluation: {pairs: 100}",
            with: "evaluation: {pairs: 100, metrics: [alignment, {uniformity: {exponent: 1.5}}]}")
        + "optimizer: {learning_rate: 0.05, average_decay: 0.8}\n"

    private func run(_ arguments: String..., in folder: TemporaryFolder) throws -> CoupletInvocation {
        let result = try CoupletInvocation(arguments: arguments, in: folder.path)
        #expect(result.exitCode == 0, "\(arguments): \(result.errors)")
        return result
    }

    @Test func parametersOrTheirAverage() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        _ = try run("train", "c.yaml", "--output", "run", "--progress", "none", in: folder)
        let current = try run("evaluate", "run", "--json", in: folder).output
        let average = try run("evaluate", "run", "--json", "--parameters", "average", in: folder).output
        #expect(average != current)
        #expect(try run("evaluate", "run", "--json", "--parameters", "current", in: folder).output == current)
        _ = try run(
            "train", "c.yaml", "--output", "averaged", "--progress", "none", "--set", "evaluation.parameters=average",
            in: folder)
        #expect(try folder.text(of: "averaged/evaluation.json") == average)
        #expect(try run("evaluate", "averaged", "--json", in: folder).output == average)
        #expect(try run("evaluate", "averaged", "--json", "--parameters", "current", in: folder).output == current)

        let wrong = try CoupletInvocation("evaluate", "run", "--parameters", "averages", in: folder.path)
        #expect(wrong.exitCode == 64 && wrong.errors.contains("'current' and 'average'"), "\(wrong.errors)")
        _ = try run(
            "train", "c.yaml", "--output", "plain", "--progress", "none", "--set", "optimizer.average_decay=null",
            in: folder)
        let none = try CoupletInvocation("evaluate", "plain", "--parameters", "average", in: folder.path)
        #expect(none.exitCode == 65 && none.output.isEmpty, "\(none.errors)")
        #expect(
            none.errors.hasPrefix("couplet: plain/checkpoints/step-00000008.h5: ")
                && none.errors.contains("no moving average"), "\(none.errors)")
        let refused = try CoupletInvocation(
            "config", "c.yaml", "--set", "evaluation.parameters=average", "--set", "optimizer.average_decay=null",
            in: folder.path)
        #expect(refused.exitCode == 65 && refused.errors.contains("set optimizer.average_decay"), "\(refused.errors)")
    }

    /// Alignment and uniformity of the held-out encodings by their formulas.
    private static func figures(_ path: String) throws -> (alignment: Double, uniformity: [Double]) {
        let run = try TrainedRun(path), count = 100
        func unitRows(_ modality: Modality) throws -> [[Double]] {
            let rows = Tensor([count] + run.source.description(of: modality).shape)
            try run.source.read(
                .heldOut, (0..<UInt64(count)).map { $0 }, first: modality == .first ? rows : nil,
                second: modality == .second ? rows : nil)
            var encodings: [[Double]] = []
            try run.encode(modality, count: count, read: { rows.rows($0) }) { part, _ in
                for row in 0..<part.rows { encodings.append(part.rows(row..<row + 1).values.map(Double.init)) }
            }
            return encodings.map { row in
                let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
                return row.map { $0 / norm }
            }
        }
        func squaredDistance(_ a: [Double], _ b: [Double]) -> Double {
            zip(a, b).reduce(0) { $0 + pow($1.0 - $1.1, 2) }
        }
        let rows = try Modality.allCases.map(unitRows)
        let alignment = (0..<count).reduce(0) { $0 + squaredDistance(rows[0][$1], rows[1][$1]) } / Double(count)
        let uniformity = rows.map { rows in
            var sum = 0.0
            for i in 0..<count { for j in 0..<i { sum += Foundation.exp(-1.5 * squaredDistance(rows[i], rows[j])) } }
            return Foundation.log(sum / Double(count * (count - 1) / 2))
        }
        return (alignment, uniformity)
    }

    @Test func metricsAreInTheEvaluationTheTableAndTheReport() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        _ = try run("train", "c.yaml", "--output", "run", "--progress", "none", in: folder)
        let expected = try Self.figures(folder.file("run"))
        let json = try jsonObject(try folder.text(of: "run/evaluation.json"))
        let alignment = try #require(json["alignment"] as? Double)
        let uniformity = try #require(json["uniformity"] as? [String: Double])
        #expect(abs(alignment - expected.alignment) <= 1e-6)
        #expect(uniformity.keys.sorted() == ["first", "second"])
        #expect(abs(uniformity["first"]! - expected.uniformity[0]) <= 1e-6)
        #expect(abs(uniformity["second"]! - expected.uniformity[1]) <= 1e-6)

        let table = try run("evaluate", "run", in: folder).output
        #expect(table.contains("metrics of held-out pairs\n"), "\(table)")
        for (name, value) in [
            ("alignment", expected.alignment), ("uniformity, first", expected.uniformity[0]),
            ("uniformity, second", expected.uniformity[1]),
        ] {
            let row = table.split(separator: "\n").first {
                $0.trimmingCharacters(in: .whitespaces).hasPrefix(name)
            }
            let shown = row.flatMap { Double($0.split(separator: " ").last ?? "") }
            #expect(abs((shown ?? .nan) - value) <= 1e-3, "\(table)")
        }

        _ = try run("report", "run", "-o", "report.html", in: folder)
        let markup = ParsedMarkup(try folder.text(of: "report.html"))
        let titles = markup.all("h3").map(\.text), rows = markup.all("tr").map(\.text)
        #expect(titles.contains("metrics") && titles.contains("uniformity"), "\(titles)")
        #expect(rows.contains { $0.hasPrefix("alignment") } && rows.contains { $0.hasPrefix("first−") }, "\(rows)")
    }

    @Test func aSweepRanksByAFigureOfAMetric() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        let sweep = """
            base: c.yaml
            vary:
              optimizer.learning_rate: [0.001, 0.03, 0.1]
            metric: uniformity.first
            goal: minimize

            """
        try folder.write("sweep.yaml", sweep)
        _ = try run("sweep", "sweep.yaml", "--output", "sweep", "--threads", "1", "--progress", "none", in: folder)
        let rows = try SweepTable(folder: SweepFolder(path: folder.file("sweep"))).rows
        #expect(rows.count == 3 && rows.allSatisfy { $0.status == .done })
        for row in rows {
            let expected = try Self.figures(folder.file("sweep/trials/\(row.trial)")).uniformity[0]
            // Trials are chosen by validation pairs; the figure of the held-out pairs stands beside theirs.
            #expect(abs((row.test ?? .nan) - expected) <= 1e-6, "\(row)")
            #expect(row.chosenOn == .validation && abs((row.metric ?? .nan) - expected) > 1e-6, "\(row)")
        }
        #expect(Set(rows.map(\.metric)).count == 3)
        try folder.write("wrong.yaml", sweep.replacingOccurrences(of: "uniformity.first", with: "uniformity.frist"))
        let wrong = try CoupletInvocation("sweep", "wrong.yaml", "--output", "wrong", in: folder.path)
        #expect(wrong.exitCode == 65 && wrong.errors.contains("did you mean uniformity.first?"), "\(wrong.errors)")
    }
}
