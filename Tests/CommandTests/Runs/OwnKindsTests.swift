import Couplet
import TestSupport
import Testing

/// A run, a sweep and a replay of a program with kinds of its own: an optimizer and a metric with keys.
@Suite struct OwnKindsTests {
    /// θ ← θ - r sign(g), |θ - the start| at most r a step.
    private struct SignDescent: Optimizer {
        var threshold = 0.0

        static let name = "sign_descent"
        static let table = ConfigurationTable(
            SignDescent(), help: "Steps of equal length.",
            [.key("threshold", \.threshold, .number(.nonNegative, example: 0.1), "Smaller gradients count as 0.")])
        var momentNames: [String] { [] }

        func update(_ block: OptimizerBlock) {
            for i in 0..<block.count where Double(abs(block.gradient[i])) > threshold {
                block.parameters[i] -= Float(block.rate) * (block.gradient[i] > 0 ? 1 : -1)
            }
        }
    }

    /// Mean of |f(x)|² times a factor.
    private struct SquaredNorm: Metric {
        var factor = 1.0

        static let name = "squared_norm"
        static let table = ConfigurationTable(
            SquaredNorm(), help: "Mean squared norm of the first encodings.",
            [.key("factor", \.factor, .number(.any, example: 1), "Factor of the mean.")])

        func evaluate(_ context: MetricContext) throws -> [MetricValue] {
            let mean = try context.mean { row in
                context.encodings.first.rows(row..<row + 1).values.reduce(0) { $0 + Double($1) * Double($1) }
            }
            return [MetricValue(factor * mean)]
        }
    }

    private static let registry = Registry.builtIn.adding(SignDescent.self, SquaredNorm.self)

    private let folder = TemporaryFolder()
    private let config: String

    init() throws {
        config = try folder.write(
            "c.yaml",
            TrainingFolder.tinyGaussian(steps: 6)
                .replacingOccurrences(of: "{pairs: 100}", with: "{pairs: 100, metrics: [{squared_norm: {factor: 2}}]}")
                + "optimizer: {kind: sign_descent, threshold: 0.001, learning_rate: 0.01}\n")
    }

    private func configuration(_ overrides: String...) throws -> Configuration {
        try Configuration.load(path: config, overrides: overrides, registry: Self.registry)
    }

    private func train(
        _ run: String, _ configuration: Configuration, _ existing: RunFolder.ExistingRun = .refuse,
        registry: Registry = registry
    ) throws {
        let options = TrainingOptions(
            output: folder.file(run), existing: existing, threads: 2, progress: .none)
        try Trainer(options: options, registry: registry).run { configuration }
    }

    /// The error names the kinds that are missing, each once.
    private func expectMissingKinds(_ body: () throws -> Void) {
        let error = #expect(throws: ConfigurationError.self) { try body() }
        let reasons = (error?.problems ?? []).map(\.reason)
        #expect(reasons.count == 2, "\(reasons)")
        #expect(reasons.contains { $0.contains("no optimizer is called \"sign_descent\"") }, "\(reasons)")
        #expect(reasons.contains { $0.contains("no metric is called \"squared_norm\"") }, "\(reasons)")
    }

    private func squaredNorm(_ run: String) throws -> Double {
        try #require(MetricPath("squared_norm").value(in: JSONValue(text: folder.text(of: "\(run)/evaluation.json"))!))
    }

    @Test func aRunIsTrainedResumedOpenedAndReplayed() throws {
        try train("whole", configuration())
        try train("run", configuration("train.steps=3"))
        try train("run", configuration(), .resume)
        func digest(_ run: String) throws -> String {
            try CheckpointStore.summary(CheckpointStore(folder: folder.file("\(run)/checkpoints")).path(ofStep: 6))
                .digest
        }
        #expect(try digest("run") == digest("whole"))

        // Each parameter has moved by whole steps.
        let opened = try TrainedRun(folder.file("run"), registry: Self.registry)
        let start = try Model(configuration(), source: opened.source)
        for (moved, initial) in zip(opened.model.parameters.first.values, start.parameters.first.values) {
            let steps = (moved - initial) / 0.01
            #expect(abs(steps - steps.rounded()) <= 1e-3 && abs(steps) <= 6.001)
        }
        let evaluated = try WorkerGroup.launch().run(threads: 1) { try opened.evaluate($0).json }
        #expect(try MetricPath("squared_norm").value(in: evaluated) == squaredNorm("run"))

        let replay = try StepReplay(folder.file("run"), step: 5, from: .step(4), registry: Self.registry).run()
        #expect(replay.verdict == .sameBits)

        expectMissingKinds { _ = try TrainedRun(folder.file("run")) }
        expectMissingKinds { _ = try StepReplay(folder.file("run"), step: 5) }
        expectMissingKinds { _ = try Configuration.load(path: config) }
        expectMissingKinds {
            let configuration = try configuration("train.steps=7")
            try train("run", configuration, .resume, registry: .builtIn)
        }
    }

    @Test func aSweepVariesAKeyOfAKindAndRanksByAMetric() throws {
        let path = try folder.write(
            "sweep.yaml",
            "base: c.yaml\nvary:\n  optimizer.threshold: [0, 0.01, 100]\nmetric: squared_norm\ngoal: maximize\n")
        func run(_ output: String, _ registry: Registry) throws -> SweepTable? {
            let options = SweepOptions(output: folder.file(output), threads: 2, progress: .none)
            return try Sweep(options: options, registry: registry).run { try SweepSpecification.load(path: path) }.table
        }
        let table = try #require(try run("sweep", Self.registry))
        #expect(table.rows.count == 3 && table.rows.allSatisfy { $0.status == .done && $0.steps == 6 })
        for (row, threshold) in zip(table.rows, ["0", "0.01", "100"]) {
            try train("alone\(threshold)", configuration("optimizer.threshold=\(threshold)"))
            // The trial is chosen by validation pairs; the figure of the held-out pairs is that of the run alone.
            #expect(row.test == (try squaredNorm("alone\(threshold)")))
        }
        #expect(Set(table.rows.map(\.metric)).count == 3)
        // With the largest threshold nothing moves.
        let start = try TrainedRun(folder.file("alone100"), registry: Self.registry)
        #expect(
            try start.model.parameters.first.values
                == Model(configuration(), source: start.source).parameters.first.values)
        expectMissingKinds { _ = try run("refused", .builtIn) }
        #expect(!folder.exists("refused"))
    }
}
