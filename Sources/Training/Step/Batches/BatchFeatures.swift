import CoupletLosses
import CoupletPairs
import CoupletTensors

/// Computes the kernel features of this worker's pairs, for both modalities. The maximum mean discrepancy compares
/// them.
final class BatchFeatures {
    private let maps: PerModality<KernelFeatures>
    /// B/W × F of each modality, where F is its number of features.
    private let outputs: PerModality<Tensor>
    /// B/(W T) × F of the first modality, whose rows are repeated T times; nil for T = 1.
    private let firstSamples: Tensor?
    private let scratch: Tensor
    private let batch: Configuration.Batch

    /// Nil if the loss does not compare data.
    /// - Parameter rows: number of this worker's pairs, B/W.
    /// - Throws: `FeatureCountError` if a kernel needs too many features.
    init?(_ configuration: Configuration, source: any PairSource, rows: Int) throws {
        guard let kernel = configuration.objective.loss.dataKernel else { return nil }
        let shardRows = configuration.batch.size / configuration.batch.shards
        let maps = try PerModality { modality in
            let description = source.description(of: modality)
            let map = KernelFeatures(
                kernel, inputs: description.shape.reduce(1, *), classes: description.classes, seed: configuration.seed,
                modality: modality == .first ? 0 : 1)
            guard let map else { throw FeatureCountError(modality: modality, kernel: kernel) }
            return map
        }
        self.maps = maps
        batch = configuration.batch
        firstSamples =
            batch.secondPerFirst == 1 ? nil : Tensor([rows / batch.secondPerFirst, maps.first.count])
        outputs = maps.map { Tensor([rows, $0.count]) }
        let scratchCounts = maps.map { $0.scratchCount(rows: shardRows) }
        scratch = Tensor([max(scratchCounts.first, scratchCounts.second)])
    }

    /// Number of features of each modality; nil if the loss does not compare data.
    /// - Throws: `FeatureCountError` if a kernel needs too many features.
    static func counts(_ configuration: Configuration, source: any PairSource) throws -> FeatureCounts? {
        guard let kernel = configuration.objective.loss.dataKernel else { return nil }
        let counts = try PerModality { modality in
            let description = source.description(of: modality)
            let inputs = description.classes ?? description.shape.reduce(1, *)
            guard let count = kernel.featureCount(inputs: inputs) else {
                throw FeatureCountError(modality: modality, kernel: kernel)
            }
            return count
        }
        return FeatureCounts(first: counts.first, second: counts.second)
    }

    var counts: FeatureCounts { FeatureCounts(first: maps.first.count, second: maps.second.count) }

    /// Computes the features of samples, B/W × F, shard by shard. They are valid until the next call.
    func evaluate(_ samples: PerModality<Tensor>) -> (first: Tensor, second: Tensor) {
        for modality in Modality.allCases {
            let isRepeated = modality == .first && firstSamples != nil
            let output = isRepeated ? firstSamples! : outputs[modality], shardRows = batch.shardSamples(modality)
            for start in stride(from: 0, to: output.rows, by: shardRows) {
                let rows = start..<(start + shardRows)
                maps[modality].evaluate(samples[modality].rows(rows), into: output.rows(rows), scratch: scratch)
            }
            if isRepeated {
                RepeatedRows.copy(output, count: batch.secondPerFirst, into: outputs[modality])
            }
        }
        return (outputs.first, outputs.second)
    }
}

/// Thrown if a kernel needs more features than `DataKernel.maximumFeatureCount`.
public struct FeatureCountError: Error, CustomStringConvertible, Sendable {
    let modality: Modality
    let kernel: DataKernel

    public var description: String {
        """
        objective.kernel: on the \(modality) modality the polynomial kernel needs more than \
        \(DataKernel.maximumFeatureCount) features; choose a lower degree, or the gaussian or inverse_multiquadric \
        kernel, whose number of features is objective.features
        """
    }
}
