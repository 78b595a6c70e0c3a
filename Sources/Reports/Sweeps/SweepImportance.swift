import CoupletTensors
import CoupletText

/// How much of the order of the trials each varied value explains, one value at a time.
///
/// The trials are ranked by the metric, and grouped by the value: N trials in k groups. With the Kruskal–Wallis
/// statistic
///
///     H = (N − 1) · (sum of squares of the ranks between the groups) / (total sum of squares of the ranks)
///
/// the importance is (H − k + 1) / (N − k) (Tomczak and Tomczak, *The need to report effect size estimates revisited*,
/// 2014): the share of the variance of the ranks that the groups explain, less what as many groups explain by chance.
/// Its mean is 0 for a value without effect, and it is 1 if the value alone decides. Ranks make it the same for the
/// metric and its logarithm, and keep a single diverged trial from deciding.
package struct SweepImportance: Sendable {
    package struct Value: Equatable, Sendable {
        package let key: String
        /// Number of groups k.
        package let groups: Int
        package let importance: Double
        /// What the importance stays below in 95 of 100 random orders of the trials.
        package let chance: Double
    }

    /// In descending order of importance.
    package let values: [Value]
    /// Number of trials N.
    package let count: Int

    /// Fewest trials, altogether and for each group. Below, chance alone explains about as much as a strong effect.
    package static let fewestTrials = 12
    package static let fewestPerGroup = 3

    /// Why there is no importance; nil if there is.
    package let refusal: String?

    /// - Parameters:
    ///   - metrics: The figure of each trial.
    ///   - keys: Each varied key with the group of each trial, from 0.
    package init(metrics: [Double], keys: [(key: String, groups: [Int])]) {
        count = metrics.count
        guard metrics.count >= Self.fewestTrials else {
            values = []
            refusal =
                "Importance of the values: not computed. It needs at least \(Self.fewestTrials) trials that compare; "
                + "there \(metrics.count == 1 ? "is" : "are") \(metrics.count)."
            return
        }
        let usable = keys.filter { _, groups in
            let used = Set(groups).count
            return used > 1 && groups.count >= Self.fewestPerGroup * used
        }
        guard !usable.isEmpty else {
            values = []
            refusal =
                "Importance of the values: not computed. No value has \(Self.fewestPerGroup) trials in each of its "
                + "groups on average."
            return
        }
        refusal = nil
        let ranks = Self.ranks(metrics)
        let shuffled = Self.shuffles(ranks)
        values = usable.map { key, groups in
            let random = shuffled.map { Self.importance(ranks: $0, groups: groups) }.sorted()
            return Value(
                key: key, groups: Set(groups).count, importance: Self.importance(ranks: ranks, groups: groups),
                chance: random[random.count * 95 / 100])
        }.enumerated().sorted { ($1.element.importance, $0.offset) < ($0.element.importance, $1.offset) }.map(\.element)
    }

    /// The ranks from 1, with the mean rank for equal values.
    package static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        var ranks = [Double](repeating: 0, count: values.count), start = 0
        while start < order.count {
            var end = start
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for index in order[start..<end] { ranks[index] = Double(start + 1 + end) / 2 }
            start = end
        }
        return ranks
    }

    /// (H − k + 1) / (N − k); 0 if all ranks are equal.
    package static func importance(ranks: [Double], groups: [Int]) -> Double {
        let n = Double(ranks.count), mean = (n + 1) / 2
        var sums: [Int: (sum: Double, count: Double)] = [:], total = 0.0
        for (rank, group) in zip(ranks, groups) {
            sums[group, default: (0, 0)].sum += rank
            sums[group, default: (0, 0)].count += 1
            total += (rank - mean) * (rank - mean)
        }
        let k = Double(sums.count)
        guard total > 0, n > k else { return 0 }
        // Sorted, because sums of Doubles depend on their order.
        let between = sums.sorted { $0.key < $1.key }.reduce(0) { result, group in
            let distance = group.value.sum / group.value.count - mean
            return result + group.value.count * distance * distance
        }
        return ((n - 1) * between / total - k + 1) / (n - k)
    }

    /// Random orders of the ranks; the same for the same ranks.
    private static func shuffles(_ ranks: [Double]) -> [[Double]] {
        let philox = Philox(seed: 0)
        return (0..<400).map { shuffle in
            var result = ranks
            for index in stride(from: result.count - 1, to: 0, by: -1) {
                let word = philox.words(.sweep, number: UInt64(shuffle), block: UInt32(index))[0]
                result.swapAt(index, Int((UInt64(word) * UInt64(index + 1)) >> 32))
            }
            return result
        }
    }

    /// The groups of a key: its values, or equally many trials each, in ascending order of their values, if it has more
    /// numbers than `largestGroupCount`. Trials to which the key does not apply are a group of their own.
    static func groups(_ dimension: SweepDimension, _ texts: [String]) -> [Int] {
        let used = dimension.texts.filter(Set(texts).contains)
        guard dimension.isNumeric, used.count > largestGroupCount else {
            return texts.map { used.firstIndex(of: $0) ?? used.count }
        }
        let positions = texts.map { dimension.position(of: $0) ?? .nan }
        let order = positions.indices.filter { !positions[$0].isNaN }.sorted {
            (positions[$0], $0) < (positions[$1], $1)
        }
        var groups = [Int](repeating: binCount, count: texts.count)
        for (place, index) in order.enumerated() { groups[index] = place * binCount / order.count }
        return groups
    }

    private static let largestGroupCount = 6
    private static let binCount = 4
}
