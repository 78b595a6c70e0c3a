import CoupletFiles
import CoupletReports
import Foundation
import TestSupport
import Testing

@Suite struct ReportTests {
    private static func folder() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        try folder.writeRun(
            "a", losses: ["3", "2", "null", "1.5"], extra: "{\"step\": 50, \"loss\": 1.\n\nno json\n{\"loss\": 2}\n")
        try folder.write(
            "a/evaluation.json",
            """
            {"step": 40, "retrieval": {"first_to_second": {"recall_at_1": 0.25, "median_rank": 7.0}, "gallery": 100},
             "gaussian": {"singular_values": [0.91, 0.7], "exact_singular_values": [0.9, 0.75], "first_gram": null,
              "nested": {"x": [1, null]}}}
            """)
        try folder.writeRun("b <&\">", losses: ["3", "1"], rate: 0.1)
        try folder.write(
            "b <&\">/evaluation.json",
            "{\"step\": 20, \"retrieval\": {\"first_to_second\": {\"recall_at_1\": 0.5}}, \"top1\": 0.75}")
        return folder
    }

    @Test func runsAreCompared() throws {
        let folder = try Self.folder()
        let report = try Report(reading: ["\(folder.path)/a/", "\(folder.path)/b <&\">", "\(folder.path)/a"])
        #expect(report.runs.map(\.name) == ["a", "b <&\">"])
        let html = report.page.html
        let markup = ParsedMarkup(html)
        #expect(markup.problem == nil, "\(markup.problem ?? "")")
        #expect(
            markup.all("h4").map(\.text) == ["Loss", "Gradient norm", "Learning rate", "Throughput", "singular values"])
        // Three lines of a's metrics are damaged: incomplete, not JSON, without a step. Empty lines are skipped.
        #expect(markup.all("p", class: "warning").contains { $0.text == "a: metrics.jsonl: 3 damaged lines skipped" })
        #expect(markup.all("figcaption").contains { $0.text == "1 logged value is not a number." })
        #expect(markup.all("p").contains { $0.text == "Temperature: 1 at every logged step of every run." })
        let cells = markup.all("tr").map(\.text)
        #expect(cells.contains("first to second: recall at 125.00 %50.00 %"))
        #expect(cells.contains("singular values, 20.70000.7500"), "\(cells)")
        #expect(cells.contains("optimizer.learning_rate0.010.1") && cells.contains("train.steps4020"))
        // The better recall is marked. A value that only one run has is not marked.
        #expect(markup.all("td", class: "best").map(\.text) == ["50.00 %"])
        #expect(try Report(reading: report.runs.map(\.folder.path)).page.html == html)
    }

    /// Evaluations during training have curves of their own; the held-out loss is in the plot of the loss.
    @Test func evaluationsDuringTrainingAreCurves() throws {
        let folder = TemporaryFolder()
        let evaluations = [10, 20, 30].map { step in
            """
            {"step": \(step), "split": "validation", "evaluation": {"retrieval": {"mean_reciprocal_rank": 0.\(step), \
            "gallery": 9}, "loss": {"mean": 2.5, "batch_pairs": 64}, "encodings": {"uniformity": {"first": -1.5}}, \
            "own_figure": 0.25}, "seconds": 1.5}

            """
        }.joined()
        try folder.writeRun("a", losses: ["3", "2", "1.5"], extra: evaluations)
        let report = try Report(reading: [folder.file("a")]), history = try #require(report.runs[0].metrics)
        #expect(history.steps == [10, 20, 30] && history["loss"] == [3, 2, 1.5] && history.damagedLines == 0)
        #expect(history.evaluations.steps == [10, 20, 30])
        #expect(history.evaluations["retrieval.mean_reciprocal_rank"] == [0.1, 0.2, 0.3])
        let html = report.page.html, markup = ParsedMarkup(html)
        #expect(markup.problem == nil, "\(markup.problem ?? "")")
        let titles = markup.all("h4").map(\.text)
        #expect(
            titles.suffix(3) == ["Mean reciprocal rank", "Uniformity, first", "own figure"] && titles.first == "Loss",
            "\(titles)")
        #expect(html.contains("validation") && !titles.contains("loss: mean"))
    }

    /// Metrics with one figure share a section; a metric with several has its own. Names tell which figures are best.
    @Test func metricsOfAnyNameAreShown() throws {
        let folder = TemporaryFolder()
        for (name, alignment, second) in [("a", 0.25, "-3.5"), ("b", 0.125, "null")] {
            try folder.writeRun(name, losses: ["3", "2"])
            try folder.write(
                "\(name)/evaluation.json",
                """
                {"step": 20, "alignment": \(alignment), "norm_ratio": 2.5,
                 "uniformity": {"first": \(-2 - alignment), "second": \(second)},
                 "accuracy_of_colour": {"red": \(alignment)}}
                """)
        }
        let markup = ParsedMarkup(try Report(reading: ["\(folder.path)/a", "\(folder.path)/b"]).page.html)
        #expect(markup.problem == nil, "\(markup.problem ?? "")")
        let rows = markup.all("tr").map(\.text), titles = markup.all("h3").map(\.text)
        for title in ["metrics", "uniformity", "accuracy of colour"] { #expect(titles.contains(title), "\(titles)") }
        for row in [
            "alignment0.25000.1250", "norm ratio2.5002.500", "first−2.250−2.125", "second−3.500–", "red25.00 %12.50 %",
        ] { #expect(rows.contains(row), "\(row) in \(rows)") }
        #expect(markup.all("td", class: "best").map(\.text) == ["0.1250", "−2.250", "25.00 %"])
    }

    @Test func identifiabilityIsATableOfFactorsAndRegressors() throws {
        let folder = TemporaryFolder()
        try folder.writeRun("a", losses: ["3", "2"])
        try folder.write(
            "a/evaluation.json",
            """
            {"step": 20, "identifiability": {"samples": 4096,
             "first": {"c": {"linear": 0.5, "mlp": 0.75}, "m1": {"linear": -0.25, "mlp": 0.125}},
             "second": {"c": {"linear": 0.25, "mlp": 0.375}, "m1": {"linear": 0, "mlp": null}},
             "from_content": {"first": {"linear": 0.625, "mlp": 0.875}, "second": {"linear": 0.1875, "mlp": 0.3125}},
             "mean_correlation": {"first": 0.6875, "second": 0.8125}}}
            """)
        let markup = ParsedMarkup(try Report(reading: ["\(folder.path)/a"]).page.html)
        #expect(markup.problem == nil, "\(markup.problem ?? "")")
        let rows = markup.all("tr").map(\.text)
        for row in [
            "R² offirst, linearfirst, MLPsecond, linearsecond, MLP", "c0.50000.75000.25000.3750", "m1−0.25000.12500–",
            "encoding, from c0.62500.87500.18750.3125",
        ] { #expect(rows.contains(row), "\(row) in \(rows)") }
        #expect(
            markup.all("p").contains {
                $0.text.contains("fitted on 4,096 samples") && $0.text.contains("first 0.6875, second 0.8125")
            })
    }

    @Test func figuresAreSVGFiles() throws {
        let folder = try Self.folder()
        let figures = try Report(reading: ["\(folder.path)/a"]).figures
        #expect(
            figures.map(\.name)
                == ["loss", "gradient_norm", "learning_rate", "pairs_per_second", "gaussian-singular_values"].filter {
                    $0 != "learning_rate"
                })
        for one in figures {
            let markup = ParsedMarkup(one.figure.svg)
            #expect(markup.problem == nil && markup.elements.first?.name == "svg", "\(one.name)")
            #expect(one.figure.svg.contains("prefers-color-scheme:dark") && !one.figure.svg.contains("var("))
        }
    }

    /// A missing or damaged part of a run has a note, and the other parts are still reported.
    @Test func emptyAndDamagedRuns() throws {
        let folder = TemporaryFolder()
        try folder.write("empty/metrics.jsonl", "")
        try folder.write("nulls/metrics.jsonl", "{\"step\": 1, \"loss\": null}\n{\"step\": 2, \"loss\": null}\n")
        try folder.write("one/metrics.jsonl", "{\"step\": 1, \"loss\": 2.5}\n")
        try folder.write("broken/config.yaml", "a: [1\n")
        try folder.write("broken/evaluation.json", "{\"step\": 1,")
        try folder.write("broken/checkpoints/step-00000001.h5", "no HDF5")
        for names in [["empty"], ["nulls"], ["one"], ["broken"], ["empty", "nulls", "one", "broken"]] {
            let report = try Report(reading: names.map { "\(folder.path)/\($0)" })
            let markup = ParsedMarkup(report.page.html)
            #expect(markup.problem == nil, "\(names)")
            for figure in report.figures { #expect(ParsedMarkup(figure.figure.svg).problem == nil) }
        }
        let notes = try RunRecord(reading: "\(folder.path)/broken").notes.joined(separator: "\n")
        for part in [
            "no metrics.jsonl yet", "evaluation.json is not valid JSON", "config.yaml:2:1", "step-00000001.h5",
        ] {
            #expect(notes.contains(part), "\(notes)")
        }
        #expect(try Report(reading: ["\(folder.path)/one"]).figures.map(\.name) == ["loss"])
    }

    @Test func foldersOfOtherContentAreErrors() throws {
        let folder = try Self.folder()
        func message(_ path: String) -> String {
            do {
                _ = try Report(reading: [path])
                return "none"
            } catch let error as FileError {
                return error.kind == .inputOutput ? error.description : "badData \(error.description)"
            } catch { return "\(error)" }
        }
        #expect(message("\(folder.path)/c").contains("/c: no such folder; "))
        #expect(message(folder.path).contains("neither a run nor a sweep; it contains \(folder.path)/a "))
        #expect(message("\(folder.path)/a/config.yaml").contains("a file, not the folder"))
        try folder.write("s/sweep.csv", "trial,status,error\n")
        #expect(message("\(folder.path)/s").contains("not a sweep, because it has no sweep.yaml"))
    }

    /// The page of a run with 100,000 noisy steps is small and contains the extreme of the loss.
    @Test func longRunsGiveSmallPages() throws {
        let folder = TemporaryFolder()
        var state: UInt64 = 7
        try folder.writeRun(
            "long",
            losses: (0..<100_000).map { index in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return "\(index == 54_321 ? 9.0 : 3 + Double(state >> 40) / 1e8)"
            })
        let report = try Report(reading: ["\(folder.path)/long"])
        let html = report.page.html
        #expect(html.utf8.count < 1_000_000)
        let raw = try #require(ParsedMarkup(html).all("path", class: "raw").first)
        let peak = raw.points.min { $0.y < $1.y }
        let others = raw.points.filter { $0.y > (peak?.y ?? 0) + 20 }
        #expect(others.count == raw.points.count - 1, "one point stands out")
    }

    @Test func namesDistinguishFolders() throws {
        let folder = TemporaryFolder()
        for name in ["x/run", "y/run", "z"] { try folder.writeRun(name, losses: ["1", "2"]) }
        #expect(
            try Report(reading: ["x/run", "y/run", "z"].map { "\(folder.path)/\($0)" }).runs.map(\.name) == [
                "x/run", "y/run", "z",
            ])
    }

    /// Of 20 runs, 12 are in colour and the others grey; a remark says so.
    @Test func manyRuns() throws {
        let folder = TemporaryFolder()
        for index in 10..<30 { try folder.writeRun("r\(index)", losses: ["3", "\(index)"]) }
        let markup = ParsedMarkup(try Report(reading: (10..<30).map { "\(folder.path)/r\($0)" }).page.html)
        #expect(markup.problem == nil)
        #expect(
            markup.all("p").contains {
                $0.text == "Colours distinguish the first 12 of 20 runs; the others are grey."
            })
        #expect(markup.all("path", class: "quiet").count >= 8)
        #expect(markup.all("ul", class: "legend").first?.text == (10..<22).map { "r\($0)" }.joined())
    }
}
