/// Samples cut into folds as they lie: each is left out once while the others are fitted. The first N mod k folds have one sample more, as in
/// scikit-learn's `KFold`.
package struct CrossValidationFolds: Equatable, Sendable {
    package let samples: Int
    package let count: Int

    package init(samples: Int, count: Int = 3) {
        precondition(count > 1 && samples >= count, "\(samples) samples in \(count) folds")
        self.samples = samples
        self.count = count
    }

    /// The samples that a fold leaves out.
    package func leftOut(_ fold: Int) -> Range<Int> {
        let size = samples / count, longer = samples % count
        let start = fold * size + min(fold, longer)
        return start..<(start + size + (fold < longer ? 1 : 0))
    }

    /// How many samples are fitted where a fold is left out.
    package func fitted(_ fold: Int) -> Int { samples - leftOut(fold).count }
}
