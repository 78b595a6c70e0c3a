import CoupletLosses
import CoupletPairs
import CoupletTensors

/// The features of a worker's part of a batch, both modalities: what the maximum mean discrepancy compares.
package final class BatchFeatures {
    private let maps: [KernelFeatures]
    private let outputs: [Tensor]
    private let scratch: Tensor
    private let shardRows: Int

    /// Nil where the loss compares no data.
    /// - Parameter rows: this worker's pairs.
    /// - Throws: `FeatureCountError` where a kernel would take too many features.
    init?(_ configuration: Configuration, source: any PairSource, rows: Int) throws {
        guard let maps = try Self.maps(configuration, source: source) else { return nil }
        self.maps = maps
        shardRows = configuration.batch.size / configuration.batch.shards
        outputs = maps.map { Tensor([rows, $0.count]) }
        scratch = Tensor([maps.map { [shardRows] in $0.scratchCount(rows: shardRows) }.max() ?? 0])
    }

    /// How many features there will be; nil where the loss compares no data.
    static func counts(_ configuration: Configuration, source: any PairSource) throws -> FeatureCounts? {
        guard case .maximumMeanDiscrepancy = configuration.objective.loss else { return nil }
        let counts = try Modality.allCases.map { modality in
            let description = source.description(of: modality), kernel = configuration.objective.kernel
            guard let count = kernel.featureCount(inputs: description.classes ?? description.shape.reduce(1, *)) else {
                throw FeatureCountError(modality: modality, kernel: kernel)
            }
            return count
        }
        return FeatureCounts(first: counts[0], second: counts[1])
    }

    private static func maps(_ configuration: Configuration, source: any PairSource) throws -> [KernelFeatures]? {
        guard case .maximumMeanDiscrepancy = configuration.objective.loss else { return nil }
        return try [Modality.first, .second].enumerated().map { number, modality in
            let description = source.description(of: modality), kernel = configuration.objective.kernel
            guard
                let map = KernelFeatures(
                    kernel, inputs: description.shape.reduce(1, *), classes: description.classes,
                    seed: configuration.seed, modality: number)
            else { throw FeatureCountError(modality: modality, kernel: kernel) }
            return map
        }
    }

    var counts: FeatureCounts { FeatureCounts(first: maps[0].count, second: maps[1].count) }

    /// The features of samples, shard by shard: valid until the next call.
    func evaluate(first: Tensor, second: Tensor) -> (first: Tensor, second: Tensor) {
        for (map, (samples, output)) in zip(maps, zip([first, second], outputs)) {
            for start in stride(from: 0, to: output.rows, by: shardRows) {
                let rows = start..<(start + shardRows)
                map.evaluate(samples.rows(rows), into: output.rows(rows), scratch: scratch)
            }
        }
        return (outputs[0], outputs[1])
    }
}
