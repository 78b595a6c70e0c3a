import CoupletPairs
import CoupletTensors

/// Some training samples as the source has them, and as some draws give them: what `data.augment`, and a source that
/// augments by itself, change.
struct AugmentedSamples {
    /// The modalities that change.
    let modalities: [RunSamples.Augmentation]

    /// - Parameter seed: chooses the samples of a finite source.
    init(_ source: any PairSource, seed: UInt64) throws {
        // Before scaling, so that pixels are pixels.
        let source = source.unscaled
        let available = source.count(of: .training) ?? RunSamples.largestPairs
        let numbers = RunSamples.choice(RunSamples.augmentedSamples, of: available, number: 2).map { UInt64($0) }
        modalities = try Modality.allCases.compactMap {
            try Self.droppedWords(source, $0, numbers) ?? Self.changes(source, $0, numbers)
        }
    }

    /// The draws of a sample, by its place.
    private static func draws(_ sample: Int) -> [UInt64] {
        (0..<RunSamples.draws).map { UInt64(sample * RunSamples.draws + $0) }
    }

    /// Texts and what word dropout leaves of them: the text of the ids, or else their number.
    /// - Returns: nil if the draws leave out no words of a modality.
    private static func droppedWords(
        _ source: any PairSource, _ modality: Modality, _ numbers: [UInt64]
    ) throws -> RunSamples.Augmentation? {
        guard let augmented = source.augmentedSource, !numbers.isEmpty else { return nil }
        let originals = try source.readRaw(.training, numbers, modality)
        let texts = try source.texts(.training, numbers, modality)
        let tokenizer = source.preparation(of: modality)?.text?.tokenizer
        func ids(_ row: Tensor) -> [Int32] { row.values.prefix { $0 != 0 }.map { Int32($0) } }
        var rows: [(original: RunSamples.Content, draws: [RunSamples.Content])] = []
        for sample in numbers.indices {
            let original = originals.rows(sample..<sample + 1), all = ids(original)
            guard let dropped = augmented.droppingWords(modality, draws: draws(sample), of: original) else {
                return nil
            }
            rows.append(
                (
                    .text(texts?[sample] ?? tokenizer?.text(of: all) ?? "\(all.count) ids"),
                    (0..<dropped.rows).map { row in
                        let kept = ids(dropped.rows(row..<row + 1))
                        return .text(tokenizer?.text(of: kept) ?? "\(kept.count) of \(all.count) ids")
                    }
                ))
        }
        return RunSamples.Augmentation(modality: modality, rows: rows)
    }

    /// - Returns: nil if the draws of a modality do not change its samples, or if they are not pictures.
    private static func changes(
        _ source: any PairSource, _ modality: Modality, _ numbers: [UInt64]
    ) throws -> RunSamples.Augmentation? {
        let description = source.description(of: modality), shape = description.shape
        guard description.classes == nil, !numbers.isEmpty else { return nil }
        func rows(_ count: Int, _ read: (_ first: Tensor?, _ second: Tensor?) throws -> Void) rethrows -> Tensor {
            let rows = Tensor([count] + shape)
            try read(modality == .first ? rows : nil, modality == .second ? rows : nil)
            return rows
        }
        let originals = try rows(numbers.count) { try source.read(.training, numbers, first: $0, second: $1) }
        let augmented = try numbers.enumerated().map { sample, number in
            let draws = draws(sample)
            return try rows(draws.count) {
                try source.read(training: draws.map { _ in number }, draws: draws, first: $0, second: $1)
            }
        }
        let changes = augmented.indices.contains { sample in
            let original = originals.rows(sample..<sample + 1).values
            return (0..<RunSamples.draws).contains { augmented[sample].rows($0..<$0 + 1).values != original }
        }
        guard changes, let range = source.pictureRange(of: modality) else { return nil }
        func content(_ rows: Tensor, _ row: Int) -> RunSamples.Content? {
            SamplePicture(shape: shape, rows.rows(row..<row + 1).values, range: range).map { .picture($0) }
        }
        return RunSamples.Augmentation(
            modality: modality,
            rows: numbers.indices.compactMap { sample in
                content(originals, sample).map { original in
                    (original, (0..<RunSamples.draws).compactMap { content(augmented[sample], $0) })
                }
            })
    }
}
