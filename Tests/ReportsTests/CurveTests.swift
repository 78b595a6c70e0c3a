import CoupletReports
import Foundation
import TestSupport
import Testing

/// Curves of runs: seeds as a mean and a band, losses of different kinds apart, and the horizontal axes.
@Suite struct CurveTests {
    /// A run of a setting, with a loss every tenth step, and held-out losses.
    private static func write(
        _ name: String, seed: Int, losses: [Double], config: String = "objective: {loss: joint}\nbatch: {size: 64}\n",
        heldOut: [(step: Int, loss: Double, pairs: Int)] = [], in folder: TemporaryFolder
    ) throws {
        let logged = losses.enumerated().map { index, loss in
            "{\"step\": \((index + 1) * 10), \"loss\": \(loss), \"seconds\": \(Double(index + 1) * 2)}\n"
        }
        let evaluated = heldOut.map { step, loss, pairs in
            "{\"step\": \(step), \"split\": \"validation\", \"evaluation\": {\"loss\": {\"mean\": \(loss), "
                + "\"batch_pairs\": \(pairs)}}, \"seconds\": 100}\n"
        }
        try folder.write("\(name)/metrics.jsonl", (logged + evaluated).joined())
        try folder.write("\(name)/config.yaml", "name: \(name)\nseed: \(seed)\n\(config)")
    }

    private static func page(_ names: [String], in folder: TemporaryFolder) throws -> ParsedMarkup {
        let markup = ParsedMarkup(try Report(reading: names.map { folder.file($0) }).page.html)
        #expect(markup.problem == nil, "\(markup.problem ?? "")")
        return markup
    }

    /// The points of the curves of a page over the step, by their names.
    private static func curves(_ markup: ParsedMarkup, _ name: String) -> [[Double]] {
        markup.all("g").filter { $0.attributes["data-name"] == name }.map { group in
            (group.attributes["data-points"] ?? "").split(separator: " ").compactMap { Double($0) }
        }
    }

    /// The mean of three seeds, where all have a value; the band between their lowest and highest loss.
    @Test func seedsAreAMeanAndABand() throws {
        let folder = TemporaryFolder()
        for (seed, losses) in [[4.0, 3, 2], [5, 4], [6, 2]].enumerated() {
            try Self.write("seed-\(seed)", seed: seed, losses: losses, in: folder)
        }
        let markup = try Self.page((0..<3).map { "seed-\($0)" }, in: folder)
        #expect(markup.all("ul", class: "legend").map(\.text) == ["seed-… (mean of 3 seeds)"])
        let found = Self.curves(markup, "seed-… (mean of 3 seeds)")
        #expect(found.first == [10, 5, 20, 3])
        // Over the wall time, 2 s a step of the log.
        #expect(found.contains([2, 5, 4, 3]))
        let band = try #require(markup.all("path", class: "envelope").first)
        let axis = try #require(markup.all("g", class: "plot").first { $0.attributes["data-frame"] != nil })
        let frame = (axis.attributes["data-frame"] ?? "").split(separator: " ").compactMap { Double($0) }
        let y = (axis.attributes["data-y"] ?? "").split(separator: " ").compactMap { Double($0) }
        let heights = band.points.map { y[1] - ($0.y - frame[1]) / (frame[3] - frame[1]) * (y[1] - y[0]) }
        for (height, exact) in zip(heights, [6.0, 4, 2, 4]) { #expect(abs(height - exact) <= 0.02, "\(heights)") }
        // The single runs are thin lines with their names.
        #expect(markup.all("path", class: "quiet").prefix(3).map(\.text) == ["seed-0", "seed-1", "seed-2"])
    }

    /// A second run with the same seed is no further seed.
    @Test func theSameSeedTwiceIsNoMeanOfSeeds() throws {
        let folder = TemporaryFolder()
        for name in ["a", "b"] { try Self.write(name, seed: 1, losses: [3, 2], in: folder) }
        let markup = try Self.page(["a", "b"], in: folder)
        #expect(markup.all("ul", class: "legend").map(\.text) == ["ab"])
        #expect(markup.all("path", class: "envelope").isEmpty)
    }

    /// Other losses, temperatures, batches or data: a panel each, with the reason. What does not matter shares one.
    @Test(arguments: [
        ("objective: {loss: clip}\nbatch: {size: 64}\n", "objective.loss"),
        ("objective: {loss: joint, temperature: 0.5}\nbatch: {size: 64}\n", "objective.temperature"),
        ("objective: {loss: joint}\nbatch: {size: 128}\n", "batch.size"),
        ("data: {path: other.h5}\nobjective: {loss: joint}\nbatch: {size: 64}\n", "data.path"),
        ("objective: {loss: joint}\nbatch: {size: 64}\noptimizer: {learning_rate: 3}\n", nil),
        ("data: {cache_memory: 1}\nobjective: {loss: joint}\nbatch: {size: 64}\n", nil),
    ])
    func lossesOfOtherKindsHavePanels(_ config: String, _ key: String?) throws {
        let folder = TemporaryFolder()
        try Self.write("a", seed: 1, losses: [3, 2], in: folder)
        try Self.write("b", seed: 1, losses: [30, 20], config: config, in: folder)
        let markup = try Self.page(["a", "b"], in: folder)
        let titles = markup.all("h4").map(\.text).filter { $0.hasPrefix("Loss") }
        let reason = markup.all("p").first { $0.text.hasPrefix("The losses do not compare") }?.text
        if let key {
            #expect(
                titles.count == 2 && reason?.contains("because \(key) differs") == true, "\(titles) \(reason ?? "")")
        } else {
            #expect(titles == ["Loss"] && reason == nil)
        }
        // No plot has both curves where they do not compare.
        #expect(Self.curves(markup, "a").count == Self.curves(markup, "b").count)
    }

    /// The held-out loss shares the axis of the training loss if it is of batches of the same size only.
    @Test(arguments: [64, 32]) func heldOutLossBesideTrainingLoss(_ pairs: Int) throws {
        let folder = TemporaryFolder()
        try Self.write(
            "a", seed: 1, losses: [3, 2, 1], heldOut: [(10, 3.5, pairs), (30, 2.5, pairs)], in: folder)
        let markup = try Self.page(["a"], in: folder)
        let titles = markup.all("h4").map(\.text), legends = markup.all("ul", class: "legend").map(\.text)
        #expect(titles == (pairs == 64 ? ["Loss"] : ["Loss", "Held-out loss, of smaller batches"]))
        #expect(legends == (pairs == 64 ? ["trainingvalidation"] : ["validation"]), "\(legends)")
        #expect(Self.curves(markup, "validation").first == [10, 3.5, 30, 2.5])
        #expect(markup.all("p").contains { $0.text.contains("the loss of a smaller batch is lower") } == (pairs != 64))
    }

    /// The times of a run that stopped and resumed go on where they were.
    @Test func timesOfAResumedRun() {
        let history = MetricsHistory(
            """
            {"step": 1, "loss": 3, "seconds": 10}
            {"step": 1, "split": "test", "evaluation": {"x": 1.5}, "seconds": 12}
            {"step": 2, "loss": 2, "seconds": 5}
            {"step": 3, "loss": 1}
            {"step": 4, "loss": 1, "seconds": 9}

            """)
        #expect(history.times.map { "\($0)" } == ["10.0", "17.0", "nan", "21.0"])
        #expect(history.evaluations.times == [12] && history.seconds == 21)
    }

    /// Without a script, each figure is visible once: over the step. The other axes are hidden.
    @Test func otherAxesAreHidden() throws {
        let folder = TemporaryFolder()
        try Self.write("a", seed: 1, losses: [3, 2, 1], in: folder)
        let drawings = try Self.page(["a"], in: folder).all("div", class: "drawing")
        #expect(drawings.map { $0.attributes["data-axes"] } == ["step", "step-log", "time", "time-log"])
        #expect(drawings.map { $0.attributes["hidden"] } == [nil, "hidden", "hidden", "hidden"])
        // A run without times has no other quantity.
        try folder.write("b/metrics.jsonl", "{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1}\n")
        let other = try Self.page(["b"], in: folder).all("div", class: "drawing")
        #expect(other.map { $0.attributes["data-axes"] } == ["step", "step-log"])
    }

    /// The best of evaluations is marked only where the runs are evaluated on the same pairs.
    @Test(arguments: ["data: {path: a.h5}\n", "data: {path: b.h5}\n"])
    func theBestIsAmongWhatCompares(_ config: String) throws {
        let folder = TemporaryFolder()
        for (name, own, recall) in [("a", "data: {path: a.h5}\n", 0.25), ("b", config, 0.5)] {
            try Self.write(name, seed: 1, losses: [3, 2], config: own, in: folder)
            try folder.write(
                "\(name)/evaluation.json", "{\"step\": 20, \"retrieval\": {\"recall_at_1\": \(recall), \"gallery\": 9}}"
            )
        }
        let markup = try Self.page(["a", "b"], in: folder)
        let isSame = config.contains("a.h5")
        #expect(markup.all("td", class: "best").map(\.text) == (isSame ? ["50.00 %"] : []))
        #expect(
            markup.all("p").contains {
                $0.text == "No best is marked, because the pairs are others: the runs differ in data.path."
            } == !isSame)
    }

    /// Settings with several seeds: mean ± standard deviation, and the best mean.
    @Test func settingsOfSeveralSeeds() throws {
        let folder = TemporaryFolder()
        for (name, seed, rate, error) in [
            ("slow-1", 1, 0.1, 0.5), ("slow-2", 2, 0.1, 0.7), ("fast-1", 1, 0.2, 0.4), ("fast-2", 2, 0.2, 0.2),
        ] {
            try Self.write(
                name, seed: seed, losses: [3, 2], config: "optimizer: {learning_rate: \(rate)}\n", in: folder)
            try folder.write("\(name)/evaluation.json", "{\"step\": 20, \"gaussian\": {\"coupling_error\": \(error)}}")
        }
        let markup = try Self.page(["slow-1", "slow-2", "fast-1", "fast-2"], in: folder)
        let rows = markup.all("tr").map(\.text)
        // The deviation of two values is |a - b| / √2.
        #expect(rows.contains("slow-…20.6000 ± 0.14") && rows.contains("fast-…20.3000 ± 0.14"), "\(rows)")
        // The best is a setting, not one of its seeds.
        #expect(markup.all("td", class: "best").map(\.text) == ["0.3000 ± 0.14"])
    }
}
