import CoupletEvaluation
import CoupletSchema
import Foundation
import TestSupport
import Testing

/// A metric of another program: the share of pairs whose encodings have the same sign in each column.
private struct SameSigns: Metric {
    static let name = "same_signs"
    static let table = ConfigurationTable(
        SameSigns(), help: "Share of pairs with the same signs.",
        [
            .key("columns", \.columns, .integer(1...100, example: 2), "Number of columns.")
        ])
    var columns = 2

    func evaluate(_ context: MetricContext) throws -> [MetricValue] {
        let (x, y) = (context.encodings.first, context.encodings.second)
        return try context.means(columns) { row in
            (0..<columns).map { x[row * x.columns + $0] * y[row * y.columns + $0] > 0 ? 1 : 0 }
        }.enumerated().map { MetricValue($1, name: "column_\($0)", format: .share) }
    }
}

@Suite struct MetricTests {
    @Test func aMetricOfAnotherProgram() throws {
        let fixture = MetricFixture(count: 50, dimension: 3)
        let expected = (0..<2).map { k in
            Double((0..<50).count { fixture.first[$0][k] * fixture.second[$0][k] > 0 }) / 50
        }
        for workers in [1, 4] {
            let result = try fixture.onWorkers(workers) { try SameSigns().result($0) }
            #expect(result.name == "same_signs" && result.values.map(\.value) == expected)
        }
    }

    @Test func figuresAreInTheJSONAndTheTable() {
        let result = EvaluationResult(
            step: 7,
            metrics: [
                MetricResult(name: "alignment", values: [MetricValue(0.25)]),
                MetricResult(
                    name: "hits",
                    values: [MetricValue(0.5, name: "near", format: .share), MetricValue(.nan, name: "far")]),
            ])
        #expect(
            result.json.text == "{\"step\": 7, \"alignment\": 0.25, \"hits\": {\"near\": 0.5, \"far\": null}}")
        #expect(
            result.table.hasSuffix(
                """
                metrics of held-out pairs
                  alignment    0.2500
                  hits, near  50.00 %
                  hits, far         -

                """), "\(result.table)")
    }

    // MARK: - The list `evaluation.metrics`

    private struct Block: Sendable {
        var metrics: [any Metric] = []
        static let table = ConfigurationTable(
            Block(), [.key("metrics", \.metrics, .metrics, "Further metrics.")])
    }

    private func read(_ text: String) throws -> (metrics: [any Metric], problems: [String]) {
        let node = try ConfigurationNode(yaml: text) { .file(name: "c", line: $0, column: $1) }
        let problems = ConfigurationBlock.Problems()
        let block = ConfigurationBlock(
            node, path: "evaluation", location: .file(name: "c", line: 1, column: 1), problems: problems,
            registry: Registry(metricKinds).adding(SameSigns.self))
        return (Block.table.read(block).metrics, problems.all.map(\.description))
    }

    @Test(arguments: [
        ("metrics: [alignment, uniformity]", "metrics: [alignment, {uniformity: {exponent: 2}}]\n"),
        (
            "metrics: [{uniformity: {exponent: 0.5}}, {same_signs: {columns: 3}}, {alignment: {}}]",
            "metrics: [{uniformity: {exponent: 0.5}}, {same_signs: {columns: 3}}, alignment]\n"
        ),
        (
            "metrics:\n- alignment\n- same_signs:\n    columns: 1\n",
            "metrics: [alignment, {same_signs: {columns: 1}}]\n"
        ), ("metrics: []", ""),
    ]) func readsAndWritesTheList(text: String, written: String) throws {
        let (metrics, problems) = try read(text)
        #expect(problems.isEmpty)
        #expect(YAMLValue.text(of: Block.table.entries(of: Block(metrics: metrics))) == written)
        if written.isEmpty { return }
        let again = try read(written).metrics
        #expect(zip(metrics, again).allSatisfy { $0.isEqual(to: $1) } && metrics.count == again.count)
    }

    @Test(arguments: [
        ("metrics: alignment", "evaluation.metrics: wanted a list, such as [alignment, uniformity]"),
        (
            "metrics: [aligment]",
            "evaluation.metrics: no metric is called \"aligment\"; did you mean alignment? There are alignment, "
                + "uniformity, same_signs"
        ),
        (
            "metrics: [{uniformety: {exponent: 1}}]",
            "evaluation.metrics: no metric is called \"uniformety\"; did you mean uniformity?"
        ),
        (
            "metrics: [{uniformity: {exponent: -1}}]",
            "evaluation.metrics.uniformity.exponent: wanted a number above 0, such as 2; found -1"
        ),
        (
            "metrics: [{uniformity: {exponant: 1}}]",
            "evaluation.metrics.uniformity.exponant: no such key; did you mean exponent?"
        ),
        ("metrics: [{alignment: {exponent: 1}}]", "evaluation.metrics.alignment.exponent: no such key; there are none"),
        ("metrics: [{uniformity: 3}]", "evaluation.metrics.uniformity: wanted a block with the keys of uniformity"),
        (
            "metrics: [{uniformity: {}, alignment: {}}]",
            "evaluation.metrics: wanted a block with the name of one metric as its key"
        ),
        ("metrics: [alignment, alignment]", "evaluation.metrics: names the metric alignment twice"),
    ]) func reportsOneProblem(text: String, problem: String) throws {
        let problems = try read(text).problems
        #expect(problems.count == 1 && problems.first?.contains(problem) == true, "\(problems)")
    }
}
