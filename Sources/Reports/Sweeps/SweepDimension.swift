/// A key that a sweep varies, as an axis: numbers where all of its values are, names otherwise.
struct SweepDimension {
    let key: String
    let shortKey: String
    /// The different values as the table has them: numbers ascending, names in the order of the trials.
    let texts: [String]
    /// As places on the axis, in the same order.
    let values: [Double]
    let axis: Axis
    /// Whether the values are numbers.
    let isNumeric: Bool

    init(key: String, shortKey: String, texts all: [String]) {
        self.key = key
        self.shortKey = shortKey
        var seen: Set<String> = []
        let different = all.filter { seen.insert($0).inserted }
        let numbers = different.map { Double($0) }.map { $0.flatMap { $0.isFinite ? $0 : nil } }
        isNumeric = !numbers.contains { $0 == nil } && !different.isEmpty
        if isNumeric {
            let order = zip(different, numbers.compactMap { $0 }).sorted { $0.1 < $1.1 }
            texts = order.map(\.0)
            values = order.map(\.1)
            axis = Axis(
                shortKey, scale: Self.growsByFactors(values) ? .logarithmic : .linear,
                ticks: values.count <= 10 ? values : nil)
        } else {
            texts = different
            values = different.indices.map(Double.init)
            axis = Axis(shortKey, categories: different)
        }
    }

    /// Where a text of the table lies on the axis.
    func place(_ text: String) -> Double? { texts.firstIndex(of: text).map { values[$0] } }

    /// A seed makes a trial again: what is told of the other keys is averaged over it.
    var isSeed: Bool { key == "seed" || key.hasSuffix(".seed") }

    var isLogarithmic: Bool { axis.scale == .logarithmic }

    /// Whether values such as 256, 512, 1024 or 0.001, 0.003, 0.01 ask for a logarithmic axis: they span a decade, or their ratios are more
    /// even than their differences.
    static func growsByFactors(_ ascending: [Double]) -> Bool {
        guard let low = ascending.first, let high = ascending.last, low > 0, high > low else { return false }
        if high / low >= 10 { return true }
        guard ascending.count >= 3 else { return false }
        func unevenness(_ gaps: [Double]) -> Double { (gaps.max() ?? 1) / max(gaps.min() ?? 1, .leastNormalMagnitude) }
        let pairs = Array(zip(ascending, ascending.dropFirst()))
        return unevenness(pairs.map { $1 / $0 - 1 }) < unevenness(pairs.map { $1 - $0 })
    }
}
