import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletTensors
import CoupletText

/// Estimate of the memory that a training with its evaluations takes, by kind. `couplet config` and the start of a run
/// print it, and compare it with the memory that there is.
public struct MemoryEstimate: Sendable {
    /// The memory of one kind, in bytes.
    public struct Part: Sendable {
        public let kind: String
        /// Bytes of each worker.
        public let worker: Int
        /// Bytes that the workers of a process share.
        public let process: Int
    }

    /// Number of workers of a process.
    public let threads: Int
    public private(set) var parts: [Part]

    /// - Parameters:
    ///   - workers: number of workers in all processes.
    ///   - threads: number of workers of a process.
    ///   - saves: whether checkpoints are written.
    ///   - evaluates: whether the model is evaluated.
    public init(
        _ configuration: Configuration, model: Model, source: any PairSource, workers: Int, threads: Int,
        saves: Bool = true, evaluates: Bool = true
    ) {
        self.init(
            configuration, model: model.built, source: source, workers: workers, threads: threads, saves: saves,
            evaluates: evaluates)
    }

    /// The estimate before the model has its parameters. Parameters as above.
    package init(
        _ configuration: Configuration, model: ModelEncoders, source: any PairSource, workers: Int, threads: Int,
        saves: Bool = true, evaluates: Bool = true
    ) {
        let floatSize = MemoryLayout<Float>.stride
        let batch = configuration.batch, objective = configuration.objective, optimizer = configuration.optimizer
        let partition = ShardPartition(shards: batch.shards, workers: workers), localShards = partition.largest
        let localRows = localShards * (batch.size / batch.shards)
        let batchCount = objective.loss.batchCount, inputCount = model.isShared ? 2 * batchCount : batchCount
        let encoders = [model.encoders.first, model.encoders.second]

        let trainedParameters = model.trainedEncoders.reduce(0) { $0 + $1.layout.count } * floatSize
        let gradientBuffers = PairwiseAccumulation.bufferCount(partition, inputs: inputCount)
        let trained = model.modalitiesWithOwnEncoder.filter { !model.frozen.contains($0) }
        let gradients = trained.reduce(0) { sum, modality in
            let encoder = model.encoders[modality]
            let table = encoder.sparseTable.map {
                TableGradients.bytes(
                    $0, buffers: gradientBuffers,
                    numbers: inputCount * batch.samples(modality) * encoder.inputShape.reduce(1, *))
            }
            return sum + gradientBuffers * encoder.layout.denseCount * floatSize + (table ?? 0)
        }
        let momentCount = optimizer.arrayNames.count
        let activations =
            trained.reduce(0) {
                $0
                    + model.encoders[$1].memory(
                        rows: batch.shardSamples($1), slots: inputCount * localShards,
                        recomputes: batch.activations == .recompute
                    ).total
            }
            + model.frozen.reduce(0) {
                $0 + model.encoders[$1].memory(rows: batch.shardSamples($1), slots: 1, backward: false).total
            }
        // Nil also if a kernel needs too many features. The training step throws that error.
        let features = try? BatchFeatures.counts(configuration, source: source)
        let engine = PairwiseEngine.memory(
            workers: workers, shards: batch.shards, batchSize: batch.size, dimension: configuration.encoders.embedding,
            similarity: objective.similarity, loss: objective.loss, tileMemory: batch.tileMemory / threads,
            features: features, groups: objective.groups, equalSamples: objective.equalSamples)
        // With several pairs a sample the encodings of the samples are there, too.
        let repeated = batch.secondPerFirst == 1 ? 0 : batchCount * encoders[0].outputCount / batch.secondPerFirst
        let encodingColumns = encoders.reduce(0) { $0 + batchCount * $1.outputCount } + repeated
        let featureColumns = features.map { $0.first + $0.second } ?? 0
        let sampleNumbers = Modality.allCases.reduce(0) {
            $0 + localShards * batch.shardSamples($1) * model.encoders[$1].inputShape.reduce(1, *)
        }
        let samples = batchCount * BatchReader.bufferCount(for: source) * sampleNumbers * floatSize
        // Only the process of worker 0 has these buffers.
        let checkpoint = saves ? CheckpointBuffers.bytes(model, optimizer: optimizer) : 0

        self.threads = threads
        parts = [
            Part(kind: "parameters", worker: 0, process: model.parameterCount * floatSize),
            Part(kind: "gradients", worker: gradients, process: 0),
            Part(kind: "moments", worker: momentCount * trainedParameters / batch.shards * localShards, process: 0),
            Part(kind: "activations", worker: activations, process: 0),
            Part(
                kind: "encodings and engine",
                worker: (encodingColumns + featureColumns) * localRows * floatSize + engine.buffers, process: 0),
            Part(kind: "tiles of scores", worker: engine.tiles, process: 0),
            Part(kind: "data", worker: samples, process: source.residentBytes),
            Part(kind: "checkpoint", worker: 0, process: checkpoint),
            Part(kind: "scratch of products", worker: Self.productScratch, process: 0),
        ]
        if evaluates {
            parts.append(
                Part(
                    kind: "evaluation",
                    worker: Self.evaluation(configuration, model: model, source: source, workers: workers),
                    process: Self.kernelMatrix(configuration, source: source)))
        }
    }

    /// Bytes that the matrix products of a thread take to pack their operands.
    private static let productScratch = 1 << 20

    /// The estimate of an evaluation alone, as `couplet evaluate` runs it.
    package init(
        evaluationOf configuration: Configuration, model: ModelEncoders, source: any PairSource, workers: Int,
        threads: Int
    ) {
        self.threads = threads
        parts = [
            Part(kind: "parameters", worker: 0, process: model.parameterCount * MemoryLayout<Float>.stride),
            Part(kind: "data", worker: 0, process: source.residentBytes),
            Part(
                kind: "evaluation",
                worker: Self.evaluation(configuration, model: model, source: source, workers: workers),
                process: Self.kernelMatrix(configuration, source: source)),
        ]
    }

    /// The parameters alone.
    package init(parametersOf model: ModelEncoders) {
        threads = 1
        parts = [Part(kind: "parameters", worker: 0, process: model.parameterCount * MemoryLayout<Float>.stride)]
    }

    /// Bytes of a worker that an evaluation takes and gives back: encodings of the gallery, a batch of activations, and
    /// the samples of `evaluation.identifiability`, which every worker has.
    private static func evaluation(
        _ configuration: Configuration, model: ModelEncoders, source: any PairSource, workers: Int
    ) -> Int {
        let floatSize = MemoryLayout<Float>.stride, settings = configuration.evaluation
        let embedding = configuration.encoders.embedding
        func rows(_ samples: Int) -> (local: Int, shard: Int) {
            let shards = SampleShards(samples: samples, minimum: configuration.batch.shards)
            let most = (0..<workers).reduce(1) { max($0, shards.shards(of: $1, workers: workers).count) }
            return (most * shards.size, shards.size)
        }
        func activations(_ rows: Int) -> Int {
            [model.encoders.first, model.encoders.second].map { encoder in
                encoder.memory(rows: rows, slots: 1, backward: false).total
                    + rows * encoder.inputShape.reduce(1, *) * floatSize
            }.max() ?? 0
        }
        // The validation pairs of an evaluation are measured after the test pairs.
        let validation = configuration.usesValidation(of: source) ? source.count(of: .validation) : 0
        let available = source.count(of: .heldOut).flatMap { count in validation.map { max(count, $0) } }
        let pairs = min(
            settings.pairs ?? available ?? Configuration.Evaluation.defaultEndlessGallerySize, available ?? .max)
        var retrieval = 0, identifiability = 0, loss = 0
        if pairs > 0 {
            let (local, shard) = rows(pairs)
            // Both modalities, their unit vectors, and the block that travels from worker to worker.
            retrieval = 5 * local * embedding * floatSize + shard * shard * floatSize + activations(shard)
            loss = lossBytes(configuration, source: source, workers: workers, activations: activations)
        }
        if let samples = settings.identifiability?.samples, let latent = source.latentFactorSource {
            let count = min(samples, available ?? samples), (local, shard) = rows(count)
            let columns = 2 * embedding + latent.latentFactors.reduce(0) { $0 + $1.columns }
            // Samples for fitting and scoring, in Double, and twice those of one modality standardised.
            identifiability =
                2 * count * (columns + embedding) * MemoryLayout<Double>.stride
                + 2 * local * embedding * floatSize + activations(shard)
        }
        return max(retrieval, identifiability, loss)
    }

    /// Bytes of a worker for the held-out loss: an engine without tiles, the encodings of a batch, and its samples if
    /// the loss compares data.
    private static func lossBytes(
        _ configuration: Configuration, source: any PairSource, workers: Int, activations: (_ rows: Int) -> Int
    ) -> Int {
        let pairs = EvaluationPairs(configuration.evaluation, source: source, split: .heldOut, extent: .full)
        guard let batches = LossBatches(configuration, pairs, source: source) else { return 0 }
        let objective = configuration.objective, batch = configuration.batch
        let embedding = configuration.encoders.embedding,
            rows = ShardPartition(shards: batch.shards, workers: workers).largest * (batches.size / batch.shards)
        let features = try? BatchFeatures.counts(configuration, source: source)
        let engine = PairwiseEngine.memory(
            workers: workers, shards: batch.shards, batchSize: batches.size, dimension: embedding,
            similarity: objective.similarity, loss: objective.loss, tileMemory: 0, features: features,
            groups: objective.groups, equalSamples: objective.equalSamples)
        let columns = Modality.allCases.reduce(0) { $0 + source.description(of: $1).shape.reduce(1, *) }
        let samples = features.map { rows * (columns + $0.first + $0.second) } ?? 0
        let encodings = 2 * batches.batchesPerLoss * rows * embedding
        return engine.buffers + (encodings + samples) * MemoryLayout<Float>.stride
            + activations(ModelEvaluation.lossRows(ofShard: batches.size / batch.shards))
    }

    /// Bytes of the kernel matrix of kernel ridge regression, which at least one worker of a host has.
    private static func kernelMatrix(_ configuration: Configuration, source: any PairSource) -> Int {
        guard let settings = configuration.evaluation.identifiability, fitsKernels(configuration, source: source) else {
            return 0
        }
        let samples = min(settings.samples, source.count(of: .heldOut) ?? .max, source.count(of: .training) ?? .max)
        return PositiveDefiniteSystem.bytes(order: samples)
    }

    /// Whether evaluations fit kernel ridge regressions.
    static func fitsKernels(_ configuration: Configuration, source: any PairSource) -> Bool {
        source.latentFactorSource != nil
            && configuration.evaluation.identifiability?.regressors.contains(.kernelRidge) == true
    }

    /// Bytes of a process with all its workers.
    public var total: Int { parts.reduce(0) { $0 + threads * $1.worker + $1.process } }

    /// "612 MiB: parameters 19.1 MiB, gradients 2 × 76.4 MiB, …"
    public var description: String {
        let kinds = parts.filter { $0.worker + $0.process > 0 }.map { part -> String in
            let workers = (threads > 1 ? "\(threads) × " : "") + MemorySize.rounded(part.worker)
            let sizes = [
                part.worker > 0 ? workers : nil, part.process > 0 ? MemorySize.rounded(part.process) : nil,
            ].compactMap(\.self)
            return "\(part.kind) \(sizes.joined(separator: " + "))"
        }
        return "\(MemorySize.rounded(total)): \(kinds.joined(separator: ", "))"
    }

    /// The estimate of a process for a config.
    /// - Throws: `DataError`, `FileError` or `NetworkError` if the data or the encoders of the config are not valid.
    package static func ofProcess(
        _ configuration: Configuration, ranks: Int, threads: Int
    ) throws -> (estimate: MemoryEstimate, taken: Int) {
        let source = try configuration.makeSource()
        let estimate = MemoryEstimate(
            configuration, model: try ModelEncoders(configuration, source: source), source: source,
            workers: ranks * threads, threads: threads)
        return (estimate, taken(source))
    }

    /// Bytes of the estimate that the process has taken already: samples in memory.
    package static func taken(_ source: any PairSource) -> Int { min(source.residentBytes, ProcessMemory.current) }

    /// The estimate as lines of text.
    package func lines(ranks: Int) -> [String] {
        let process = ranks > 1 ? "each of \(ranks) ranks" : "the process"
        let workers = "\(threads) \(threads == 1 ? "worker" : "workers")"
        return [
            "memory of \(process) with \(workers), in addition to the program's own:",
            description,
        ]
    }
}
