import CoupletPairs

extension Sampler {
    /// The sampler of a run's training samples.
    /// - Throws: `DataError` if the source has fewer samples, or fewer groups, than pairs in a batch, or if the config
    ///   needs groups that the source does not have.
    package init(_ configuration: Configuration, source: any PairSource) throws {
        let count = source.count(of: .training), batch = configuration.batch
        if configuration.usesGroups {
            try Self.requireGroups(configuration, source)
        }
        if configuration.objective.equalSamples != .ignore, count != 0 {
            let rows = try Modality.allCases.compactMap {
                try source.sampleRows(training: [0], draws: [0], $0)
            }
            guard !rows.isEmpty else {
                throw DataError(
                    at: "objective.equal_samples", reason: "the source does not tell which samples are equal",
                    remedy: "give an HDF5 file /pairs, the rows of /first and /second of each pair, or set "
                        + "objective.equal_samples: ignore")
            }
        }
        var groups: [Int]?
        if batch.groups == .distinct, let count, count >= batch.samples(.first) {
            groups = try source.groupsOrLabels(.training, Array(0..<UInt64(count)))
        }
        try self.init(
            batchSize: batch.size, sampleCount: count, seed: configuration.seed, groups: groups,
            secondPerFirst: batch.secondPerFirst)
    }

    private static func requireGroups(_ configuration: Configuration, _ source: any PairSource) throws {
        let isDistinct = configuration.batch.groups == .distinct
        let key = isDistinct ? "batch.groups" : "objective.groups"
        if isDistinct, source.count(of: .training) == nil {
            throw DataError(
                at: key, reason: "batches of distinct groups need a finite set of samples, but the source is endless",
                remedy: "set batch.groups: any")
        }
        guard source.count(of: .training) != 0, try source.groupsOrLabels(.training, [0]) == nil else { return }
        throw DataError(
            at: key,
            reason: "the source tells neither groups nor labels of its pairs",
            remedy: "give an HDF5 file /groups or /labels, N integers, or set \(key): \(isDistinct ? "any" : "ignore")")
    }
}

extension Configuration {
    /// Whether training reads the groups of the pairs.
    var usesGroups: Bool { objective.groups != .ignore || batch.groups == .distinct }
}
