import CoupletCommunication
import CoupletEvaluation
import CoupletPairs
import CoupletTensors

/// What a model's encoders are worth on held-out pairs: retrieval both ways, classification where the source knows classes, the closed form where it is
/// Gaussian, the latent factors where it knows them.
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

    /// Training pairs that class prototypes are made of, where the second modality is not labels; and on which of an endless source labels are
    /// counted and probes fitted.
    public static let prototypePairs = 10_000

    /// How a linear probe is fitted.
    public struct Probe: Equatable, Sendable {
        /// Labelled training samples of each class; nil: all.
        public var perClass: Int?
        /// λ of `LinearProbe`.
        public var penalty: Double

        public init(perClass: Int? = nil, penalty: Double = 1) {
            self.perClass = perClass
            self.penalty = penalty
        }
    }

    /// Every worker calls it and gets the same result. It changes nothing in the model.
    /// - Parameters:
    ///   - step: the steps done, told in the result.
    ///   - temperature: τ, which the coupling of a Gaussian is divided by, and similarities where the prior of the labels is added.
    ///   - probe: how a linear probe of the first encodings is fitted; nil: there is none.
    ///   - extent: how much of it.
    ///   - keep: is given, on worker 0 alone, what the regressors of `identifiability` see.
    /// - Throws: `DataError` where something is wanted that the source has no labels, no held-out samples or no latent factors for;
    ///   `IdentifiabilityError` where there is too little memory for its regressions.
    package func run(
        step: Int, temperature: Double, probe: Probe? = nil, extent: Extent = .full,
        keep: ((IdentifiabilitySamples) throws -> Void)? = nil
    ) throws -> EvaluationResult {
        let available = source.count(of: .heldOut)
        let wanted = configuration.evaluation.pairs ?? available ?? Configuration.Evaluation.defaultEndlessGallerySize
        let pairs = min(wanted, available ?? .max)
        var retrieval: RetrievalResult?, classification: ClassificationResult?, probed: LinearProbeResult?
        if pairs > 0 {
            let shards = SampleShards(samples: pairs, minimum: configuration.batch.shards)
            let encodings = try encode(.heldOut, shards, [.first, .second])
            retrieval = try Retrieval.evaluate(
                first: encodings[0], second: encodings[1], similarity: configuration.objective.similarity,
                shards: shards,
                communicator: communicator)
            let labels = try source.labels(.heldOut, ownNumbers(shards))
            classification = try labels.map { try classify(encodings[0], $0, shards, temperature: temperature) }
            probed = try probe.map { try fit($0, encodings[0], labels, shards) }
        } else if probe != nil {
            throw DataError(
                place: "--probe", reason: "the run has no held-out samples to measure a probe on",
                remedy: "hold out some of its data")
        }
        return EvaluationResult(
            step: step, retrieval: retrieval, classification: classification, probe: probed,
            gaussian: try gaussian(temperature: temperature),
            identifiability: try identifiability(extent, keep: keep))
    }

    private func classify(_ encodings: Tensor, _ labels: [Int], _ shards: SampleShards, temperature: Double) throws
        -> ClassificationResult
    {
        try Classification.evaluate(
            encodings, labels: labels, classes: try classEncodings(), similarity: configuration.objective.similarity,
            prior: try labelCounts().map { LabelPrior(counts: $0, temperature: temperature) }, shards: shards,
            communicator: communicator)
    }

    /// How many training samples are of each class; nil where those have no labels.
    private func labelCounts() throws -> [Int: Int]? {
        let count = source.count(of: .training) ?? Self.prototypePairs
        var counts: [Int: Int] = [:]
        for start in stride(from: 0, to: count, by: 65_536) {
            let numbers = (start..<min(start + 65_536, count)).map { UInt64($0) }
            guard let labels = try source.labels(.training, numbers) else { return nil }
            for label in labels { counts[label, default: 0] += 1 }
        }
        return counts.isEmpty ? nil : counts
    }

    /// Fits a linear probe on training samples and measures it on held-out ones.
    private func fit(_ probe: Probe, _ encodings: Tensor, _ labels: [Int]?, _ shards: SampleShards) throws
        -> LinearProbeResult
    {
        guard let labels, try source.labels(.training, [0]) != nil else {
            throw DataError(
                place: "--probe", reason: "the run's data have no labels, which a probe learns", remedy: "leave it out")
        }
        let training =
            try probe.perClass.map {
                try FewShotSource(source, perClass: $0, seed: configuration.seed, place: "--per-class")
            } ?? source
        let trainingShards = SampleShards(
            samples: training.count(of: .training) ?? Self.prototypePairs, minimum: configuration.batch.shards)
        let fitted = try LinearProbe(
            try encode(.training, trainingShards, [.first], of: training)[0],
            labels: try training.labels(.training, ownNumbers(trainingShards)) ?? [], penalty: probe.penalty,
            shards: trainingShards,
            communicator: communicator)
        let (top1, logLoss) = try fitted.evaluate(encodings, labels: labels, shards: shards, communicator: communicator)
        return LinearProbeResult(
            top1: top1, logLoss: logLoss, perClass: probe.perClass, trainingCount: fitted.trainingCount,
            penalty: probe.penalty,
            iterations: fitted.iterations, hasConverged: fitted.hasConverged, count: shards.samples)
    }

    /// The label encoder on every class; where the second modality is not labels, the mean second encoding of each class over training pairs.
    private func classEncodings() throws -> ClassEncodings {
        if let classes = source.description(of: .second).classes {
            let pass = BatchEncoder(model.second, parameters: model.secondParameters, rows: classes)
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
        shards.shards(of: communicator.rank, workers: communicator.size).flatMap {
            shards.samples(of: $0).map(UInt64.init)
        }
    }

    private func encode(
        _ split: Split, _ shards: SampleShards, _ modalities: [Modality], of other: (any PairSource)? = nil
    ) throws -> [Tensor] {
        let source = other ?? self.source
        let passes = modalities.map {
            BatchEncoder(model.encoder($0), parameters: model.parameters($0), rows: shards.size)
        }
        return try ShardedEncoding(shards).run(
            rank: communicator.rank, workers: communicator.size, widths: passes.map(\.encoder.outputCount)
        ) { numbers, outputs in
            for (pass, (modality, output)) in zip(passes, zip(modalities, outputs)) {
                try source.read(
                    split, numbers, first: modality == .first ? pass.input : nil,
                    second: modality == .second ? pass.input : nil)
                pass.run(pass.input, into: output)
            }
        }
    }

    private func gaussian(temperature: Double) throws -> GaussianEvaluation? {
        let similarity = configuration.objective.similarity
        guard let tilt = try model.gaussianTilt(of: source, similarity: similarity, temperature: temperature) else {
            return nil
        }
        return try GaussianEvaluation(tilt, loss: configuration.objective.loss)
    }
}
