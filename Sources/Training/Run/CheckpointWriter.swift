import CCoupletKernels
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletStorage
import CoupletTensors
import Foundation
import Synchronization

// A checkpoint is written in two parts. `RunState.gather` copies the state of all workers to memory of worker 0.
// `CheckpointWriter` writes that memory on its own thread while training continues.

/// Memory of worker 0 for a copy of the run's state. It is allocated at the first checkpoint and reused for each one.
package final class CheckpointBuffers {
    /// Flat buffers in the order of the encoder's layouts.
    struct Buffers {
        let parameters: Tensor
        /// The optimizer's moments and the moving average; none for a frozen encoder.
        let optimizer: [Tensor]
        let statistics: Tensor
    }

    let encoders: PerModality<Buffers>

    package init(_ model: Model, optimizer: OptimizerSpecification) {
        encoders = PerModality { modality in
            let encoder = model.encoders[modality], count = encoder.layout.count
            let names = model.frozen.contains(modality) ? [] : optimizer.arrayNames
            return Buffers(
                parameters: Tensor([count]), optimizer: names.map { _ in Tensor([count]) },
                statistics: Tensor([encoder.statisticsLayout.count]))
        }
    }

    /// Size of the buffers in bytes.
    static func bytes(_ model: ModelEncoders, optimizer: OptimizerSpecification) -> Int {
        let floats = Modality.allCases.reduce(0) { sum, modality in
            let arrayCount = model.frozen.contains(modality) ? 0 : optimizer.arrayNames.count
            let encoder = model.encoders[modality]
            return sum + (1 + arrayCount) * encoder.layout.count + encoder.statisticsLayout.count
        }
        return floats * MemoryLayout<Float>.stride
    }
}

extension RunState {
    /// Copies the state of all workers to worker 0. Every worker calls it.
    /// - Parameters:
    ///   - stepsDone: number of finished steps.
    ///   - buffers: memory of worker 0, which is overwritten; nil allocates new memory.
    ///   - scalars: further scalars of the checkpoint.
    /// - Returns: the checkpoint on worker 0, nil on the others.
    package func gather(
        step stepsDone: Int, into buffers: CheckpointBuffers? = nil,
        scalars: [(name: String, value: AttributeValue)] = []
    ) throws -> Checkpoint? {
        let optimizer = configuration.optimizer
        let buffers = communicator.rank == 0 ? buffers ?? CheckpointBuffers(model, optimizer: optimizer) : nil
        var parameters: [Checkpoint.NamedArray] = [], optimizerArrays = parameters, statistics = parameters
        for modality in Modality.allCases {
            let trainer = step.trainer(of: modality), layout = trainer.encoder.layout
            let target = buffers?.encoders[modality]
            target?.parameters.copy(from: model.parameters[modality])
            target?.statistics.copy(from: model.statistics[modality])
            if let state = trainer.optimizer {
                for index in state.arrayNames.indices {
                    try gather(state.arrays.map { $0[index] }, of: layout, into: target?.optimizer[index])
                }
            }
            guard let target else { continue }
            func array(_ flat: Tensor, _ entry: ParameterLayout.Entry) -> CheckpointArray {
                CheckpointArray(flat.flat(entry.range).reshaped(entry.shape))
            }
            for entry in layout.entries {
                let path = Self.path(modality, entry)
                parameters.append((path, array(target.parameters, entry)))
                for (name, flat) in zip(optimizer.arrayNames, target.optimizer) {
                    optimizerArrays.append(("\(path)/\(name)", array(flat, entry)))
                }
            }
            for entry in trainer.encoder.statisticsLayout.entries {
                statistics.append((Self.path(modality, entry), array(target.statistics, entry)))
            }
        }
        guard communicator.rank == 0 else { return nil }
        statistics += Self.statistics(of: step.scalings)
        for scalar in step.scalars.learned {
            let path = Self.path(of: scalar)
            parameters.append((path, CheckpointArray(scalar.value)))
            for (name, moment) in zip(optimizer.kind.momentNames, scalar.moments) {
                optimizerArrays.append(("\(path)/\(name)", CheckpointArray(moment)))
            }
        }
        let digests = [(Self.dataDigestName, dataDigest), (Self.initialDigestName, initialDigest)]
        let facts = digests.compactMap { name, digest in digest.map { (name, AttributeValue.string($0)) } }
        let epoch = stepsPerEpoch.map { [(Self.stepsPerEpochName, AttributeValue.integer($0))] } ?? []
        return Checkpoint(
            step: stepsDone, seed: configuration.seed, shards: configuration.batch.shards,
            configuration: configuration.resolvedYAML, writtenBy: Version.program,
            scalars: facts + epoch + (samples.map { Self.scalars(of: $0) } ?? [])
                + Self.scalars(of: model.preparations) + scalars, parameters: parameters,
            optimizer: optimizerArrays,
            statistics: statistics,
            labels: Modality.allCases.compactMap { modality in
                model.labelTables[modality].map { (modality.rawValue, $0.labels) }
            },
            tokenizers: Modality.allCases.compactMap { modality in
                model.preparations[modality]?.content.map { (modality.rawValue, $0) }
            })
    }
}

/// Writes the checkpoints of a run on its own thread: digest, file, fsync, rename, deletion of old checkpoints. At most
/// one write is in progress. Only worker 0 has a writer.
package final class CheckpointWriter: Sendable {
    private struct State {
        /// Path of the newest complete checkpoint.
        var newest: String?
        /// Error of a write, until a caller rethrows it.
        var failure: (any Error)?
    }

    private let store: CheckpointStore
    private let keep: Int
    private let saved: @Sendable (_ path: String, _ digest: String) -> Void
    private let state: Mutex<State>
    private let writing = DispatchGroup()

    /// - Parameters:
    ///   - keep: number of newest checkpoints that are not deleted.
    ///   - newest: path of the checkpoint from which the run resumes.
    ///   - saved: is called on the writer's thread when a checkpoint is on the disk.
    package init(
        _ store: CheckpointStore, keep: Int, newest: String?,
        saved: @escaping @Sendable (_ path: String, _ digest: String) -> Void
    ) {
        self.store = store
        self.keep = keep
        self.saved = saved
        state = Mutex(State(newest: newest))
    }

    /// Path of the newest complete checkpoint: one that this writer wrote, or the one from which the run resumed.
    package var newest: String? { state.withLock { $0.newest } }

    /// Rethrows the error of a background write, once. It does not wait.
    package func check() throws {
        let failure = state.withLock { state in
            defer { state.failure = nil }
            return state.failure
        }
        if let failure { throw failure }
    }

    /// Waits for the write in progress, then rethrows its error, once. The caller can then reuse the memory of that
    /// checkpoint.
    package func wait() throws {
        finish()
        try check()
    }

    /// Waits for the write in progress and does not throw. Callers that throw another error use it.
    package func finish() { writing.wait() }

    /// Begins to write a checkpoint. The caller must not change its arrays before `wait` returns.
    package func begin(_ checkpoint: Checkpoint) {
        precondition(writing.wait(timeout: .now()) == .success, "a checkpoint is still being written")
        writing.enter()
        let thread = Thread { [self] in
            defer { writing.leave() }
            do {
                let (path, digest) = try store.write(checkpoint, keep: keep)
                state.withLock { $0.newest = path }
                saved(path, digest)
            } catch {
                state.withLock { $0.failure = error }
            }
        }
        thread.name = "checkpoint"
        thread.start()
    }
}

/// Thrown if an update left a parameter or a running statistic that is not finite. It is thrown before the
/// checkpoint is written.
public struct NonFiniteParametersError: Error, CustomStringConvertible, Sendable {
    public let step: Int
    /// Path in the checkpoint of the first such array.
    public let path: String
    private let isStatistic: Bool

    /// Nil if all parameters and running statistics of the checkpoint are finite.
    init?(_ checkpoint: Checkpoint) {
        let isFinite = { (array: CheckpointArray) -> Bool in
            array.tensor.map { couplet_first_not_finite($0.count, $0.pointer) == $0.count }
                ?? array.doubles?.allSatisfy(\.isFinite) ?? true
        }
        let arrays = checkpoint.parameters + checkpoint.statistics
        guard let array = arrays.first(where: { !isFinite($0.array) }) else { return nil }
        step = checkpoint.step
        path = array.path
        isStatistic = checkpoint.statistic(array.path) != nil
    }

    private var remedy: String {
        isStatistic
            ? "Its layer averages values that a Float32 cannot hold: scale the data down"
            : "Lower optimizer.learning_rate or set optimizer.clip_norm"
    }

    public var description: String {
        """
        step \(step): the update left values in \(path) that are not finite; nothing was saved, and earlier \
        checkpoints stay as they are. \(remedy)
        """
    }
}
