extension Collection where Element == Double {
    /// The middle number in ascending order, or the mean of the middle two; nil if there are none. No number is NaN.
    package var median: Double? {
        if isEmpty { return nil }
        let sorted = self.sorted(), middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle])
    }
}
