import CoupletReports
import Foundation
import TestSupport
import Testing

/// Sweeps of random draws, with successive halving, and by a loss.
@Suite struct RandomSweepTests {
    /// Trials with an error that grows with the rate alone, and another drawn value without effect.
    private static func rows(_ count: Int, status: (Int) -> String = { _ in "done" }) -> String {
        (0..<count).map { index in
            let rate = pow(10, -4 + 3 * Double(index) / Double(count)),
                other = Double(index * 7 % count) / Double(count)
            return "\(100 + index)_t,\(status(index)),\(rate),\(other),\(rate * 3),d\(index),90,1.5,\n"
        }.joined()
    }

    private static let drawn =
        "optimizer.learning_rate: {draw: log_uniform, between: [1.0e-4, 0.1]}, "
        + "encoders.initial_scale: {draw: uniform, between: [0, 1]}"
    private static let header =
        "trial,status,optimizer.learning_rate,encoders.initial_scale,gaussian.coupling_error,digest,steps,seconds,"
        + "reason\n"

    /// Marks without lines or fits, on the axes of the distributions; parallel coordinates; no heat map.
    @Test func randomDrawsAreScattered() throws {
        let folder = TemporaryFolder()
        try SweepReportTests.writeDefinition("s", Self.drawn, further: "draws: 20\n", in: folder)
        try folder.write("s/sweep.csv", Self.header + Self.rows(20))
        let report = try Report(reading: [folder.file("s")])
        #expect(
            report.figures.map(\.name) == [
                "s-coupling_error-over-optimizer.learning_rate", "s-coupling_error-over-encoders.initial_scale",
                "s-parallel", "s-importance",
            ])
        for (figure, isLogarithmic) in zip(report.figures, [true, false]) {
            let plot = try #require(figure.figure as? Plot)
            #expect(plot.series.count == 1 && plot.series[0].points.count == 20 && plot.series[0].fit == nil)
            let markup = ParsedMarkup(plot.svg)
            #expect(markup.all("circle", class: "mark").count == 20 && markup.all("path", class: "line").isEmpty)
            #expect((plot.x.scale == .logarithmic) == isLogarithmic)
        }
    }

    /// A mark at the step where each trial ended, and importance by the step that all trials reached.
    @Test func halvingShowsAllTrials() throws {
        let folder = TemporaryFolder()
        try SweepReportTests.writeDefinition(
            "s", Self.drawn, further: "draws: 27\nhalving: {first_steps: 10, factor: 3}\n", in: folder)
        // The smallest errors continue: 27 trials to step 10, 9 to step 30, 3 to step 90.
        let lines = Self.rows(27) { $0 < 3 ? "done" : "dropped" }.split(separator: "\n").enumerated().map {
            index, line in
            line.replacingOccurrences(of: ",90,", with: index < 3 ? ",90," : index < 9 ? ",30," : ",10,")
        }
        try folder.write("s/sweep.csv", Self.header + lines.joined(separator: "\n") + "\n")
        let results = [(10, 27), (30, 9), (90, 3)].flatMap { step, count in
            (0..<count).map { index in
                "{\"trial\": \"\(100 + index)_t\", \"steps\": \(step), "
                    + "\"metric\": \(Double(index + 1) / Double(step)), "
                    + "\"digest\": \"\", \"seconds\": 1.0, \"reason\": \"\"}\n"
            }
        }
        // A line that is being written is skipped, and the file stays as it is.
        let text = results.joined() + "{\"trial\": \"10"
        try folder.write("s/results.jsonl", text)
        let report = try Report(reading: [folder.file("s")])
        #expect(try String(contentsOfFile: folder.file("s/results.jsonl"), encoding: .utf8) == text)
        let halving = try #require(report.figures.first { $0.name == "s-halving" }?.figure as? Plot)
        let marks = halving.series.filter { $0.style == .markers }
        #expect(marks.map(\.name) == ["stopped there: 24", "trained to the end: 3"])
        #expect(marks.flatMap(\.points).count { $0.x == 10 } == 18 && marks.flatMap(\.points).count { $0.x == 30 } == 6)
        #expect(marks[1].points.map(\.x) == [90, 90, 90] && marks[1].points.map(\.y) == [1, 2, 3].map { $0 / 90 })
        #expect(halving.series.count { $0.style == .line } == 9)
        let scatter = try #require(report.figures.first?.figure as? Plot)
        #expect(scatter.series.map(\.name) == ["ended at step 10", "ended at step 30", "ended at step 90"])
        #expect(scatter.series.map(\.points.count) == [18, 6, 3])
        let parallel = try #require(report.figures.first { $0.name == "s-parallel" }?.figure as? ParallelCoordinates)
        #expect(parallel.lines.count == 27 && parallel.axes.last?.label == "coupling_error at step 10")
    }

    /// A sweep by the loss over losses: a part for each kind, each with its best, and none over all.
    @Test func lossesOfAKindAreComparedOnly() throws {
        let folder = TemporaryFolder()
        try SweepReportTests.writeDefinition(
            "s", "objective.loss: [joint, clip], seed: [1, 2]", metric: "loss.mean", in: folder)
        try folder.write(
            "s/sweep.csv",
            """
            trial,status,objective.loss,seed,loss.mean,digest,steps,seconds,reason
            1,done,joint,1,2.0,d,10,1,
            2,done,joint,2,2.5,d,10,1,
            3,done,clip,1,0.5,d,10,1,
            4,done,clip,2,0.25,d,10,1,

            """)
        let report = try Report(reading: [folder.file("s")]), markup = ParsedMarkup(report.page.html)
        #expect(markup.problem == nil)
        #expect(
            markup.all("td").contains {
                $0.text
                    == "none is named, because trials of other objective.loss have other losses, which do not compare"
            })
        #expect(markup.all("td", class: "best").isEmpty)
        let remarks = markup.all("p").map(\.text)
        #expect(
            remarks.contains("Best of these: 2.0000 by 1.") || remarks.contains("Best of these: 2 by 1."), "\(remarks)")
        #expect(remarks.contains("Best of these: 0.25000 by 4."), "\(remarks)")
        for figure in report.figures.compactMap({ $0.figure as? Plot }) {
            #expect(figure.series.flatMap(\.points).count == 2, "a plot of one kind")
        }
    }

    // MARK: - Importance

    /// Against the textbook's formula of H for ranks without ties.
    @Test func importanceFollowsFromKruskalWallis() {
        let ranks = SweepImportance.ranks([27, 2, 4, 18, 7, 9, 20, 8, 14, 36])
        #expect(ranks == [9, 1, 2, 7, 3, 5, 8, 4, 6, 10])
        #expect(SweepImportance.ranks([1, 2, 2, 3]) == [1, 2.5, 2.5, 4])
        // The direct formula of H without ties: 12 / (N (N + 1)) · Σ R² / n − 3 (N + 1).
        let groups = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
        // The sums of the ranks are 19, 16 and 20.
        let squares: Double = 19.0 * 19 / 4 + 16.0 * 16 / 3 + 20.0 * 20 / 3
        let h: Double = 12.0 / 110 * squares - 33
        #expect(abs(SweepImportance.importance(ranks: ranks, groups: groups) - (h - 2) / 7) <= 1e-12)
    }

    /// A value that decides alone, and one without effect.
    @Test func importanceOfADecidingValue() throws {
        let groups = (0..<24).map { $0 % 4 }, other = (0..<24).map { $0 / 4 % 3 }
        let found = SweepImportance(
            metrics: groups.map { Double($0) }, keys: [("other", other), ("deciding", groups)])
        #expect(found.refusal == nil && found.values.map(\.key) == ["deciding", "other"])
        #expect(abs(found.values[0].importance - 1) <= 1e-12 && found.values[0].chance < 0.5)
        #expect(found.values[1].importance < found.values[1].chance)
        // Independent of the scale of the metric.
        let scaled = SweepImportance(
            metrics: groups.map { exp(Double($0)) }, keys: [("other", other), ("deciding", groups)])
        #expect(scaled.values == found.values)
    }

    /// By chance, the importance of many random metrics has mean 0, and 5 in 100 exceed the value by chance.
    @Test func importanceByChance() {
        var state: UInt64 = 1
        func random() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11)
        }
        let groups = (0..<16).map { $0 % 4 }
        let found = (0..<60).map { _ in
            SweepImportance(metrics: groups.map { _ in random() }, keys: [("k", groups)]).values[0]
        }
        let mean = found.map(\.importance).reduce(0, +) / 60
        #expect(abs(mean) < 0.08, "\(mean)")
        #expect((0...9).contains(found.count { $0.importance > $0.chance }))
    }

    @Test func tooFewTrialsHaveNoImportance() {
        let few = SweepImportance(metrics: [1, 2, 3], keys: [("k", [0, 1, 0])])
        #expect(few.values.isEmpty && few.refusal?.contains("at least 12 trials that compare; there are 3") == true)
        let scattered = SweepImportance(
            metrics: (0..<12).map(Double.init),
            keys: [("k", Array(0..<12)), ("constant", [Int](repeating: 0, count: 12))])
        #expect(scattered.values.isEmpty && scattered.refusal?.contains("3 trials in each of its groups") == true)
    }
}
