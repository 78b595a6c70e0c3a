import CoupletCommunication
import CoupletFiles
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletStorage
import CoupletTensors
import Foundation

/// What a run is between two steps, to and from the workers that share it: parameters (one copy a process), moments (each worker its slices),
/// temperature, step.
package struct RunState {
    /// The attribute of a checkpoint with the digest of the run's data.
    package static let dataDigestName = "data_digest"
    /// The attribute with the digest of the other run's checkpoint that this run began with.
    package static let initialDigestName = "initialized_from"
    package static let temperaturePath = "objective/log_inverse_temperature"
    package static let biasPath = "objective/bias"

    package let configuration: Configuration
    package let model: Model
    package let step: TrainingStep
    package let communicator: any Communicator
    /// Of the run's data; nil where the source has none.
    package let dataDigest: String?
    /// Of the checkpoint of another run that this one began with; nil where it began with none.
    package let initialDigest: String?

    package init(
        configuration: Configuration, model: Model, step: TrainingStep, communicator: any Communicator,
        dataDigest: String? = nil,
        initialDigest: String? = nil
    ) {
        self.dataDigest = dataDigest
        self.initialDigest = initialDigest
        self.configuration = configuration
        self.model = model
        self.step = step
        self.communicator = communicator
    }

    package var sides: [(name: String, trainer: EncoderTrainer, parameters: Tensor)] {
        [("first", step.first.trainer, model.firstParameters), ("second", step.second.trainer, model.secondParameters)]
    }

    /// The digest of the other run's checkpoint that a run began with, as its own checkpoints say; nil where they do not.
    package static func initialDigest(of content: Checkpoint?) -> String? {
        content.flatMap { initialDigest(in: $0.scalars) }
    }

    package static func initialDigest(in scalars: [(name: String, value: AttributeValue)]) -> String? {
        guard case .string(let digest)? = scalars.first(where: { $0.name == initialDigestName })?.value else {
            return nil
        }
        return digest
    }

    private var rule: Optimizer {
        Optimizer(configuration.optimizer)
    }

    /// Gathers the state on worker 0, in memory of its own; nil on the others. Every worker calls it.
    /// - Parameter memory: worker 0's, to be used again; new where nil. What lay in it before is overwritten.
    package func gather(step stepsDone: Int, into memory: CheckpointBuffers? = nil) throws -> Checkpoint? {
        let memory = communicator.rank == 0 ? memory ?? CheckpointBuffers(model, rule: rule) : nil
        var parameters: [Checkpoint.NamedArray] = [], optimizer: [Checkpoint.NamedArray] = []
        for (index, (side, trainer, flat)) in sides.enumerated() {
            let layout = trainer.encoder.layout, copy = memory?.sides[index]
            copy?.parameters.copy(from: flat)
            for (bucket, slices) in zip(layout.buckets, trainer.moments) {
                for (number, slice) in slices.enumerated() {
                    guard let gathered = try communicator.gather(slice, to: 0), let copy else { continue }
                    for (worker, part) in gathered.enumerated() {
                        copy.moments[number].flat(range(of: worker, in: bucket.range)).copy(from: part)
                    }
                }
            }
            guard let copy else { continue }
            for entry in layout.entries {
                func array(_ flat: Tensor) -> CheckpointArray {
                    CheckpointArray(flat.flat(entry.range).reshaped(entry.shape))
                }
                parameters.append(("\(side)/\(entry.path)", array(copy.parameters)))
                for (name, moment) in zip(rule.momentNames, copy.moments) {
                    optimizer.append(("\(side)/\(entry.path)/\(name)", array(moment)))
                }
            }
        }
        guard communicator.rank == 0 else { return nil }
        for learned in step.objectiveScalars {
            parameters.append((learned.path, CheckpointArray(learned.value)))
            for (name, moment) in zip(rule.momentNames, learned.moments) {
                optimizer.append(("\(learned.path)/\(name)", CheckpointArray(moment)))
            }
        }
        let digests = [(Self.dataDigestName, dataDigest), (Self.initialDigestName, initialDigest)]
        return Checkpoint(
            step: stepsDone, seed: configuration.seed, shards: configuration.batch.shards,
            configuration: configuration.resolvedYAML,
            writtenBy: Version.program,
            scalars: digests.compactMap { name, digest in digest.map { (name, .string($0)) } }, parameters: parameters,
            optimizer: optimizer)
    }

    /// Spreads a state from worker 0, which has it, over all workers. Every worker calls it.
    /// - Returns: the steps done.
    /// - Throws: `FileError` where the state is another model's.
    package func restore(_ content: Checkpoint?, from place: String) throws -> Int {
        for (side, trainer, flat) in sides {
            let layout = trainer.encoder.layout
            try spread(content, flat, layout, place: place) {
                "\(side)/\($0.path)"
            } copy: { bytes in
                // Workers of a process share their parameters: one of them writes.
                if isFirstOfProcess { flat.copy(bytes: bytes) }
            }
            for (index, name) in (trainer.isFrozen ? [] : rule.momentNames).enumerated() {
                let full = Tensor([layout.count])
                try spread(content, full, layout, place: place, moments: true) {
                    "\(side)/\($0.path)/\(name)"
                } copy: {
                    full.copy(bytes: $0)
                }
                for (bucket, slices) in zip(layout.buckets, trainer.moments) {
                    slices[index].copy(from: full.flat(range(of: communicator.rank, in: bucket.range)))
                }
            }
        }
        var learned = step.objectiveScalars, scalars: [Double] = []
        if let content {
            scalars = [Double(content.step)]
            for one in learned {
                scalars.append(try scalar(content.parameter(one.path), one.path, place))
                scalars += try rule.momentNames.map { "\(one.path)/\($0)" }.map {
                    try scalar(content.moment($0), $0, place)
                }
            }
        }
        let bytes = try communicator.broadcast(scalars.withUnsafeBytes { Array($0) }, from: 0)
        scalars = bytes.withUnsafeBytes { raw in
            (0..<(raw.count / 8)).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
        var rest = scalars.dropFirst()
        for place in learned.indices {
            learned[place].value = rest.removeFirst()
            learned[place].moments = Array(rest.prefix(rule.momentNames.count))
            rest = rest.dropFirst(rule.momentNames.count)
        }
        step.objectiveScalars = learned
        try communicator.barrier()
        return Int(scalars[0])
    }

    /// Whether this worker is the first of its process. Workers of a process have consecutive numbers.
    private var isFirstOfProcess: Bool { communicator.rank % (communicator.size / communicator.processCount) == 0 }

    /// Puts the encoders that worker 0 has of another run in their places, on all workers. Every worker calls it.
    package func start(from initial: PretrainedEncoders?) throws {
        let chosen = try communicator.broadcast(
            Modality.allCases.map { initial?.modalities.contains($0) == true ? 1 : 0 }, from: 0)
        for (place, (side, trainer, flat)) in sides.enumerated() where chosen[place] == 1 {
            try spread(initial?.content, flat, trainer.encoder.layout, place: initial?.path ?? "") {
                "\(side)/\($0.path)"
            } copy: { bytes in
                if isFirstOfProcess { flat.copy(bytes: bytes) }
            }
        }
        try communicator.barrier()
    }

    /// Where a worker's slice of a bucket lies in the flat buffer.
    package func range(of worker: Int, in bucket: Range<Int>) -> Range<Int> {
        let owned = communicator.ownedRange(of: bucket.count, worker: worker)
        return bucket.lowerBound + owned.lowerBound..<bucket.lowerBound + owned.upperBound
    }

    /// Puts the arrays of worker 0's content into a flat buffer, and its bytes on every worker.
    private func spread(
        _ content: Checkpoint?, _ flat: Tensor, _ layout: ParameterLayout, place: String, moments: Bool = false,
        path: (ParameterLayout.Entry) -> String, copy: ([UInt8]) -> Void
    ) throws {
        if let content {
            for entry in layout.entries {
                let array = moments ? content.moment(path(entry)) : content.parameter(path(entry))
                try Self.copy(array, into: flat.flat(entry.range), shape: entry.shape, path: path(entry), place: place)
            }
        }
        copy(try communicator.broadcast(communicator.rank == 0 ? flat.bytes : [], from: 0))
    }

    private func scalar(_ array: CheckpointArray?, _ path: String, _ place: String) throws -> Double {
        guard let value = array?.doubles?.first else { throw Self.otherModel(place, "it has no \(path)") }
        return value
    }

    /// Copies one array of a checkpoint into its place.
    package static func copy(_ array: CheckpointArray?, into target: Tensor, shape: [Int], path: String, place: String)
        throws
    {
        guard let tensor = array?.tensor else { throw otherModel(place, "it has no \(path)") }
        guard tensor.shape == shape else {
            throw otherModel(place, "\(path) has the shape \(tensor.shape), the config makes it \(shape)")
        }
        target.copy(from: tensor)
    }

    private static func otherModel(_ place: String, _ reason: String) -> FileError {
        FileError(
            .badData, place: place, reason: "a checkpoint of another model: \(reason)",
            remedy: "resume with the config that the run was started with")
    }
}

extension Model {
    /// Sets the parameters of one encoder to those of a checkpoint.
    package func load(_ modality: Modality, _ content: Checkpoint, from place: String) throws {
        for entry in encoder(modality).layout.entries {
            let path = "\(modality.rawValue)/\(entry.path)"
            try RunState.copy(
                content.parameter(path), into: parameters(modality).flat(entry.range), shape: entry.shape, path: path,
                place: place)
        }
    }

    /// Sets the parameters to those of a checkpoint.
    /// - Returns: the temperature, where the checkpoint has learned one.
    /// - Throws: `FileError` where the checkpoint is another model's.
    package func load(_ content: Checkpoint, from place: String) throws -> Double? {
        for modality in Modality.allCases { try load(modality, content, from: place) }
        return content.parameter(RunState.temperaturePath)?.doubles?.first.map { exp(-$0) }
    }
}
