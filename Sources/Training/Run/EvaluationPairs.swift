import CoupletPairs

/// The pairs that an evaluation uses, by an index from 0.
struct EvaluationPairs {
    let split: Split
    /// Number of pairs.
    let count: Int
    /// Number of pairs of the split if the evaluation uses every so-manieth of them; nil if it uses the first ones.
    private let spreadOver: Int?

    /// The first pairs of a split.
    init(first count: Int, of split: Split) {
        (self.split, self.count, spreadOver) = (split, count, nil)
    }

    /// The pairs of an evaluation. A brief one uses at most `evaluation.during.pairs`, spread evenly over the split, so
    /// that a sorted file does not show only its first classes.
    init(
        _ settings: Configuration.Evaluation, source: any PairSource, split: Split, extent: ModelEvaluation.Extent
    ) {
        let available = source.count(of: split)
        let all = min(
            settings.pairs ?? available ?? Configuration.Evaluation.defaultEndlessGallerySize, available ?? .max)
        self.split = split
        count = extent == .full ? all : min(all, settings.during.pairs)
        spreadOver = count < all ? available : nil
    }

    /// The sample number of a pair.
    func number(_ index: UInt64) -> UInt64 {
        spreadOver.map { index * UInt64($0) / UInt64(count) } ?? index
    }
}

extension Configuration {
    /// Whether evaluations use the validation pairs of a source. Endless sources always have some, and runs use them if
    /// something is chosen by a metric.
    func usesValidation(of source: any PairSource) -> Bool {
        source.hasValidation && (needsValidation || source.count(of: .validation) != nil)
    }

    /// The split of the evaluations during training, by which something may be chosen.
    func evaluationSplit(of source: any PairSource) -> Split { usesValidation(of: source) ? .validation : .heldOut }
}
