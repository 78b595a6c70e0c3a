import CoupletSchema

extension ConfigurationBlock {
    /// The values of one key of `vary`; nil, noted, where they are none.
    func variedKey(_ entry: ConfigurationNode.Entry) -> VariedKey? {
        let made = { (values: VariedKey.Values) in
            VariedKey(key: entry.key, values: values, source: SweepValue(entry.value).yaml, place: entry.keyLocation)
        }
        switch entry.value.content {
        case .list(let items):
            return grid(entry, items.map { SweepValue($0) }).map(made)
        case .block(let inner):
            let block = ConfigurationBlock(
                entry.value, path: path.isEmpty ? entry.key : "\(path).\(entry.key)", place: entry.keyLocation,
                problems: problems)
            switch inner.first(where: { ["range", "log_range", "draw"].contains($0.key) })?.key {
            case "range": return block.range().flatMap { grid(entry, $0) }.map(made)
            case "log_range": return block.logarithmicRange().flatMap { grid(entry, $0) }.map(made)
            case "draw": return block.draw().map(made)
            default:
                let inside =
                    inner.first.map { "; a key within it is named with its blocks: \(entry.key).\($0.key)" } ?? ""
                note(
                    entry.key, at: entry.value.place, "wanted a list, or a block with range, log_range or draw\(inside)"
                )
                return nil
            }
        case .scalar:
            note(
                entry.key, at: entry.value.place,
                "wanted a list of values, such as [0.003, 0.01], {range: [1, 4]}, {log_range: [0.05, 0.5], count: 5} or {draw: uniform, between: [0, 1]}; "
                    + "found \(entry.value.found); what all trials have belongs into set")
            return nil
        }
    }

    /// At least one value, and none twice.
    private func grid(_ entry: ConfigurationNode.Entry, _ values: [SweepValue]) -> VariedKey.Values? {
        guard !values.isEmpty else {
            note(entry.key, at: entry.value.place, "no values; wanted a list such as [0.003, 0.01]")
            return nil
        }
        var seen: Set<String> = []
        if let repeated = values.first(where: { !seen.insert($0.yaml).inserted }) {
            note(entry.key, at: repeated.node.place, "\(repeated) is given twice")
            return nil
        }
        return .grid(values)
    }

    /// `{range: [1, 4], step: 1}`: whole numbers, both ends included where the step leads to them.
    private func range() -> [SweepValue]? {
        defer { finish() }
        guard let node = value("range"),
            let ends = pair(
                "range", node, example: "[1, 4]", { integer("range", $0, in: Int.min / 4...Int.max / 4, example: 1) })
        else { return nil }
        var step = 1
        read("step", into: &step, in: 1...Int.max / 4, example: 1)
        guard (ends.high - ends.low) / step < SweepSpecification.mostTrials else {
            note("range", "more than \(SweepSpecification.mostTrials) values")
            return nil
        }
        return stride(from: ends.low, through: ends.high, by: step).map { SweepValue($0, place: node.place) }
    }

    /// `{log_range: [0.05, 0.5], count: 5}`
    private func logarithmicRange() -> [SweepValue]? {
        defer { finish() }
        var count = 0
        if required("count", example: "5") != nil {
            read("count", into: &count, in: 2...SweepSpecification.mostTrials, example: 5)
        }
        guard let node = value("log_range"),
            let ends = pair(
                "log_range", node, example: "[0.05, 0.5]", { number("log_range", $0, .positive, example: 0.05) }),
            count > 0
        else { return nil }
        return VariedKey.logarithmicRange(ends.low, ends.high, count: count).map { SweepValue($0, place: node.place) }
    }

    /// `{draw: log_uniform, between: [1.0e-5, 1.0e-2]}`
    private func draw() -> VariedKey.Values? {
        defer { finish() }
        guard let node = value("draw") else { return nil }
        let name = choice("draw", "distribution", among: VariedKey.Distribution.allCases.map(\.rawValue), node: node)
        guard let between = required("between", example: "[1.0e-5, 1.0e-2]"),
            let distribution = name.flatMap(VariedKey.Distribution.init)
        else { return nil }
        let limit: NumberConstraint = distribution == .logarithmic ? .positive : .any
        return pair("between", between, example: "[1.0e-5, 1.0e-2]") { number("between", $0, limit, example: 1e-5) }
            .map { .drawn(distribution, low: $0.low, high: $0.high) }
    }

    /// Two ends, the lower first.
    private func pair<Number: Comparable>(
        _ key: String, _ node: ConfigurationNode, example: String, _ element: (ConfigurationNode) -> Number?
    ) -> (low: Number, high: Number)? {
        guard let ends = list(key, node, example: example, element) else { return nil }
        guard ends.count == 2, ends[0] < ends[1] else {
            note(key, at: node.place, "wanted two ends, the lower first, such as \(example)")
            return nil
        }
        return (ends[0], ends[1])
    }
}
