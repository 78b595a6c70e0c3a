import CoupletCommunication
import CoupletFiles
import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletStorage
import CoupletTensors

/// The state of a run between two steps: parameters and running statistics (one copy per process), optimizer moments
/// and the moving average (each worker has its slices), scalars of the loss, and the number of finished steps. `gather`
/// collects the state on worker 0 for a checkpoint; `restore` distributes it.
package struct RunState {
    let configuration: Configuration
    let model: Model
    package let step: TrainingStep
    package let communicator: any Communicator
    /// Digest of the run's data; nil if the source has none.
    let dataDigest: String?
    /// Digest of the other run's checkpoint from which this run took encoders; nil if it took none.
    let initialDigest: String?
    /// Shapes and classes of the samples, which a checkpoint names so that its encoders can be used without the data;
    /// nil leaves them out.
    let samples: PerModality<ModalityDescription>?
    /// Number of steps of an epoch, which a checkpoint names; nil for an endless source.
    let stepsPerEpoch: Int?

    package init(
        configuration: Configuration, model: Model, step: TrainingStep, communicator: any Communicator,
        dataDigest: String? = nil, initialDigest: String? = nil, samples: PerModality<ModalityDescription>? = nil,
        stepsPerEpoch: Int? = nil
    ) {
        self.configuration = configuration
        self.model = model
        self.step = step
        self.communicator = communicator
        self.dataDigest = dataDigest
        self.initialDigest = initialDigest
        self.samples = samples
        self.stepsPerEpoch = stepsPerEpoch
    }

    // MARK: - Names in a checkpoint

    static let dataDigestName = "data_digest"
    static let initialDigestName = "initialized_from"
    static let stepsPerEpochName = "steps_per_epoch"

    /// The number of steps of an epoch in the scalars of a checkpoint; nil for an endless source, and for checkpoints
    /// of earlier versions.
    package static func stepsPerEpoch(in scalars: [(name: String, value: AttributeValue)]) -> Int? {
        guard case .integer(let count)? = scalars.first(where: { $0.name == stepsPerEpochName })?.value, count > 0
        else {
            return nil
        }
        return count
    }

    /// The digest of the run's data in the scalars of a checkpoint; nil if the checkpoint has none.
    package static func dataDigest(in scalars: [(name: String, value: AttributeValue)]) -> String? {
        string(dataDigestName, in: scalars)
    }

    /// The digest of the other run's checkpoint from which the run took encoders, in the scalars of a checkpoint; nil
    /// if the checkpoint has none.
    package static func initialDigest(in scalars: [(name: String, value: AttributeValue)]) -> String? {
        string(initialDigestName, in: scalars)
    }

    private static func shapeName(_ modality: Modality) -> String { "\(modality.rawValue)_shape" }
    private static func classesName(_ modality: Modality) -> String { "\(modality.rawValue)_classes" }

    /// Shapes and classes of the samples, as scalars of a checkpoint: first_shape is "1 28 28", second_classes is 10.
    static func scalars(of samples: PerModality<ModalityDescription>) -> [(name: String, value: AttributeValue)] {
        Modality.allCases.flatMap { modality -> [(name: String, value: AttributeValue)] in
            let shape = samples[modality].shape.map(String.init).joined(separator: " ")
            return [(shapeName(modality), .string(shape))]
                + (samples[modality].classes.map { [(classesName(modality), .integer($0))] } ?? [])
        }
    }

    /// Shapes and classes of the samples in a checkpoint; nil if the checkpoint does not name them, as those of earlier
    /// versions.
    package static func samples(in checkpoint: Checkpoint) -> PerModality<ModalityDescription>? {
        let scalars = checkpoint.scalars
        var descriptions: [ModalityDescription] = []
        for modality in Modality.allCases {
            guard let text = string(shapeName(modality), in: scalars) else { return nil }
            let words = text.split(separator: " "), shape = words.compactMap { Int($0) }
            guard !shape.isEmpty, shape.count == words.count, shape.allSatisfy({ $0 > 0 }) else { return nil }
            if let labels = checkpoint.labels.first(where: { $0.modality == modality.rawValue })?.labels {
                guard let table = LabelTable(stored: labels) else { return nil }
                descriptions.append(ModalityDescription(shape: shape, labelTable: table))
            } else if case .integer(let count)? = scalars.first(where: { $0.name == classesName(modality) })?.value {
                descriptions.append(ModalityDescription(shape: shape, classes: count))
            } else {
                descriptions.append(ModalityDescription(shape: shape))
            }
        }
        return PerModality(first: descriptions[0], second: descriptions[1])
    }

    private static func preparationName(_ modality: Modality) -> String { "\(modality.rawValue)_preparation" }

    /// How texts or picture files became the samples, as scalars of a checkpoint. The content of a tokenizer is in
    /// `Checkpoint.tokenizers`.
    static func scalars(
        of preparations: PerModality<SamplePreparation?>
    ) -> [(name: String, value: AttributeValue)] {
        Modality.allCases.compactMap { modality in
            preparations[modality].map { (preparationName(modality), .string($0.json)) }
        }
    }

    /// The JSON texts of how texts or picture files became the samples, in the scalars of a checkpoint.
    package static func preparationTexts(
        in scalars: [(name: String, value: AttributeValue)]
    ) -> PerModality<String?> {
        PerModality { string(preparationName($0), in: scalars) }
    }

    /// How texts or picture files became the samples of a run; nil for a modality of which the checkpoint does not say
    /// it, as those of earlier versions.
    /// - Parameter file: path of the checkpoint, for errors.
    /// - Throws: `FileError` if this program does not know the preparation.
    package static func preparations(
        in checkpoint: Checkpoint, from file: String
    ) throws -> PerModality<SamplePreparation?> {
        try PerModality { modality in
            guard let json = string(preparationName(modality), in: checkpoint.scalars) else { return nil }
            do {
                return try SamplePreparation(
                    json: json, content: checkpoint.tokenizers.first { $0.modality == modality.rawValue }?.content)
            } catch let error as TokenizerError {
                throw FileError(
                    .badData, at: "\(file)@\(preparationName(modality))", reason: error.reason, remedy: error.remedy)
            }
        }
    }

    private static func string(_ name: String, in scalars: [(name: String, value: AttributeValue)]) -> String? {
        guard case .string(let value)? = scalars.first(where: { $0.name == name })?.value else { return nil }
        return value
    }

    /// Path of a number of a modality's `InputScaling`: "data/first/mean".
    static func path(_ name: String, _ modality: Modality) -> String { "data/\(modality.rawValue)/\(name)" }

    /// The scalings of the inputs, among the statistics of a checkpoint.
    static func statistics(of scalings: PerModality<InputScaling?>) -> [Checkpoint.NamedArray] {
        Modality.allCases.flatMap { modality in
            scalings[modality].map { scaling in
                zip(InputScaling.names, [scaling.mean, scaling.scale]).map {
                    (path($0, modality), CheckpointArray(Tensor([$1.count], $1)))
                }
            } ?? []
        }
    }

    /// Path of a parameter of an encoder: "first/0/weight".
    package static func path(_ modality: Modality, _ entry: ParameterLayout.Entry) -> String {
        "\(modality.rawValue)/\(entry.path)"
    }

    /// Path of a scalar of the loss: "objective/bias".
    package static func path(of scalar: LearnedScalar) -> String { "objective/\(scalar.name)" }

    static let temperaturePath = "objective/\(LossScalars.logInverseTemperatureName)"
    static let biasPath = "objective/\(LossScalars.biasName)"

    // MARK: - Slices

    /// Gathers the slices of all workers in a flat buffer on worker 0. Every worker calls it.
    /// - Parameters:
    ///   - slices: this worker's slice of each bucket; empty if the encoder is frozen.
    ///   - flat: the buffer on worker 0; nil on the others.
    package func gather(_ slices: [Tensor], of layout: ParameterLayout, into flat: Tensor?) throws {
        for (bucket, slice) in zip(layout.buckets, slices) {
            guard let workerSlices = try communicator.gather(slice, to: 0), let flat else { continue }
            for (worker, workerSlice) in workerSlices.enumerated() {
                flat.flat(communicator.ownedRange(in: bucket.range, shards: layout.shards, worker: worker)).copy(
                    from: workerSlice)
            }
        }
    }

    // MARK: - Restoring

    /// Distributes a checkpoint from worker 0 to all workers. Every worker calls it.
    /// - Parameters:
    ///   - checkpoint: nil on all workers but worker 0.
    ///   - file: path of the checkpoint, for errors.
    /// - Returns: the number of finished steps.
    /// - Throws: `FileError` if the checkpoint is of another model.
    package func restore(_ checkpoint: Checkpoint?, from file: String) throws -> Int {
        for modality in Modality.allCases {
            try restoreEncoder(checkpoint, modality, from: file)
            let trainer = step.trainer(of: modality), layout = trainer.encoder.layout
            guard let optimizer = trainer.optimizer else { continue }
            for (index, name) in optimizer.arrayNames.enumerated() {
                let full = Tensor([layout.count])
                try fill(full, layout, from: file) { entry in
                    let path = "\(Self.path(modality, entry))/\(name)"
                    return checkpoint.map { (path, $0.moment(path)) }
                }
                full.copy(bytes: try broadcast(full))
                for (bucket, slices) in zip(layout.buckets, optimizer.arrays) {
                    slices[index].copy(
                        from: full.flat(communicator.ownedRange(in: bucket.range, shards: layout.shards)))
                }
            }
        }
        let stepsDone = try restoreScalars(
            checkpoint, configuration.optimizer.kind.momentNames, from: file)
        try communicator.barrier()
        return stepsDone
    }

    /// Distributes encoders of another run from worker 0 to all workers. Every worker calls it.
    /// - Parameter pretrained: nil on all workers but worker 0.
    package func load(_ pretrained: PretrainedEncoders?) throws {
        let isLoaded = try communicator.broadcast(
            Modality.allCases.map { pretrained?.modalities.contains($0) == true ? 1 : 0 }, from: 0)
        for (modality, isLoaded) in zip(Modality.allCases, isLoaded) where isLoaded == 1 {
            try restoreEncoder(pretrained?.checkpoint, modality, from: pretrained?.path ?? "")
        }
        if configuration.initialization?.objective == true {
            var learned = step.scalars.learned
            let values = pretrained.map { encoders in learned.map { encoders.scalars[$0.name] ?? $0.value } } ?? []
            let bytes = try communicator.broadcast(values.withUnsafeBytes { Array($0) }, from: 0)
            for index in learned.indices {
                learned[index].value = bytes.withUnsafeBytes {
                    $0.loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
                }
            }
            step.scalars.learned = learned
        }
        try communicator.barrier()
        step.resetAverage()
    }

    /// Distributes the parameters and running statistics of one encoder. Every worker calls it.
    /// - Parameter checkpoint: nil on all workers but worker 0.
    private func restoreEncoder(_ checkpoint: Checkpoint?, _ modality: Modality, from file: String) throws {
        let encoder = model.encoders[modality]
        try fill(model.parameters[modality], encoder.layout, from: file) { entry in
            let path = Self.path(modality, entry)
            return checkpoint.map { (path, $0.parameter(path)) }
        }
        try fill(model.statistics[modality], encoder.statisticsLayout, from: file) { entry in
            let path = Self.path(modality, entry)
            return checkpoint.map { (path, $0.statistic(path)) }
        }
        for flat in [model.parameters[modality], model.statistics[modality]] where flat.count > 0 {
            let bytes = try broadcast(flat)
            // The workers of a process share the memory, so only one of them writes.
            if communicator.isFirstOfProcess { flat.copy(bytes: bytes) }
        }
    }

    /// Fills a flat buffer on worker 0 from a checkpoint. The closure `array` returns the path and the array of an
    /// entry on worker 0, and nil on the other workers.
    private func fill(
        _ flat: Tensor, _ layout: ParameterLayout, from file: String,
        array: (ParameterLayout.Entry) -> (path: String, array: CheckpointArray?)?
    ) throws {
        for entry in layout.entries {
            guard let (path, array) = array(entry) else { return }
            try Self.copy(array, into: flat.flat(entry.range), shape: entry.shape, path: path, from: file)
        }
    }

    /// The bytes of worker 0's buffer on every worker.
    private func broadcast(_ flat: Tensor) throws -> [UInt8] {
        try communicator.broadcast(communicator.rank == 0 ? flat.bytes : [], from: 0)
    }

    /// Distributes the number of finished steps, and the learned scalars with their moments.
    /// - Returns: the number of finished steps.
    private func restoreScalars(_ checkpoint: Checkpoint?, _ momentNames: [String], from file: String) throws -> Int {
        var learned = step.scalars.learned, numbers: [Double] = []
        if let checkpoint {
            func number(_ array: CheckpointArray?, _ path: String) throws -> Double {
                guard let value = array?.doubles?.first else { throw Self.otherModel(file, "it has no \(path)") }
                return value
            }
            numbers = [Double(checkpoint.step)]
            for scalar in learned {
                let path = Self.path(of: scalar)
                numbers.append(try number(checkpoint.parameter(path), path))
                numbers += try momentNames.map { "\(path)/\($0)" }.map { try number(checkpoint.moment($0), $0) }
            }
        }
        let bytes = try communicator.broadcast(numbers.withUnsafeBytes { Array($0) }, from: 0)
        numbers = bytes.withUnsafeBytes { raw in
            (0..<(raw.count / 8)).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
        var rest = numbers.dropFirst()
        for index in learned.indices {
            learned[index].value = rest.removeFirst()
            learned[index].moments = Array(rest.prefix(momentNames.count))
            rest = rest.dropFirst(momentNames.count)
        }
        step.scalars.learned = learned
        return Int(numbers[0])
    }

    /// Copies an array of a checkpoint into a tensor of a model.
    fileprivate static func copy(
        _ array: CheckpointArray?, into target: Tensor, shape: [Int], path: String, from file: String
    ) throws {
        guard let tensor = array?.tensor else { throw otherModel(file, "it has no \(path)") }
        guard tensor.shape == shape else {
            throw otherModel(file, "\(path) has the shape \(tensor.shape), the config makes it \(shape)")
        }
        target.copy(from: tensor)
    }

    private static func otherModel(_ file: String, _ reason: String) -> FileError {
        FileError(
            .badData, at: file, reason: "a checkpoint of another model: \(reason)",
            remedy: "resume with the config that the run was started with")
    }
}

extension Model {
    /// Sets the parameters and running statistics of one encoder to those of a checkpoint.
    /// - Parameter kind: `average` loads the moving average of the parameters, if the checkpoint has one of this
    ///   encoder; a frozen encoder has none.
    /// - Throws: `FileError` if the checkpoint is of another model.
    package func load(
        _ modality: Modality, _ checkpoint: Checkpoint, from file: String,
        _ kind: Configuration.Evaluation.Parameters = .current
    ) throws {
        let encoder = encoders[modality]
        for entry in encoder.layout.entries {
            let path = RunState.path(modality, entry)
            let average = kind == .average ? checkpoint.moment("\(path)/\(OptimizerSpecification.averageName)") : nil
            try RunState.copy(
                average ?? checkpoint.parameter(path), into: parameters[modality].flat(entry.range),
                shape: entry.shape, path: path, from: file)
        }
        for entry in encoder.statisticsLayout.entries {
            let path = RunState.path(modality, entry)
            try RunState.copy(
                checkpoint.statistic(path), into: statistics[modality].flat(entry.range), shape: entry.shape,
                path: path, from: file)
        }
    }

    /// Sets all parameters and running statistics to those of a checkpoint.
    /// - Parameter kind: the parameters of the step, or their moving average, which is the same if both encoders are
    ///   frozen.
    /// - Returns: the temperature τ and the bias of the loss, as far as they are learned.
    /// - Throws: `FileError` if the checkpoint is of another model, or has no moving average.
    package func load(
        _ checkpoint: Checkpoint, from file: String, _ kind: Configuration.Evaluation.Parameters = .current
    ) throws -> (temperature: Double?, bias: Double?) {
        if kind == .average, !trainedEncoders.isEmpty,
            !checkpoint.optimizer.contains(where: { $0.path.hasSuffix("/\(OptimizerSpecification.averageName)") })
        {
            throw FileError(
                .badData, at: file, reason: "the checkpoint has no moving average of the parameters",
                remedy: "use the current parameters, or train with optimizer.average_decay")
        }
        for modality in Modality.allCases { try load(modality, checkpoint, from: file, kind) }
        return (
            checkpoint.parameter(RunState.temperaturePath)?.doubles?.first.map { exp(-$0) },
            checkpoint.parameter(RunState.biasPath)?.doubles?.first
        )
    }
}
