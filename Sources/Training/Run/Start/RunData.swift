import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTensors

/// How a run opens its data: labels for the encoders that take them, scaled inputs, and the rules of the version that
/// started it.
extension Configuration {
    /// Opens the source of the run.
    /// - Parameter checkpoint: a checkpoint of the run, whose tables of labels and scalings of inputs the source keeps;
    ///   nil to take them from the data.
    /// - Throws: the errors of `SourceSpecification.makeSource`; `DataError` if an encoder takes labels and the data
    ///   hold none, or others than those of the checkpoint.
    package func makeSource(labelsOf checkpoint: Checkpoint? = nil) throws -> any PairSource {
        try FloatingPointMode.withFlushedSubnormals { try withLabels(source.makeSource(seed: seed), of: checkpoint) }
    }

    /// Gives a source labels for the encoders that take them, and scales the inputs of the others. Draws take second
    /// samples by `batch.second_per_first`.
    /// - Parameter checkpoint: as for `makeSource(labelsOf:)`.
    package func withLabels(_ source: any PairSource, of checkpoint: Checkpoint? = nil) throws -> any PairSource {
        let architectures = PerModality(
            first: encoders.first.architecture,
            second: encoders.shared ? encoders.first.architecture : encoders.second.architecture)
        let readings = PerModality { modality -> LabelReading? in
            guard architectures[modality] is LabelEncoder else { return nil }
            let stored = checkpoint?.labels.first { $0.modality == modality.rawValue }?.labels
            return stored.flatMap(LabelTable.init(stored:)).map { .table($0) } ?? .fromData
        }
        let drawn = try source.drawing(secondPerFirst: batch.secondPerFirst).reading(labels: readings)
        return try scalingInputs(of: augmented(drawn), by: checkpoint)
    }

    /// Changes training samples at random, by `data.augment`.
    private func augmented(_ source: any PairSource) throws -> any PairSource {
        guard let augment = self.source.augment else { return source }
        let encoders = try? ModelEncoders(self, source: source)
        return try AugmentedSource.augmenting(
            source, by: augment,
            tokens: Modality.allCases.filter { encoders?.encoders[$0].tokenVocabulary != nil }, seed: seed)
    }

    /// Scales the inputs of the encoders that take numbers, by `data.standardize` and `data.scale_pictures`.
    /// - Parameter checkpoint: as for `makeSource(labelsOf:)`.
    package func scalingInputs(of source: any PairSource, by checkpoint: Checkpoint?) throws -> any PairSource {
        let standardization = self.source.standardize ?? Standardization.none
        if let checkpoint {
            return source.scaled(
                by: PerModality { modality in
                    let arrays = InputScaling.names.map { checkpoint.statistic(RunState.path($0, modality))?.tensor }
                    guard let mean = arrays[0]?.values, let scale = arrays[1]?.values else { return nil }
                    return InputScaling(
                        mean: mean, scale: scale, standardization, shape: source.description(of: modality).shape)
                })
        }
        let scalesPictures = (self.source.kind as? HDF5Specification)?.scalesPictures ?? false
        guard standardization != .none || scalesPictures else { return source }
        // Token ids are names. An encoder that does not fit its modality is reported where the model is built.
        let encoders = standardization == .none ? nil : try? ModelEncoders(self, source: source)
        return try FloatingPointMode.withFlushedSubnormals {
            try source.scaled(
                by: standardization,
                unscaled: Modality.allCases.filter { encoders?.encoders[$0].tokenVocabulary != nil },
                scalesPictures: scalesPictures, isShared: self.encoders.shared)
        }
    }

    /// Reads a config that a run stored, with the rules of the version that stored it: a run whose config has no
    /// `data.split_seed` keeps the held-out pairs that its seed chose, and its table of labels; without
    /// `data.scale_pictures` its encoders take bytes as they are; without `encoders.initialization` it has the initial
    /// weights of that time.
    /// - Throws: as `parse` does.
    package static func stored(
        text: String, name: String, overrides: [String] = [], registry: Registry
    ) throws -> Configuration {
        var configuration = try parse(text: text, name: name, overrides: overrides, registry: registry)
        let keys = try ConfigurationSettings(yaml: text, name: name).settings.map(\.key)
        func isMissing(_ key: String) -> Bool {
            !keys.contains(key) && !overrides.contains { $0.hasPrefix("\(key)=") }
        }
        if var kind = configuration.source.kind as? HDF5Specification {
            if isMissing("data.split_seed") { kind.splitSeed = nil }
            if isMissing("data.scale_pictures") { kind.scalesPictures = false }
            configuration.source.kind = kind
        }
        let initialization = "encoders.initialization"
        if !(keys + overrides).contains(where: { $0.hasPrefix(initialization) }) {
            configuration.encoders.initialization = .beforeKey
        }
        return configuration
    }

    /// Takes the rules of the run's version, and its validation pairs, from its stored configuration.
    package func inheritingRules(from stored: Configuration) -> Configuration {
        var configuration = self
        let usual = HDF5Specification(path: "")
        if let former = stored.source.kind as? HDF5Specification, var kind = source.kind as? HDF5Specification {
            if former.splitSeed == nil, kind.splitSeed == usual.splitSeed { kind.splitSeed = nil }
            if kind.scalesPictures == usual.scalesPictures { kind.scalesPictures = former.scalesPictures }
            configuration.source.kind = kind
        }
        if var kind = configuration.source.kind as? any ValidationFraction, kind.validation == nil {
            kind.validation = (stored.source.kind as? any ValidationFraction)?.validation
            configuration.source.kind = kind
        }
        if stored.encoders.initialization == .beforeKey, encoders.initialization == WeightInitialization(),
            origin.has("encoders.initialization") != true
        {
            configuration.encoders.initialization = .beforeKey
        }
        let decayedParameters = OptimizerSpecification().decayedParameters
        if optimizer.decayedParameters == decayedParameters, origin.has("optimizer.weight_decay_on") != true {
            configuration.optimizer.decayedParameters = stored.optimizer.decayedParameters
        }
        let temperature = Objective.usualTemperature(with: objective.similarity)
        if objective.temperature == temperature, origin.has("objective.temperature") != true {
            configuration.objective.temperature = stored.objective.temperature
        }
        return configuration
    }

    /// Whether something in the run is chosen by a metric, so that it takes validation pairs.
    package var needsValidation: Bool { train.best != nil || isCompared }

    /// Sets a missing `data.validation` at the first start of a run that needs validation pairs and whose data have
    /// none. A run that resumes keeps its own.
    /// - Throws: the errors of `PairSourceKind.withValidation`.
    package func resolvingValidation() throws -> Configuration {
        guard needsValidation else { return self }
        var configuration = self
        configuration.source = try source.withValidation()
        return configuration
    }
}
