import CoupletEvaluation
import CoupletLosses
import CoupletOptimizers
import CoupletSchema
import CoupletTraining
import Testing

/// Kinds of a program that a config names, and that Couplet cannot use: the config is refused, and the program does not
/// stop.
@Suite struct RegistryTests {
    private func problems(_ kind: any ConfigurableKind.Type, _ overrides: String...) -> String {
        let text = """
            data: {source: gaussian, dimensions: [2, 2], correlations: [0.5]}
            encoders: {embedding: 1, first: {kind: linear}, second: {kind: linear}}
            batch: {size: 8}
            train: {steps: 1}
            """
        do {
            _ = try Configuration.parse(
                text: text, name: "c", overrides: overrides, registry: Registry.builtIn.adding(kind))
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func aLossNeedsOneOfTheTwoProtocols() {
        #expect(
            problems(ShapelessLoss.self, "objective.loss=shapeless").contains(
                "objective.loss: the loss shapeless conforms neither to SoftmaxLoss nor to PairwiseLoss"))
    }

    @Test func onlyASoftmaxLossComparesOtherSets() {
        #expect(
            problems(TwoBatchLoss.self, "objective.loss=two_batches").contains(
                "objective.loss: the loss two_batches compares secondBatch, which only a SoftmaxLoss can"))
    }

    @Test func momentsHaveNamesOfTheirOwn() {
        for (names, moments) in [(["average"], "average"), (["m", "m"], "m, m")] {
            NamedMoments.names.withValue(names) {
                #expect(
                    problems(NamedMoments.self, "optimizer.kind=named_moments").contains(
                        "optimizer.kind: the optimizer named_moments has the moments \(moments); their names"))
            }
        }
        NamedMoments.names.withValue(["m", "n"]) {
            #expect(problems(NamedMoments.self, "optimizer.kind=named_moments") == "")
        }
    }

    @Test func aMetricHasNotTheNameOfASection() {
        #expect(
            problems(RetrievalMetric.self, "evaluation.metrics=[retrieval]").contains(
                "evaluation.metrics: the metric retrieval has the name of another section of an evaluation"))
    }

    @Test func aKindHasNoKeyOfItsBlock() {
        #expect(
            problems(WarmLoss.self, "objective.loss=warm").contains(
                "objective.loss: the loss warm has the key temperature, which its block has for every loss"))
    }
}

private struct ShapelessLoss: Loss {
    static let name = "shapeless"
    static let table = ConfigurationTable(ShapelessLoss(), [])
}

private struct TwoBatchLoss: PairwiseLoss {
    static let name = "two_batches"
    static let table = ConfigurationTable(TwoBatchLoss(), [])
    var comparedSets: ComparedSets { .secondBatch }
    func evaluateRow(
        _ scores: Span<Float>, positive: Int?, batchSize: Int, derivatives: inout MutableSpan<Float>
    ) -> Double { 0 }
}

private struct WarmLoss: PairwiseLoss {
    var temperature = 1.0
    static let name = "warm"
    static let table = ConfigurationTable(
        WarmLoss(), [.key("temperature", \.temperature, .number(.positive, example: 1), "Another temperature.")])
    func evaluateRow(
        _ scores: Span<Float>, positive: Int?, batchSize: Int, derivatives: inout MutableSpan<Float>
    ) -> Double { 0 }
}

private struct NamedMoments: Optimizer {
    static let names = TaskLocal<[String]>(wrappedValue: [])
    static let name = "named_moments"
    static let table = ConfigurationTable(NamedMoments(), [])
    var momentNames: [String] { Self.names.get() }
    func update(_ block: OptimizerBlock) {}
}

private struct RetrievalMetric: Metric {
    static let name = "retrieval"
    static let table = ConfigurationTable(RetrievalMetric(), [])
    func evaluate(_ context: MetricContext) throws -> [MetricValue] { [] }
}
