import CoupletCommunication
import CoupletEvaluation
import CoupletPairs
import CoupletTensors

/// Evaluates a model on pairs that training does not see: retrieval in both directions, classification if the source
/// has labels, the closed form if the source is Gaussian, identifiability if the source knows its latent factors, the
/// run's loss, statistics of the encodings, and the metrics of the config.
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

    /// Maximum number of training pairs for class prototypes, if the second modality is not labels. For an endless
    /// source, also the number of training pairs that label counts and linear probes use.
    public static let prototypePairs = 10_000

    /// Settings of a linear probe.
    public struct Probe: Equatable, Sendable {
        /// Number of labelled training samples of each class; nil uses all.
        public var perClass: Int?
        /// λ, the L2 penalty of `LinearProbe`.
        public var penalty: Double
        /// Index of the layer whose outputs the probe reads; nil for the embeddings.
        public var layer: Int?

        public init(perClass: Int? = nil, penalty: Double = 1, layer: Int? = nil) {
            self.perClass = perClass
            self.penalty = penalty
            self.layer = layer
        }
    }

    /// The measurements of an evaluation.
    public enum Extent: Sendable {
        /// All measurements of the config: at the end of a run, and by `couplet evaluate`.
        case full
        /// Measurements that are cheap compared with training, for evaluations during a run (`train.evaluate_every`):
        /// `evaluation.during.pairs` pairs, prototypes of classes from as many training pairs, and only the linear
        /// regressor of `identifiability`, whatever the config names.
        case brief
    }

    /// The learned scalars of a loss.
    package struct LossParameters: Sendable {
        /// τ.
        package var temperature: Double
        /// 0 if the loss has none.
        package var bias = 0.0

        package init(temperature: Double, bias: Double = 0) {
            self.temperature = temperature
            self.bias = bias
        }
    }

    /// Runs the evaluation. Every worker calls it and gets the same result. It does not change the model.
    /// - Parameters:
    ///   - step: number of finished steps, for the result.
    ///   - temperature: divides similarities to give scores. The closed form of a Gaussian source and classification
    ///     with a label prior use it.
    ///   - loss: temperature and bias of the run's loss; nil leaves out the loss.
    ///   - probe: fits a linear probe of the first encodings; nil fits none.
    ///   - exportSamples: receives the samples of the regressors of `identifiability`, on worker 0 only. Either all
    ///     workers pass it or none does.
    /// - Throws: `DataError` if the source lacks labels, held-out samples or latent factors that are needed;
    ///   `IdentifiabilityError` if there is too little memory for the regressions.
    package func run(
        step: Int, temperature: Double, loss: LossParameters? = nil, probe: Probe? = nil, extent: Extent = .full,
        exportSamples: ((IdentifiabilitySamples) throws -> Void)? = nil
    ) throws -> EvaluationResult {
        let settings = configuration.evaluation
        let split = extent == .full ? Split.heldOut : configuration.evaluationSplit(of: source)
        let pairs = EvaluationPairs(settings, source: source, split: split, extent: extent)
        if pairs.count == 0, probe != nil {
            throw DataError(
                at: "--probe", reason: "the run has no held-out samples to measure a probe on",
                remedy: "hold out some of its data")
        }
        let figures = try measure(pairs, temperature: temperature, loss: loss, probe: probe, extent: extent)
        var validation: ValidationResult?
        if extent == .full, configuration.usesValidation(of: source) {
            let pairs = EvaluationPairs(settings, source: source, split: .validation, extent: .full)
            let figures = try measure(pairs, temperature: temperature, loss: loss, probe: nil, extent: .full)
            validation = ValidationResult(
                retrieval: figures.retrieval, classification: figures.classification, loss: figures.loss,
                encodings: figures.encodings, metrics: figures.metrics)
        }
        return EvaluationResult(
            step: step, retrieval: figures.retrieval, classification: figures.classification, probe: figures.probe,
            gaussian: try gaussian(temperature: temperature),
            identifiability: try identifiability(extent, on: pairs.split, exportSamples: exportSamples),
            loss: figures.loss, temperature: loss?.temperature, encodings: figures.encodings, validation: validation,
            metrics: figures.metrics)
    }

    /// What an evaluation measures on pairs.
    private struct Figures {
        var retrieval: RetrievalResult?
        var classification: ClassificationResult?
        var probe: LinearProbeResult?
        var loss: HeldOutLoss?
        var encodings: EncodingStatistics?
        var metrics: [MetricResult] = []
    }

    /// Measures on pairs of a split. Every worker calls it and gets the same result. Parameters as for `run`.
    private func measure(
        _ pairs: EvaluationPairs, temperature: Double, loss: LossParameters?, probe: Probe?, extent: Extent
    ) throws -> Figures {
        var figures = Figures()
        if pairs.count == 0 { return figures }
        let shards = SampleShards(samples: pairs.count, minimum: configuration.batch.shards)
        let local = localNumbers(shards).map(pairs.number)
        var digests = PerModality<[SampleDigest]>(first: [], second: [])
        let groups = try source.groups(pairs.split, local)
        let galleries = try distinctGalleries(pairs.split, local, groups)
        let first = try encode(.first, pairs, shards) { digests.first += $0 }
        let second = try encode(.second, pairs, shards) { digests.second += $0 }
        let rightAnswers =
            galleries != nil
            ? nil
            : try RightAnswers(
                first: digests.first, second: digests.second, groups: groups, count: pairs.count,
                communicator: communicator)
        figures.retrieval = try Retrieval.evaluate(
            first: first, second: second, similarity: configuration.objective.similarity,
            rightAnswers: rightAnswers, galleries: galleries, shards: shards, communicator: communicator)
        let labels = try source.labels(pairs.split, local)
        figures.classification = try labels.flatMap {
            try classify(first, $0, shards, temperature: temperature, extent: extent)
        }
        figures.probe = try probe.map { probe in
            let read = probe.layer == nil ? first : try encode(.first, pairs, shards, layer: probe.layer)
            return try fit(probe, read, labels, shards)
        }
        figures.loss = try loss.flatMap { try self.loss($0, pairs, first, second, shards) }
        let context = MetricContext(
            first: first, second: second, labels: labels, similarity: configuration.objective.similarity,
            temperature: temperature, shards: shards, communicator: communicator)
        figures.encodings = try EncodingStatistics(context)
        figures.metrics = try configuration.evaluation.metrics.map { try $0.result(context) }
        return figures
    }

    /// The distinct samples of the pairs; nil if the source does not know which samples are equal. Every worker calls
    /// it.
    /// - Parameter numbers: those of this worker's pairs.
    private func distinctGalleries(_ split: Split, _ numbers: [UInt64], _ groups: [Int]?) throws -> DistinctGalleries? {
        guard try knowsEqualSamples(.first, split), try knowsEqualSamples(.second, split),
            let first = try source.sampleRows(split, numbers, .first),
            let second = try source.sampleRows(split, numbers, .second)
        else { return nil }
        return try DistinctGalleries(first: first, second: second, groups: groups, communicator: communicator)
    }

    /// Whether the source knows which samples of a modality are equal. A worker may have no samples to ask for.
    private func knowsEqualSamples(
        _ modality: Modality, _ split: Split, of source: (any PairSource)? = nil
    ) throws -> Bool {
        try (source ?? self.source).sampleRows(split, [0], modality) != nil
    }

    /// Classifies this worker's held-out first encodings into the classes that training has. Every worker calls it.
    /// - Returns: nil if no training sample or no held-out sample has a label.
    private func classify(
        _ encodings: Tensor, _ labels: [Int], _ shards: SampleShards, temperature: Double, extent: Extent
    ) throws -> ClassificationResult? {
        let counts = try labelCounts()
        guard let classes = try classEncodings(counts, extent) else { return nil }
        return try Classification.evaluate(
            encodings, labels: labels, classes: classes, similarity: configuration.objective.similarity,
            prior: counts.map { LabelPrior(counts: $0, temperature: temperature) }, shards: shards,
            communicator: communicator)
    }

    /// Number of training samples of each class; nil if training samples have no labels.
    private func labelCounts() throws -> [Int: Int]? {
        let count = source.count(of: .training) ?? Self.prototypePairs
        var counts: [Int: Int] = [:]
        for start in stride(from: 0, to: count, by: 65_536) {
            let numbers = (start..<min(start + 65_536, count)).map { UInt64($0) }
            guard let labels = try source.labels(.training, numbers) else { return nil }
            for label in labels where label != LabelTable.none { counts[label, default: 0] += 1 }
        }
        return counts.isEmpty ? nil : counts
    }

    /// Fits a linear probe on training samples and evaluates it on held-out samples. Every worker calls it.
    private func fit(
        _ probe: Probe, _ encodings: Tensor, _ labels: [Int]?, _ shards: SampleShards
    ) throws -> LinearProbeResult {
        guard let labels, try labelCounts() != nil else {
            throw DataError(
                at: "--probe", reason: "the run's data have no labels, which a probe learns", remedy: "leave it out")
        }
        let training =
            try probe.perClass.map {
                try FewShotSource(source, perClass: $0, seed: configuration.seed, location: "--per-class")
            } ?? FewShotSource.labelled(source)
        let trainingShards = SampleShards(
            samples: training.count(of: .training) ?? Self.prototypePairs, minimum: configuration.batch.shards)
        let fitted = try LinearProbe(
            try encode(
                .first, EvaluationPairs(first: trainingShards.samples, of: .training), trainingShards,
                layer: probe.layer, from: training),
            labels: try training.labels(.training, localNumbers(trainingShards)) ?? [], penalty: probe.penalty,
            shards: trainingShards, communicator: communicator)
        let (top1, logLoss, count) = try fitted.evaluate(
            encodings, labels: labels, shards: shards, communicator: communicator)
        return LinearProbeResult(
            top1: top1, logLoss: logLoss, perClass: probe.perClass, trainingCount: fitted.trainingCount,
            penalty: probe.penalty, layer: probe.layer, iterations: fitted.iterations,
            hasConverged: fitted.hasConverged,
            count: count)
    }

    /// Encodes the classes that training has with the label encoder. If the second modality is not these labels,
    /// averages the second encodings of each class over training pairs. Every worker calls it.
    /// - Parameter counts: the number of training samples of each class; nil if they have no labels.
    /// - Returns: nil if no training sample has a label.
    private func classEncodings(_ counts: [Int: Int]?, _ extent: Extent) throws -> ClassEncodings? {
        let description = source.description(of: .second)
        if let classes = description.classes, try secondIsLabel() {
            let table = description.labelTable ?? LabelTable(upTo: classes)
            let rows = (0..<classes).filter { counts == nil || counts?[table[$0]] != nil }
            if rows.isEmpty { return nil }
            let encoder = model.batchEncoder(.second, rows: rows.count)
            return ClassEncodings(
                encoder.run(Tensor([rows.count, 1], rows.map(Float.init))), classes: rows.map { table[$0] })
        }
        if counts == nil { return nil }
        let wanted = extent == .full ? Self.prototypePairs : configuration.evaluation.during.pairs
        let count = min(source.count(of: .training) ?? wanted, wanted)
        let shards = SampleShards(samples: count, minimum: configuration.batch.shards)
        let prototypes = try ClassEncodings.prototypes(
            try encode(.second, EvaluationPairs(first: count, of: .training), shards),
            labels: try source.labels(.training, localNumbers(shards)) ?? [],
            similarity: configuration.objective.similarity, shards: shards, communicator: communicator)
        return prototypes.classes.isEmpty ? nil : prototypes
    }

    /// Whether the labels of the second modality are the classes of the samples. A file may have other classes in
    /// /labels.
    private func secondIsLabel() throws -> Bool {
        let table = source.description(of: .second).labelTable
        for split in source.splits {
            let count = min(source.count(of: split) ?? 0, Self.prototypePairs)
            let numbers = (0..<UInt64(count)).map { $0 }, samples = Tensor([count, 1])
            guard count > 0, let labels = try source.labels(split, numbers) else { continue }
            try source.read(split, numbers, first: nil, second: samples)
            for (row, label) in labels.enumerated() where label != LabelTable.none {
                let second = Int(samples.pointer[row])
                if (table?[second] ?? second) != label { return false }
            }
        }
        return true
    }

    /// Indices of the samples of this worker's shards, without padding.
    private func localNumbers(_ shards: SampleShards) -> [UInt64] {
        shards.shards(of: communicator.rank, workers: communicator.size).flatMap {
            shards.samples(of: $0).map(UInt64.init)
        }
    }

    /// Encodes this worker's shards of samples of one modality.
    /// - Parameters:
    ///   - layer: index of the layer whose outputs are the encodings; nil for the embeddings.
    ///   - digests: receives the digests of the samples of each shard, padding left out.
    private func encode(
        _ modality: Modality, _ pairs: EvaluationPairs, _ shards: SampleShards, layer: Int? = nil,
        from otherSource: (any PairSource)? = nil, digests: (([SampleDigest]) -> Void)? = nil
    ) throws -> Tensor {
        let source = otherSource ?? self.source
        let isDistinct = pairs.count > 0 ? try knowsEqualSamples(modality, pairs.split, of: source) : false
        let encoder = try model.batchEncoder(
            modality, rows: isDistinct ? min(shards.size, Self.distinctRows) : shards.size, layer: layer)
        return try ShardedEncoding(shards).run(
            rank: communicator.rank, workers: communicator.size, widths: [encoder.encoder.outputCount]
        ) { numbers, outputs in
            if isDistinct {
                return try encodeDistinct(
                    numbers.map(pairs.number), of: pairs.split, modality, from: source, encoder, into: outputs[0])
            }
            try source.read(
                pairs.split, numbers.map(pairs.number), first: modality == .first ? encoder.input : nil,
                second: modality == .second ? encoder.input : nil)
            if let digests {
                // The padding repeats the last sample.
                let samples = (numbers.last ?? 0) - (numbers.first ?? 0) + 1
                digests((0..<Int(samples)).map { SampleDigest(encoder.input.rows($0..<$0 + 1)) })
            }
            encoder.run(encoder.input, into: outputs[0])
        }[0]
    }

    /// Rows that are encoded at once where several pairs of a shard may share a sample.
    private static let distinctRows = 64

    /// Encodes the samples of a shard, those that several pairs share once.
    private func encodeDistinct(
        _ numbers: [UInt64], of split: Split, _ modality: Modality, from source: any PairSource,
        _ encoder: BatchEncoder, into output: Tensor
    ) throws {
        guard let rows = try source.sampleRows(split, numbers, modality) else { return }
        var places: [Int: Int] = [:], distinct: [UInt64] = []
        let samples = zip(rows, numbers).map { row, number -> Int in
            if let place = places[row] { return place }
            places[row] = distinct.count
            distinct.append(number)
            return distinct.count - 1
        }
        let encodings = Tensor([distinct.count, output.columns])
        try encoder.encode(
            rows: 0..<distinct.count,
            read: { rows in
                let part = Tensor([rows.count] + encoder.encoder.inputShape)
                try source.read(
                    split, Array(distinct[rows]), first: modality == .first ? part : nil,
                    second: modality == .second ? part : nil)
                return part
            }, write: { encoded, rows in encodings.rows(rows).copy(from: encoded) })
        for (row, sample) in samples.enumerated() {
            output.rows(row..<row + 1).copy(from: encodings.rows(sample..<sample + 1))
        }
    }

    func batchEncoder(_ modality: Modality, _ shards: SampleShards) -> BatchEncoder {
        model.batchEncoder(modality, rows: shards.size)
    }

    /// Evaluates the closed form; nil unless the source is Gaussian and both encoders are single linear layers.
    private func gaussian(temperature: Double) throws -> GaussianEvaluation? {
        let similarity = configuration.objective.similarity
        guard let tilt = try model.gaussianTilt(of: source, similarity: similarity, temperature: temperature) else {
            return nil
        }
        return try GaussianEvaluation(tilt, loss: configuration.objective.loss)
    }
}
