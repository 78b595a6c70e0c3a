import CoupletSweeps

/// A varied key as an axis: numeric if all of its values are numbers, otherwise with its values as categories.
struct SweepDimension {
    let key: String
    let shortKey: String
    /// The distinct values as in the table: numbers in ascending order, other texts in the order of the trials.
    let texts: [String]
    /// The positions of `texts` on the axis.
    let values: [Double]
    let axis: Axis
    /// Whether the values are numbers.
    let isNumeric: Bool
    /// Whether the values are random draws, of which no two trials share one.
    let isDrawn: Bool

    /// - Parameters:
    ///   - texts: The value of each trial, in the order of the trials.
    ///   - distribution: Of random draws; nil for given values.
    init(key: String, shortKey: String, texts trialTexts: [String], distribution: VariedKey.Distribution? = nil) {
        self.key = key
        self.shortKey = shortKey
        isDrawn = distribution != nil
        var seen: Set<String> = []
        // A key that does not apply to a trial has no value.
        let distinct = trialTexts.filter { !$0.isEmpty }.filter { seen.insert($0).inserted }
        let numbers = distinct.map { Double($0) }.map { $0.flatMap { $0.isFinite ? $0 : nil } }
        isNumeric = !numbers.contains { $0 == nil } && !distinct.isEmpty
        if isNumeric {
            let order = zip(distinct, numbers.compactMap { $0 }).sorted { ($0.1, $0.0) < ($1.1, $1.0) }
            texts = order.map(\.0)
            values = order.map(\.1)
            let isLogarithmic = distribution.map { $0 == .logarithmic } ?? Self.isGeometric(values)
            axis = Axis(
                shortKey, scale: isLogarithmic ? .logarithmic : .linear,
                ticks: values.count <= 10 && distribution == nil ? values : nil)
        } else {
            texts = distinct
            values = distinct.indices.map(Double.init)
            axis = Axis(shortKey, categories: distinct)
        }
    }

    /// The position of a text of the table on the axis.
    func position(of text: String) -> Double? { texts.firstIndex(of: text).map { values[$0] } }

    /// Whether the key is a seed. Trials that differ in the seed alone are repetitions, so figures average over them.
    var isSeed: Bool { key == "seed" || key.hasSuffix(".seed") }

    var isLogarithmic: Bool { axis.scale == .logarithmic }

    /// Whether values such as 256, 512, 1024 or 0.001, 0.003, 0.01 suit a logarithmic axis: they span a decade, or
    /// their ratios are more even than their differences.
    private static func isGeometric(_ ascending: [Double]) -> Bool {
        guard let low = ascending.first, let high = ascending.last, low > 0, high > low else { return false }
        if high / low >= 10 { return true }
        guard ascending.count >= 3 else { return false }
        func unevenness(_ gaps: [Double]) -> Double { (gaps.max() ?? 1) / max(gaps.min() ?? 1, .leastNormalMagnitude) }
        let pairs = Array(zip(ascending, ascending.dropFirst()))
        return unevenness(pairs.map { $1 / $0 - 1 }) < unevenness(pairs.map { $1 - $0 })
    }
}
