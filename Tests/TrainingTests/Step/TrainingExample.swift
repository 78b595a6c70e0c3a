import CoupletCommunication
import CoupletLosses
import CoupletNetworks
import CoupletPairs
import CoupletStorage
import CoupletTraining
import Testing

/// Trains in this process for a few steps.
struct ShortTraining {
    var configuration: Configuration
    var tileMemory = 1 << 24
    /// Replaces the source that the config names.
    var source: (any PairSource)?

    /// - Parameter workers: number of threads.
    /// - Returns: the digest of the state after the last step, and the losses of all steps.
    func run(steps: Int, workers: Int) throws -> (digest: String, losses: [Double]) {
        let trained = try train(steps: steps, workers: workers) { _ in 0 }
        return (trained.checkpoint.digest, trained.reports.map(\.loss))
    }

    /// - Parameters:
    ///   - prepare: changes the initial parameters.
    ///   - observe: is called before the first step and after each step.
    /// - Returns: the state after the last step, the reports of all steps, and what was observed.
    func train<Observation>(
        steps: Int, workers: Int, prepare: (Model) throws -> Void = { _ in },
        observe: @Sendable (Model) -> Observation
    ) throws -> (checkpoint: Checkpoint, reports: [StepReport], observations: [Observation]) {
        let configuration = configuration, tileMemory = tileMemory
        let source = try source ?? configuration.source.makeSource(seed: configuration.seed)
        let model = try Model(configuration, source: source)
        try prepare(model)
        let result = try WorkerGroup.launch().run(threads: workers) { communicator in
            let step = try TrainingStep(
                configuration, model: model, source: source, communicator: communicator, tileMemory: tileMemory)
            var reports: [StepReport] = [], observations = [observe(model)]
            for number in 0..<steps {
                reports.append(try step.run(number))
                observations.append(observe(model))
            }
            let state = RunState(configuration: configuration, model: model, step: step, communicator: communicator)
            return (try state.gather(step: steps), reports, observations)
        }
        return (try #require(result.0), result.1, result.2)
    }
}

/// Small configs that several tests vary.
enum TrainingExample {
    /// Linear encoders of a Gaussian source.
    static func gaussian(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        var configuration = Configuration(
            name: "gaussian", source: .gaussian(dimensions: [8, 6], correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]),
            encoders: .init(embedding: 3, first: .linear(bias: false), second: .linear(bias: true)),
            batch: .init(size: 2048, shards: 16), optimizer: .init(learningRate: 0.01), train: .init(steps: 50))
        change(&configuration)
        return configuration
    }

    /// One encoder that both modalities share.
    static func shared(_ loss: any Loss) -> Configuration {
        let encoder = EncoderSpecification.multilayerPerceptron(
            widths: [40, 24], activation: .leakyRelu(slope: 0.01), bias: true)
        return gaussian {
            $0.source = .gaussian(dimensions: [8, 8], correlations: [0.9, 0.75, 0.6])
            $0.encoders = .init(embedding: 3, first: encoder, second: encoder, shared: true)
            $0.objective = .init(similarity: .quadratic, loss: loss)
            $0.batch = .init(size: 16 * 24, shards: 16)
        }
    }
}
