import CCoupletKernels
import CoupletTensors

/// A source whose training samples are changed at random (`data.augment`). What a draw changes is a function of (seed,
/// draw) only. Held-out and validation samples, rows of a user, and samples that are read by their numbers are as the
/// source has them.
package struct AugmentedSource: ForwardingPairSource {
    private enum Changes: Sendable {
        case picture(PictureAugmentation)
        case tokens(WordDropout)
    }

    private let base: any PairSource
    package var wrapped: any PairSource { base }
    private let changes: PerModality<Changes?>
    private let philox: Philox

    private init(_ base: any PairSource, _ changes: PerModality<Changes?>, _ philox: Philox) {
        (self.base, self.changes, self.philox) = (base, changes, philox)
    }

    /// A source with changed training samples; the source itself if nothing changes.
    /// - Parameters:
    ///   - tokens: the modalities whose samples are token ids.
    ///   - seed: the seed of the run.
    /// - Throws: `DataError` if samples are neither pictures nor token ids, or too small for a blur.
    package static func augmenting(
        _ source: any PairSource, by specification: AugmentationSpecification?, tokens: [Modality], seed: UInt64
    ) throws -> any PairSource {
        guard let specification, !specification.isEmpty else { return source }
        var changes = PerModality<Changes?> { _ in nil }
        for modality in Modality.allCases {
            let wanted = specification[modality], key = "data.augment.\(modality.rawValue)"
            if wanted.wordDropout > 0 {
                guard tokens.contains(modality) else {
                    throw DataError(
                        at: "\(key).word_dropout",
                        reason: "the encoder of the \(modality) modality takes no token ids",
                        remedy: "leave it out, or give the modality an encoder of tokens, such as text_cnn")
                }
                changes[modality] = .tokens(WordDropout(probability: wanted.wordDropout))
            } else if wanted.changesPictures {
                changes[modality] = .picture(
                    try pictureChanges(wanted, of: source, modality, isToken: tokens.contains(modality), key))
            }
        }
        return AugmentedSource(source, changes, Philox(seed: seed))
    }

    private static func pictureChanges(
        _ wanted: ModalityAugmentation, of source: any PairSource, _ modality: Modality, isToken: Bool, _ key: String
    ) throws -> PictureAugmentation {
        let description = source.description(of: modality), shape = description.shape
        guard let range = source.pictureRange(of: modality), description.hasPictureShape, !isToken else {
            let found =
                description.classes != nil
                ? "labels"
                : isToken ? "token ids" : "samples of the shape \(shape.map(String.init).joined(separator: " × "))"
            throw DataError(
                at: key, reason: "the \(modality) modality has \(found), which are no pictures",
                remedy: "pictures are channels × height × width, with 1 or 3 channels: leave the keys for pictures out")
        }
        if let radius = wanted.blur?.radius(height: shape[1]), radius >= min(shape[1], shape[2]) {
            throw DataError(
                at: "\(key).blur.kernel",
                reason: "a kernel of \(2 * radius + 1) pixels does not fit pictures of \(shape[1]) × \(shape[2])",
                remedy: "give at most \(2 * min(shape[1], shape[2]) - 1)")
        }
        return PictureAugmentation(wanted, shape: shape, range: range)
    }

    package func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(training: numbers, draws: draws, first: first, second: second)
        let samples = PerModality(first: first, second: second)
        for modality in Modality.allCases {
            guard let rows = samples[modality] else { continue }
            switch changes[modality] {
            case nil: break
            case .tokens(let dropout):
                let count = rows.count / max(draws.count, 1)
                for (row, draw) in draws.enumerated() {
                    dropout.apply(philox, modality, draw: draw, to: rows.pointer + row * count, count: count)
                }
            case .picture(let picture): try apply(picture, modality, numbers, draws, rows)
            }
        }
    }

    private func apply(
        _ picture: PictureAugmentation, _ modality: Modality, _ numbers: [UInt64], _ draws: [UInt64], _ rows: Tensor
    ) throws {
        let count = rows.count / max(draws.count, 1), work = Tensor([picture.workCount])
        for (row, draw) in draws.enumerated() {
            let wrong = AugmentationDraw.ofPicture(philox, modality, draw: draw) {
                picture.apply($0, to: rows.pointer + row * count, work: work.pointer)
            }
            guard let wrong else { continue }
            let place = try base.place(of: numbers[row], .training, modality)
            let range = base.pictureRange(of: modality) ?? 0...1
            throw DataError(
                at: place?.location ?? "data.augment.\(modality.rawValue)",
                reason:
                    "\(place.map { "row \($0.row)" } ?? "training sample \(numbers[row])") holds \(wrong), which is no "
                    + "pixel",
                remedy: "data.augment changes pictures of unsigned bytes, or of numbers from \(range.lowerBound) to "
                    + "\(range.upperBound): scale them so")
        }
    }

    /// The token ids of one sample as some draws give them, draws × positions; nil if the draws leave out no words of
    /// the modality.
    package func droppingWords(_ modality: Modality, draws: [UInt64], of sample: Tensor) -> Tensor? {
        guard case .tokens(let dropout) = changes[modality] else { return nil }
        let rows = Tensor([draws.count, sample.count])
        for (row, draw) in draws.enumerated() {
            rows.rows(row..<row + 1).copy(from: sample.reshaped([1, sample.count]))
            dropout.apply(philox, modality, draw: draw, to: rows.pointer + row * sample.count, count: sample.count)
        }
        return rows
    }

    package func reading(labels: PerModality<LabelReading?>) throws -> any PairSource {
        AugmentedSource(try base.reading(labels: labels), changes, philox)
    }
}

extension PairSource {
    /// The source within wrappers that changes training samples; nil if there is none.
    package var augmentedSource: AugmentedSource? {
        (self as? AugmentedSource) ?? (self as? any ForwardingPairSource)?.wrapped.augmentedSource
    }
}
