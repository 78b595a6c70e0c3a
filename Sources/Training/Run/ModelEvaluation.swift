import Collectives
import Evaluation
import Networks
import Objectives
import Pairs
import Tensors

/// What a model's encoders are worth on held-out pairs: retrieval both ways, classification where the source knows classes, the closed form where it is
/// Gaussian.
public struct ModelEvaluation {
    let configuration: Configuration
    let model: Model
    let source: any PairSource
    let communicator: any Communicator

    package init(configuration: Configuration, model: Model, source: any PairSource, communicator: any Communicator) {
        self.configuration = configuration
        self.model = model
        self.source = source
        self.communicator = communicator
    }

    /// Training pairs that class prototypes are made of, where the second modality is not labels.
    public static let prototypePairs = 10_000

    /// Every worker calls it and gets the same result. It changes nothing in the model.
    /// - Parameters:
    ///   - step: the steps done, told in the result.
    ///   - temperature: τ, which the coupling of a Gaussian is divided by.
    package func run(step: Int, temperature: Double) throws -> EvaluationResult {
        let available = source.count(of: .heldOut)
        let wanted = configuration.evaluation.pairs ?? available ?? Configuration.Evaluation.endlessPairs
        let pairs = min(wanted, available ?? .max)
        var retrieval: RetrievalResult?, classification: ClassificationResult?
        if pairs > 0 {
            let shards = SampleShards(samples: pairs, minimum: configuration.batch.shards)
            let encodings = try encode(.heldOut, shards, [.first, .second])
            retrieval = try Retrieval.evaluate(
                first: encodings[0], second: encodings[1], similarity: configuration.objective.similarity, shards: shards,
                communicator: communicator)
            classification = try classify(encodings[0], shards)
        }
        return EvaluationResult(
            step: step, retrieval: retrieval, classification: classification, gaussian: try gaussian(temperature: temperature))
    }

    private func classify(_ encodings: Tensor, _ shards: SampleShards) throws -> ClassificationResult? {
        guard let labels = try source.labels(.heldOut, ownNumbers(shards)) else { return nil }
        return try Classification.evaluate(
            encodings, labels: labels, classes: try classEncodings(), similarity: configuration.objective.similarity, shards: shards,
            communicator: communicator)
    }

    /// The label encoder on every class; where the second modality is not labels, the mean second encoding of each class over training pairs.
    private func classEncodings() throws -> ClassEncodings {
        if let classes = source.description(of: .second).classes {
            let pass = EncoderPass(model.second, parameters: model.secondParameters, rows: classes)
            return ClassEncodings(pass.run(Tensor([classes, 1], (0..<classes).map(Float.init))))
        }
        let count = min(source.count(of: .training) ?? Self.prototypePairs, Self.prototypePairs)
        let shards = SampleShards(samples: count, minimum: configuration.batch.shards)
        return try ClassEncodings.prototypes(
            try encode(.training, shards, [.second])[0], labels: try source.labels(.training, ownNumbers(shards)) ?? [],
            similarity: configuration.objective.similarity, shards: shards, communicator: communicator)
    }

    /// The samples of this worker's shards, filling left out.
    private func ownNumbers(_ shards: SampleShards) -> [UInt64] {
        shards.shards(of: communicator.rank, workers: communicator.size).flatMap { shards.samples(of: $0).map(UInt64.init) }
    }

    private func encode(_ split: Split, _ shards: SampleShards, _ modalities: [Modality]) throws -> [Tensor] {
        let passes = modalities.map { EncoderPass(model.encoder($0), parameters: model.parameters($0), rows: shards.size) }
        return try EncodingPass(shards).run(
            rank: communicator.rank, workers: communicator.size, widths: passes.map(\.encoder.outputCount)
        ) { numbers, outputs in
            for (pass, (modality, output)) in zip(passes, zip(modalities, outputs)) {
                try source.read(
                    split, numbers, first: modality == .first ? pass.input : nil, second: modality == .second ? pass.input : nil)
                pass.run(pass.input, into: output)
            }
        }
    }

    private func gaussian(temperature: Double) throws -> GaussianEvaluation? {
        let similarity = configuration.objective.similarity
        guard let tilt = try model.gaussianTilt(of: source, similarity: similarity, temperature: temperature) else { return nil }
        return try GaussianEvaluation(tilt, loss: configuration.objective.loss)
    }
}
