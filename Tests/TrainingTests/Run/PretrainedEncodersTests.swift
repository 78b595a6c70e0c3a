import CoupletFiles
import CoupletNetworks
import CoupletPairs
import CoupletReplay
import CoupletStorage
import CoupletTensors
import CoupletTraining
import Glibc
import TestSupport
import Testing

/// Runs that begin with encoders of another run, and freeze some of them.
@Suite struct PretrainedEncodersTests {
    /// A folder with the data of three classes and a run on them, "base", of an MLP and a label encoder.
    private struct Runs {
        let folder: TemporaryFolder
        static let count = 30, width = 4

        init() throws {
            folder = TemporaryFolder()
            let file = try HDF5File(creating: "\(folder.path)/pairs.h5")
            let philox = Philox(seed: 5)
            let rows = (0..<Self.count).flatMap { i in
                philox.normals(Self.width, .source, number: UInt64(i)).enumerated().map { $1 + ($0 == i % 3 ? 1.5 : 0) }
            }
            try file.write("/first", Tensor([Self.count, Self.width], rows))
            try file.write("/second", (0..<Self.count).map { $0 % 3 }, shape: [Self.count])
            try file.close()
            try train("base", base())
        }

        func path(_ run: String) -> String { "\(folder.path)/\(run)" }

        func base(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
            var configuration = Configuration(
                name: "base", source: .hdf5(path: "\(folder.path)/pairs.h5", heldOut: 0),
                encoders: .init(
                    embedding: 3, first: .multilayerPerceptron(widths: [6], activation: .tanh, bias: true),
                    second: .labels),
                batch: .init(size: 24, shards: 8), optimizer: .init(learningRate: 0.02),
                train: .init(steps: 10, logEvery: 1, evaluateEvery: nil, checkpointEvery: 5))
            change(&configuration)
            return configuration
        }

        /// Trains a head on the frozen first encoder of the base: the batch is all pairs, the loss predicts the label,
        /// the optimizer is plain SGD.
        func head(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
            base {
                $0.seed = 2
                $0.initialization = .init(from: path("base"), encoders: [.first], freeze: [.first])
                $0.objective = .init(loss: .conditional(first: 0, second: 1))
                $0.batch = .init(size: 30, shards: 2)
                $0.optimizer = .init(kind: .sgd(), learningRate: 0.4)
                $0.train.steps = 25
                change(&$0)
            }
        }

        func train(
            _ run: String, _ configuration: Configuration, threads: Int = 1, _ existing: RunFolder.ExistingRun = .refuse
        ) throws {
            try Trainer(
                options: TrainingOptions(output: path(run), existing: existing, threads: threads, progress: .none)
            ).run { configuration }
        }

        func checkpoint(_ run: String, _ step: Int) throws -> Checkpoint {
            let store = CheckpointStore(folder: path(run) + "/checkpoints")
            return try store.read(store.path(ofStep: step))
        }

        func error(_ configuration: Configuration) -> String {
            do {
                try train("wrong", configuration)
                return ""
            } catch { return "\(error)" }
        }
    }

    private static func floats(_ content: Checkpoint, _ path: String) throws -> [Float] {
        try #require(content.parameter(path)?.tensor).values
    }

    /// A frozen encoder and labels, with equally many pairs of each label in the batch, are softmax regression. Each
    /// score occurs ten times in the sum over the batch, which adds log 10 to the loss. The oracle is gradient descent
    /// in Double, which knows only the parameters of the base and the initial label vectors.
    @Test func aHeadOnAFrozenEncoderIsSoftmaxRegression() throws {
        let runs = try Runs(), configuration = runs.head()
        try runs.train("head", configuration, threads: 2)
        let base = try runs.checkpoint("base", 10), head = try runs.checkpoint("head", 25)
        for path in ["first/0/weight", "first/0/bias", "first/1/weight", "first/1/bias"] {
            #expect(try Self.floats(head, path) == Self.floats(base, path))
        }
        let inputs = try HDF5File(reading: "\(runs.folder.path)/pairs.h5").readFloats("/first").values.map(Double.init)
        func layer(_ x: [Double], _ number: Int) throws -> [Double] {
            let weight = try Self.floats(base, "first/\(number)/weight"),
                bias = try Self.floats(base, "first/\(number)/bias")
            return bias.indices.map { k in
                x.indices.reduce(Double(bias[k])) { $0 + Double(weight[k * x.count + $1]) * x[$1] }
            }
        }
        let encodings = try (0..<Runs.count).map { i in
            try layer(layer(Array(inputs[4 * i..<4 * (i + 1)]), 0).map { tanh($0) }, 1)
        }
        let source = try configuration.source.makeSource(seed: 2), start = try Model(configuration, source: source)
        var vectors = (0..<3).map { c in (0..<3).map { Double(start.parameters.second[3 * c + $0]) } }
        var losses: [Double] = [], norms: [Double] = []
        for _ in 0..<25 {
            var gradient = [[Double]](repeating: [0, 0, 0], count: 3), loss = 0.0
            for (i, x) in encodings.enumerated() {
                let scores = vectors.map { v in exp((0..<3).reduce(0) { $0 + v[$1] * x[$1] }) },
                    sum = scores.reduce(0, +)
                loss += log(sum) - log(scores[i % 3])
                for c in 0..<3 {
                    for k in 0..<3 { gradient[c][k] += (scores[c] / sum - (c == i % 3 ? 1 : 0)) * x[k] / 30 }
                }
            }
            losses.append(loss / 30 + log(10))
            norms.append(gradient.joined().reduce(0) { $0 + $1 * $1 }.squareRoot())
            for c in 0..<3 { for k in 0..<3 { vectors[c][k] -= 0.4 * gradient[c][k] } }
        }
        let learned = try Self.floats(head, "second/0/weight")
        #expect(zip(learned, vectors.joined()).allSatisfy { abs(Double($0) - $1) <= 2e-5 }, "\(learned) and \(vectors)")
        #expect(losses[24] < losses[0] - 0.05)
        let logged = try MetricsFile.records(path: runs.path("head/metrics.jsonl"))
        #expect(logged.count == 25 && zip(logged, losses).allSatisfy { abs($0.loss - $1) <= 1e-5 })
        // The norm covers only the trained parameters.
        #expect(zip(logged, norms).allSatisfy { abs($0.gradientNorm - $1) <= 1e-5 })
    }

    @Test(arguments: [Modality.first, .second], [Configuration.Batch.Activations.keep, .recompute])
    func theSameBitsOnAnyNumberOfWorkers(_ frozen: Modality, _ activations: Configuration.Batch.Activations) throws {
        let runs = try Runs(), base = try runs.checkpoint("base", 10)
        let configuration = runs.base {
            $0.initialization = .init(from: runs.path("base"), freeze: [frozen])
            $0.objective = .init(similarity: .cosine, temperature: .init(initial: 0.3, learned: true))
            $0.optimizer = .init(kind: .adamw(), learningRate: 0.01, weightDecay: 0.1, clipNorm: 0.2)
            $0.batch.activations = activations
            $0.seed = 9
        }
        for threads in [1, 2, 4] { try runs.train("on\(threads)", configuration, threads: threads) }
        let one = try runs.checkpoint("on1", 10)
        for threads in [2, 4] { #expect(try runs.checkpoint("on\(threads)", 10).digest == one.digest) }
        // Weight decay alone would have changed a trained encoder.
        for (path, array) in base.parameters where path.hasPrefix(frozen.rawValue) {
            #expect(array.tensor?.values == one.parameter(path)?.tensor?.values)
        }
        for (path, array) in base.parameters where !path.hasPrefix(frozen.rawValue) {
            #expect(array.tensor?.values != one.parameter(path)?.tensor?.values)
        }
        #expect(one.optimizer.allSatisfy { !$0.path.hasPrefix(frozen.rawValue) } && !one.optimizer.isEmpty)
    }

    /// A run that begins with both encoders and freezes nothing continues as the other run would have: plain SGD gives
    /// the same parameters, because each batch is all pairs.
    @Test func bothEncodersAreTakenByDefault() throws {
        let runs = try Runs()
        let plain = runs.base {
            $0.batch = .init(size: 30, shards: 2)
            $0.optimizer = .init(kind: .sgd(), learningRate: 0.3)
            $0.train.steps = 1
        }
        try runs.train("one", plain)
        try runs.train(
            "again",
            runs.base {
                $0.batch = plain.batch
                $0.optimizer = plain.optimizer
                $0.train.steps = 1
                $0.initialization = .init(from: runs.path("one"))
            })
        // The second step of the first run has the pairs at other positions, so its sums differ only by rounding.
        try runs.train(
            "one",
            runs.base {
                $0.batch = plain.batch
                $0.optimizer = plain.optimizer
                $0.train.steps = 2
            }, .resume)
        let two = try runs.checkpoint("one", 2), again = try runs.checkpoint("again", 1)
        for (path, array) in two.parameters {
            let other = try Self.floats(again, path)
            #expect(zip(array.tensor!.values, other).allSatisfy { abs($0 - $1) <= 1e-5 }, "\(path)")
            #expect(try Self.floats(runs.checkpoint("one", 1), path) != other)
        }
    }

    @Test func resumingDoesNotNeedTheOtherRun() throws {
        let runs = try Runs()
        try runs.train("whole", runs.head())
        try runs.train("parts", runs.head { $0.train.steps = 10 })
        _ = system("rm -rf '\(runs.path("base"))'")
        try runs.train("parts", runs.head(), .resume)
        #expect(try runs.checkpoint("parts", 25).digest == runs.checkpoint("whole", 25).digest)
        #expect(runs.error(runs.head()).contains("initialize.from: there is no run in \(runs.path("base"))"))
    }

    @Test func aReplayFromStepZeroFindsTheInitialEncoders() throws {
        let runs = try Runs()
        try runs.train("head", runs.head())
        // The other run continues, but the checkpoint of that time still exists.
        try runs.train("base", runs.base { $0.train.steps = 12 }, .resume)
        let report = try StepReplay(runs.path("head"), step: 25, from: .step(0)).run(threads: 2)
        #expect(
            report.verdict == .sameBits && report.checks.count == 25
                && report.digests.map(\.step) == [5, 10, 15, 20, 25].suffix(report.digests.count))
        #expect(
            report.first.gradientNorm == 0 && report.first.parameters.allSatisfy { $0.updateNorm == 0 }
                && report.second.gradientNorm > 0)
        // The checkpoint does not exist any more.
        try runs.train("base", runs.base { $0.train.steps = 30 }, .resume)
        #expect(throws: FileError.self) { try StepReplay(runs.path("head"), step: 3, from: .step(0)) }
        #expect(try StepReplay(runs.path("head"), step: 25).run().verdict == .sameBits)
    }

    @Test func anEncoderThatDiffersIsNamedWithTheDifference() throws {
        let runs = try Runs()
        let wider = EncoderSpecification.multilayerPerceptron(widths: [7], activation: .tanh, bias: true)
        let wrong = runs.error(runs.head { $0.encoders.first = wider })
        #expect(
            wrong.contains("the first encoder of") && wrong.contains("encoders.first.widths is [6] there and [7] here"),
            "\(wrong)")
        #expect(
            runs.error(runs.head { $0.encoders.embedding = 4 }).contains("encoders.embedding is 3 there and 4 here"))
        let ownFolder = runs.error(runs.head { $0.initialization = .init(from: runs.path("wrong"), freeze: [.first]) })
        #expect(ownFolder.contains("own folder"), "\(ownFolder)")
        let both = runs.error(
            runs.head {
                $0.initialization = .init(from: runs.path("base"))
                $0.encoders.embedding = 4
            })
        #expect(both.contains("neither encoder of"), "\(both)")
        // A second encoder that differs is no error if the config does not name it.
        let numbers = try Self.numbers(runs)
        try runs.train(
            "other",
            runs.head {
                $0.initialization = .init(from: runs.path("base"), freeze: [.first])
                $0.encoders.second = .linear(bias: false)
                $0.source = numbers
            })
        let log = try runs.folder.text(of: "other/log.txt")
        #expect(
            log.contains("the first encoder starts from")
                && log.contains("the second encoder starts from random numbers: encoders.second.kind is labels there"))
    }

    /// The same data with numbers instead of labels.
    private static func numbers(_ runs: Runs) throws -> SourceSpecification {
        let path = "\(runs.folder.path)/numbers.h5", file = try HDF5File(creating: path)
        try file.write("/first", HDF5File(reading: "\(runs.folder.path)/pairs.h5").readFloats("/first"))
        try file.write("/second", Tensor([Runs.count, 2], (0..<2 * Runs.count).map { Float($0 % 7) }))
        try file.close()
        return .hdf5(path: path, heldOut: 0)
    }
}
