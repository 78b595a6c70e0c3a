import CoupletTensors

/// A source whose numbers reach the encoders scaled (`data.standardize`, `data.scale_pictures`). Rows that a user gives
/// are scaled in the same way; `readRaw` stays in the units of the source.
package struct ScaledSource<Base: PairSource>: ForwardingPairSource {
    private let base: Base
    package var wrapped: any PairSource { base }
    let scalings: PerModality<InputScaling?>

    init(_ base: Base, _ scalings: PerModality<InputScaling?>) {
        self.base = base
        self.scalings = scalings
    }

    private func scale(_ first: Tensor?, _ second: Tensor?) {
        if let first { scalings.first?.apply(to: first) }
        if let second { scalings.second?.apply(to: second) }
    }

    package func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(split, numbers, first: first, second: second)
        scale(first, second)
    }

    package func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(training: numbers, draws: draws, first: first, second: second)
        scale(first, second)
    }

    package func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try base.prepare(modality, raw: raw)
        guard let scaling = scalings[modality] else { return rows }
        // The base may return the user's own rows.
        let scaled = Tensor(rows.shape)
        scaled.copy(from: rows)
        scaling.apply(to: scaled)
        return scaled
    }

    package func reading(labels: PerModality<LabelReading?>) throws -> any PairSource {
        try base.reading(labels: labels).scaled(by: scalings)
    }

    /// Scaled pixels are inputs: their black may differ by channel.
    package func pictureRange(of modality: Modality) -> ClosedRange<Float>? {
        scalings[modality] == nil ? base.pictureRange(of: modality) : nil
    }

    /// Samples that are scaled by their own moments do not have mean zero exactly.
    package var gaussianCovariance: GaussianCovariance? { nil }
}

extension ScaledSource: LatentFactorSource where Base: LatentFactorSource {
    package var latentFactors: [LatentFactor] { base.latentFactors }
    package var contentDetermination: [Double?] { base.contentDetermination }
    package var latentSummary: [String] { base.latentSummary }
    package func latents(_ split: Split, _ numbers: [UInt64]) throws -> [Tensor] { try base.latents(split, numbers) }
}

extension ScaledSource: ContentSwappingSource where Base: ContentSwappingSource {
    package func readSwappingContent(
        _ split: Split, _ numbers: [UInt64], contentOf: [UInt64], first: Tensor?, second: Tensor?
    ) throws {
        try base.readSwappingContent(split, numbers, contentOf: contentOf, first: first, second: second)
        scale(first, second)
    }
}

extension PairSource {
    /// The scalings of the inputs; nil for a modality that is not scaled.
    package var inputScalings: PerModality<InputScaling?> {
        if let source = self as? any ScaledSourceProtocol { return source.scalings }
        return (self as? any PairSourceWrapper)?.wrapped.inputScalings ?? PerModality { _ in nil }
    }

    /// The source without the scaling of inputs.
    package var unscaled: any PairSource {
        switch self {
        case let source as any ScaledSourceProtocol: source.unscaledBase
        case let source as TokenSource: source.wrapped.unscaled
        default: self
        }
    }

    /// Returns the source with scaled inputs.
    /// - Parameters:
    ///   - standardization: for modalities of numbers; labels and `unscaled` modalities are left as they are.
    ///   - unscaled: modalities whose numbers are names, such as token ids.
    ///   - scalesPictures: whether pictures of unsigned bytes go from 0 … 255 to 0 … 1 if they are not standardised.
    ///   - isShared: whether both modalities have one encoder, and so one scaling.
    /// - Throws: as `read` does; `DataError` if there are no training samples.
    package func scaled(
        by standardization: Standardization, unscaled: [Modality], scalesPictures: Bool, isShared: Bool
    ) throws -> any PairSource {
        let modalities = Modality.allCases.filter { description(of: $0).classes == nil && !unscaled.contains($0) }
        var scalings = PerModality<InputScaling?> { _ in nil }
        if standardization != .none {
            var moments = try modalities.map { try trainingMoments(of: $0) }
            if isShared, moments.count == 2 {
                let both = zip(moments[0], moments[1]).map { SampleMoments(joining: $0, $1) }
                moments = [both, both]
            }
            for (modality, moments) in zip(modalities, moments) {
                scalings[modality] = InputScaling(moments, standardization, shape: description(of: modality).shape)
            }
        } else if scalesPictures, let file = unwrapped as? HDF5Source {
            for modality in modalities where file.holdsPictureBytes(modality) {
                scalings[modality] = .bytes(shape: description(of: modality).shape)
            }
        }
        return scaled(by: scalings)
    }

    /// Returns the source with these scalings; itself if there are none.
    package func scaled(by scalings: PerModality<InputScaling?>) -> any PairSource {
        scalings.first == nil && scalings.second == nil ? self : ScaledSource(self, scalings)
    }
}

/// A `ScaledSource` of any base.
private protocol ScaledSourceProtocol {
    var scalings: PerModality<InputScaling?> { get }
    var unscaledBase: any PairSource { get }
}
extension ScaledSource: ScaledSourceProtocol {
    fileprivate var unscaledBase: any PairSource { base }
}
