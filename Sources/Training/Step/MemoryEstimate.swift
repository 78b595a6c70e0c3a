import CoupletLosses
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletText

/// Estimate of the memory that a training step takes, by kind. `couplet config` and the start of a run print it.
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
    public let parts: [Part]

    /// - Parameters:
    ///   - workers: number of workers in all processes.
    ///   - threads: number of workers of a process.
    ///   - saves: whether checkpoints are written.
    public init(
        _ configuration: Configuration, model: Model, source: any PairSource, workers: Int, threads: Int,
        saves: Bool = true
    ) {
        let floatSize = MemoryLayout<Float>.stride
        let batch = configuration.batch, objective = configuration.objective, optimizer = configuration.optimizer
        let shardRows = batch.size / batch.shards, localShards = batch.shards / workers
        let localRows = localShards * shardRows
        let batchCount = objective.loss.batchCount, inputCount = model.isShared ? 2 * batchCount : batchCount
        let encoders = [model.encoders.first, model.encoders.second]

        let trainedParameters = model.trainedEncoders.reduce(0) { $0 + $1.layout.count } * floatSize
        let gradientBuffers = (inputCount * localShards).trailingZeroBitCount + 1
        let momentCount = optimizer.arrayNames.count
        let slots = batch.activations == .keep ? inputCount * localShards : 1
        let activations =
            model.trainedEncoders.reduce(0) { $0 + $1.memory(rows: shardRows, slots: slots).total }
            + model.frozen.reduce(0) {
                $0 + model.encoders[$1].memory(rows: shardRows, slots: 1, backward: false).total
            }
        // Nil also if a kernel needs too many features. The training step throws that error.
        let features = try? BatchFeatures.counts(configuration, source: source)
        let engine = PairwiseEngine.memory(
            workers: workers, shards: batch.shards, batchSize: batch.size, dimension: configuration.encoders.embedding,
            similarity: objective.similarity, loss: objective.loss, tileMemory: batch.tileMemory / threads,
            features: features)
        let encodingColumns = encoders.reduce(0) { $0 + batchCount * $1.outputCount }
        let featureColumns = features.map { $0.first + $0.second } ?? 0
        let sampleColumns = encoders.reduce(0) { $0 + $1.inputShape.reduce(1, *) }
        let samples = batchCount * BatchReader.bufferCount(for: source) * localRows * sampleColumns * floatSize
        // Only the process of worker 0 has these buffers.
        let checkpoint = saves ? CheckpointBuffers.bytes(model, optimizer: optimizer) : 0

        self.threads = threads
        parts = [
            Part(kind: "parameters", worker: 0, process: model.parameterCount * floatSize),
            Part(kind: "gradients", worker: gradientBuffers * trainedParameters, process: 0),
            Part(kind: "moments", worker: momentCount * trainedParameters / workers, process: 0),
            Part(kind: "activations", worker: activations, process: 0),
            Part(
                kind: "encodings and engine",
                worker: (encodingColumns + featureColumns) * localRows * floatSize + engine.buffers, process: 0),
            Part(kind: "tiles of scores", worker: engine.tiles, process: 0),
            Part(kind: "data", worker: samples, process: source.residentBytes),
            Part(kind: "checkpoint", worker: 0, process: checkpoint),
        ]
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

    /// The estimate for a config, as lines of text.
    /// - Throws: `DataError`, `FileError` or `NetworkError` if the data or the encoders of the config are not valid.
    package static func lines(_ configuration: Configuration, ranks: Int, threads: Int) throws -> [String] {
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let estimate = MemoryEstimate(
            configuration, model: try Model(configuration, source: source), source: source, workers: ranks * threads,
            threads: threads)
        let process = ranks > 1 ? "each of \(ranks) ranks" : "the process"
        let workers = "\(threads) \(threads == 1 ? "worker" : "workers")"
        return [
            "memory of \(process) with \(workers), in addition to the program's own:",
            estimate.description,
        ]
    }
}
