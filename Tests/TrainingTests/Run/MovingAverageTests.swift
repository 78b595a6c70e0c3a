import CoupletCommunication
import CoupletFiles
import CoupletInference
import CoupletNetworks
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining
import Foundation
import TestSupport
import Testing

/// The moving average of the parameters, from the step to the evaluation.
@Suite struct MovingAverageTests {
    private static let decay = 0.7

    private static func configuration(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        var configuration = TrainingExample.gaussian {
            $0.encoders.first = .multilayerPerceptron(widths: [12], activation: .tanh, bias: true)
            $0.objective = .init(similarity: .cosine, temperature: .init(initial: 0.2, learned: true))
            $0.batch = .init(size: 64, shards: 8)
            $0.optimizer = .init(learningRate: 0.02, averageDecay: decay)
            $0.evaluation = .init(pairs: 100)
            $0.train = .init(steps: 6, logEvery: 1, evaluateEvery: nil, checkpointEvery: 1, keepCheckpoints: 9)
        }
        change(&configuration)
        return configuration
    }

    private static func isClose(_ found: [Float]?, _ expected: [Double]) -> Bool {
        found?.count == expected.count && zip(found ?? [], expected).allSatisfy { abs(Double($0) - $1) <= 1e-6 }
    }

    /// θ̄ ← d θ̄ + (1 - d) θ, from θ before the first step.
    private static func average(_ parameters: [[Float]]) -> [Double] {
        var average = parameters[0].map(Double.init)
        for next in parameters.dropFirst() {
            for i in average.indices { average[i] = decay * average[i] + (1 - decay) * Double(next[i]) }
        }
        return average
    }

    @Test func equalsTheTwinOnAllWorkersAndAfterAResume() throws {
        let training = ShortTraining(configuration: Self.configuration())
        let trained = try training.train(steps: 6, workers: 1) { model in model.parameters.map(\.values) }
        for modality in Modality.allCases {
            let layout = try Model(
                training.configuration, source: training.configuration.source.makeSource(seed: 1)
            ).encoders[modality].layout
            for entry in layout.entries {
                let average = trained.checkpoint.moment("\(modality.rawValue)/\(entry.path)/average")?.tensor?.values
                let expected = Self.average(trained.observations.map { Array($0[modality][entry.range]) })
                #expect(Self.isClose(average, expected), "\(modality)/\(entry.path)")
                #expect(
                    average != trained.checkpoint.parameter("\(modality.rawValue)/\(entry.path)")?.tensor?.values)
            }
        }
        for workers in [2, 4] {
            #expect(try training.run(steps: 6, workers: workers).digest == trained.checkpoint.digest)
        }
        // The average changes no parameter and no moment.
        var plain = training
        plain.configuration.optimizer.averageDecay = nil
        let without = try plain.train(steps: 6, workers: 1) { _ in 0 }.checkpoint
        #expect(without.digest != trained.checkpoint.digest)
        #expect(without.optimizer.count + 6 == trained.checkpoint.optimizer.count)
        for (path, array) in without.parameters + without.optimizer {
            let other = trained.checkpoint.parameter(path) ?? trained.checkpoint.moment(path)
            #expect(other?.tensor?.values == array.tensor?.values && other?.doubles == array.doubles, "\(path)")
        }

        let runs = TrainedRuns()
        try runs.train("parts", Self.configuration { $0.train.steps = 3 }, threads: 2)
        try runs.train("parts", Self.configuration(), threads: 4, .resume)
        #expect(try runs.checkpoint("parts", 6).digest == trained.checkpoint.digest)
    }

    /// The evaluation of a model that the test loads with the averages by hand.
    private func evaluationOfAverage(_ checkpoint: Checkpoint, _ configuration: Configuration) throws -> String {
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let model = try Model(configuration, source: source)
        for modality in Modality.allCases {
            for entry in model.encoders[modality].layout.entries {
                let path = "\(modality.rawValue)/\(entry.path)"
                let array = checkpoint.moment("\(path)/average") ?? checkpoint.parameter(path)
                model.parameters[modality].flat(entry.range).copy(from: try #require(array?.tensor))
            }
        }
        let scalar = try #require(checkpoint.parameter("objective/log_inverse_temperature")?.doubles?.first)
        return try WorkerGroup.launch().run(threads: 2) { communicator in
            try ModelEvaluation(
                configuration: configuration, model: model, source: source, communicator: communicator
            ).run(
                step: checkpoint.step, temperature: exp(-scalar), loss: .init(temperature: exp(-scalar))
            ).jsonText
        }
    }

    private func evaluation(
        _ path: String, _ parameters: Configuration.Evaluation.Parameters?
    ) throws -> String {
        let run = try TrainedRun(path, parameters: parameters)
        return try WorkerGroup.launch().run(threads: 1) { try run.evaluate($0).jsonText }
    }

    @Test func anEvaluationCanUseIt() throws {
        let runs = TrainedRuns()
        let averaged = Self.configuration { $0.evaluation.parameters = .average }
        try runs.train("averaged", averaged, threads: 2)
        try runs.train("current", Self.configuration())
        let checkpoint = try runs.checkpoint("averaged", 6)
        #expect(try runs.checkpoint("current", 6).digest == checkpoint.digest)
        let byHand = try evaluationOfAverage(checkpoint, averaged)
        let current = try runs.folder.text(of: "current/evaluation.json")
        #expect(byHand != current)
        #expect(try runs.folder.text(of: "averaged/evaluation.json") == byHand)
        for path in [runs.path("averaged"), runs.path("current")] {
            #expect(try evaluation(path, .average) == byHand)
            #expect(try evaluation(path, .current) == current)
        }
        #expect(try evaluation(runs.path("averaged"), nil) == byHand)
        #expect(try evaluation(runs.path("current"), nil) == current)

        // A run without an average has none to use.
        try runs.train("plain", Self.configuration { $0.optimizer.averageDecay = nil })
        let error = #expect(throws: FileError.self) { try TrainedRun(runs.path("plain"), parameters: .average) }
        #expect("\(error!)".contains("no moving average of the parameters"), "\(error!)")
        #expect("\(error!)".contains("optimizer.average_decay"), "\(error!)")
        #expect(try evaluation(runs.path("plain"), .current) == current)
    }

    /// A frozen encoder has no average, and is used as it is.
    @Test(arguments: [[Modality.first], [.first, .second]]) func aFrozenEncoderIsItsOwnAverage(
        _ frozen: [Modality]
    ) throws {
        let runs = TrainedRuns()
        try runs.train("base", Self.configuration())
        let configuration = Self.configuration {
            $0.initialization = .init(from: runs.path("base"), freeze: frozen)
            $0.evaluation.parameters = .average
        }
        try runs.train("run", configuration)
        let checkpoint = try runs.checkpoint("run", 6)
        #expect(checkpoint.moment("first/0/weight/average") == nil)
        let byHand = try evaluationOfAverage(checkpoint, configuration)
        #expect(try runs.folder.text(of: "run/evaluation.json") == byHand)
        #expect(try evaluation(runs.path("run"), nil) == byHand)
    }

    @Test func itStartsAtTheEncodersOfAnotherRun() throws {
        let runs = TrainedRuns()
        try runs.train("base", Self.configuration())
        let base = try runs.checkpoint("base", 6)
        for (run, steps) in [("start", 0), ("run", 2)] {
            try runs.train(
                run,
                Self.configuration {
                    $0.initialization = .init(from: runs.path("base"))
                    $0.seed = 4
                    $0.train.steps = steps
                }, threads: 2)
        }
        let start = try runs.checkpoint("start", 0)
        let checkpoints = try [start, runs.checkpoint("run", 1), runs.checkpoint("run", 2)]
        for (path, array) in base.parameters where !path.hasPrefix("objective") {
            let values = array.tensor?.values
            #expect(start.parameter(path)?.tensor?.values == values, "\(path)")
            #expect(start.moment("\(path)/average")?.tensor?.values == values, "\(path)")
            let expected = Self.average(checkpoints.map { $0.parameter(path)!.tensor!.values })
            #expect(Self.isClose(checkpoints[2].moment("\(path)/average")?.tensor?.values, expected), "\(path)")
        }
    }
}
