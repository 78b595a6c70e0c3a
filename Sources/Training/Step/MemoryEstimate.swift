import CoupletLosses
import CoupletOptimizers
import CoupletPairs
import CoupletText

/// The memory that a training step will take, by kind: what `couplet config` and the start of a run tell.
public struct MemoryEstimate: Sendable {
    /// One kind, in bytes.
    public struct Part: Sendable {
        public let kind: String
        /// Of each worker.
        public let worker: Int
        /// Of the process, for all its workers.
        public let process: Int
    }

    /// The workers of a process.
    public let threads: Int
    public let parts: [Part]

    /// - Parameters:
    ///   - workers: over all processes.
    ///   - threads: the workers of a process.
    ///   - saves: whether checkpoints are written.
    public init(
        _ configuration: Configuration, model: Model, source: any PairSource, workers: Int, threads: Int,
        saves: Bool = true
    ) {
        let stride = MemoryLayout<Float>.stride
        let batch = configuration.batch, shardRows = batch.size / batch.shards, localShards = batch.shards / workers
        let encoders = [model.first, model.second], trained = model.trained
        let batches = configuration.objective.loss.batchCount, inputs = model.isShared ? 2 * batches : batches
        let parameters = model.parameterCount * stride
        let trainedParameters = trained.reduce(0) { $0 + $1.layout.count } * stride
        let activations =
            trained.reduce(0) {
                $0 + $1.memory(rows: shardRows, slots: batch.activations == .keep ? inputs * localShards : 1).total
            }
            + model.frozen.reduce(0) { $0 + model.encoder($1).memory(rows: shardRows, slots: 1, backward: false).total }
        let moments = Optimizer(configuration.optimizer).momentNames.count
        // Too many features are an error that the step itself tells.
        let features = try? BatchFeatures.counts(configuration, source: source)
        let engine = PairwiseEngine.memory(
            workers: workers, shards: batch.shards, batch: batch.size, dimension: configuration.encoders.embedding,
            similarity: configuration.objective.similarity, loss: configuration.objective.loss,
            tileMemory: batch.tileMemory / threads,
            features: features)
        let encodings =
            (encoders.reduce(0) { $0 + batches * $1.outputCount } + (features.map { $0.first + $0.second } ?? 0))
            * localShards * shardRows * stride
        // The batch in work and, where one is read ahead, the next.
        let samples =
            batches * BatchReader.batches(for: source)
            * encoders.reduce(0) { $0 + localShards * shardRows * $1.inputShape.reduce(1, *) } * stride
        self.threads = threads
        parts = [
            Part(kind: "parameters", worker: 0, process: parameters),
            Part(
                kind: "gradients", worker: ((inputs * localShards).trailingZeroBitCount + 1) * trainedParameters,
                process: 0),
            Part(kind: "moments", worker: moments * trainedParameters / workers, process: 0),
            Part(kind: "activations", worker: activations, process: 0),
            Part(kind: "encodings and engine", worker: encodings + engine.buffers, process: 0),
            Part(kind: "tiles of scores", worker: engine.tiles, process: 0),
            Part(kind: "data", worker: samples, process: source.residentBytes),
            // The process of worker 0 has it.
            Part(
                kind: "checkpoint", worker: 0,
                process: saves ? CheckpointBuffers.bytes(model, rule: Optimizer(configuration.optimizer)) : 0),
        ]
    }

    /// Of a process with all its workers, in bytes.
    public var total: Int { parts.reduce(0) { $0 + threads * $1.worker + $1.process } }

    /// "612 MiB: parameters 19.1 MiB, gradients 2 × 76.4 MiB, …"
    public var description: String {
        let kinds = parts.filter { $0.worker + $0.process > 0 }.map { part -> String in
            let own = (threads > 1 ? "\(threads) × " : "") + MemorySize.rounded(part.worker)
            let sizes = [part.worker > 0 ? own : nil, part.process > 0 ? MemorySize.rounded(part.process) : nil]
                .compactMap(\.self)
            return "\(part.kind) \(sizes.joined(separator: " + "))"
        }
        return "\(MemorySize.rounded(total)): \(kinds.joined(separator: ", "))"
    }

    /// Of a config, as lines to read.
    /// - Throws: `DataError`, `FileError` or `NetworkError` where data or encoders are not what they must be.
    package static func lines(_ configuration: Configuration, ranks: Int, threads: Int) throws -> [String] {
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let estimate = MemoryEstimate(
            configuration, model: try Model(configuration, source: source), source: source, workers: ranks * threads,
            threads: threads)
        let who = "\(threads) \(threads == 1 ? "worker" : "workers")"
        return [
            "memory of \(ranks > 1 ? "each of \(ranks) ranks" : "the process") with \(who), beside the program's own:",
            estimate.description,
        ]
    }
}
