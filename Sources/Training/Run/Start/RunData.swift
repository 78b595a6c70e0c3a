import CoupletNetworks
import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTensors

/// How a run opens its data: labels for the encoders that take them, and the rules of the version that started it.
extension Configuration {
    /// Opens the source of the run.
    /// - Parameter checkpoint: a checkpoint of the run, whose tables of labels the source keeps; nil to number the
    ///   labels of the data.
    /// - Throws: the errors of `SourceSpecification.makeSource`; `DataError` if an encoder takes labels and the data
    ///   hold none, or others than those of the checkpoint.
    package func makeSource(labelsOf checkpoint: Checkpoint? = nil) throws -> any PairSource {
        try FloatingPointMode.withFlushedSubnormals { try withLabels(source.makeSource(seed: seed), of: checkpoint) }
    }

    /// Gives a source labels for the encoders that take them.
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
        return try source.reading(labels: readings)
    }

    /// Reads a config that a run stored, with the rules of the version that stored it: a run whose config has no
    /// `data.split_seed` keeps the held-out pairs that its seed chose, and its table of labels.
    /// - Throws: as `parse` does.
    package static func stored(
        text: String, name: String, overrides: [String] = [], registry: Registry
    ) throws -> Configuration {
        var configuration = try parse(text: text, name: name, overrides: overrides, registry: registry)
        let keys = try ConfigurationSettings(yaml: text, name: name).settings.map(\.key)
        if !keys.contains("data.split_seed"), !overrides.contains(where: { $0.hasPrefix("data.split_seed=") }) {
            configuration.setSplitSeed(nil)
        }
        return configuration
    }

    /// Takes the rules of the run's version from its stored configuration.
    func inheritingRules(from stored: Configuration) -> Configuration {
        guard let former = stored.source.kind as? HDF5Specification, former.splitSeed == nil,
            (source.kind as? HDF5Specification)?.splitSeed == HDF5Specification(path: "").splitSeed
        else { return self }
        var configuration = self
        configuration.setSplitSeed(nil)
        return configuration
    }

    private mutating func setSplitSeed(_ seed: UInt64?) {
        guard var kind = source.kind as? HDF5Specification else { return }
        kind.splitSeed = seed
        source.kind = kind
    }
}
