import CoupletSchema
import CoupletText

extension ConfigurationBlock {
    /// Reads the values of one key of `vary`. Nil if they are invalid; the problem is noted.
    func variedKey(_ entry: ConfigurationNode.Entry) -> VariedKey? {
        func makeKey(_ values: VariedKey.Values, _ conditions: [VariedKey.Condition]) -> VariedKey {
            VariedKey(
                key: entry.key, values: values, conditions: conditions, source: SweepValue(entry.value).yaml,
                location: entry.keyLocation)
        }
        switch entry.value.content {
        case .list(let items):
            return grid(entry.key, entry.value, items.map { SweepValue($0) }).map { makeKey(.grid($0), []) }
        case .block(let inner):
            let block = ConfigurationBlock(
                entry.value, path: path.isEmpty ? entry.key : "\(path).\(entry.key)", location: entry.keyLocation,
                problems: problems)
            // Values of a draw stand beside it.
            let form = ["draw", "range", "log_range", "values"].first { name in inner.contains { $0.key == name } }
            guard let form else {
                let inside =
                    inner.first.map { "; a key within it is named with its blocks: \(entry.key).\($0.key)" } ?? ""
                note(
                    entry.key, at: entry.value.location,
                    "wanted a list, or a block with values, range, log_range or draw\(inside)")
                return nil
            }
            let conditions = block.conditions()
            defer { block.finish() }
            let values: VariedKey.Values? =
                switch form {
                case "range": block.range().map { .grid($0) }
                case "log_range":
                    block.logarithmicRange().flatMap { grid(entry.key, entry.value, $0) }.map { .grid($0) }
                case "values": block.listedValues().map { .grid($0) }
                default: block.draw()
                }
            guard let values, let conditions else { return nil }
            return makeKey(values, conditions)
        case .scalar:
            note(
                entry.key, at: entry.value.location,
                "wanted a list of values, such as [0.003, 0.01], {range: [1, 4]}, {log_range: [0.05, 0.5], count: 5} "
                    + "or {draw: uniform, between: [0, 1]}; found \(entry.value.found); "
                    + "a value that all trials share belongs in set"
            )
            return nil
        }
    }

    /// Checks that there is at least one value and that no value is repeated.
    private func grid(_ key: String, _ node: ConfigurationNode, _ values: [SweepValue]) -> [SweepValue]? {
        guard !values.isEmpty else {
            note(key, at: node.location, "no values; wanted a list such as [0.003, 0.01]")
            return nil
        }
        var seen: Set<String> = []
        if let repeated = values.first(where: { !seen.insert($0.yaml).inserted }) {
            note(key, at: repeated.node.location, "\(repeated) is given twice")
            return nil
        }
        return values
    }

    /// Reads `values: [adam, {kind: sgd}]`, the values of a grid or of a choice.
    private func listedValues() -> [SweepValue]? {
        guard let node = required("values", example: "[32, 64]"),
            let values = list("values", node, example: "[32, 64]", { SweepValue($0) })
        else { return nil }
        return grid("values", node, values)
    }

    /// Reads `when: {optimizer.kind: sgd, optimizer.schedule: [linear, cosine]}`. Empty if the key is absent; nil after
    /// a problem.
    private func conditions() -> [VariedKey.Condition]? {
        let example = "{optimizer.kind: sgd}"
        guard let node = value("when") else { return [] }
        guard case .block(let entries) = node.content, !entries.isEmpty else {
            note(
                "when", at: node.location,
                "wanted keys of vary with their values, such as \(example); found \(node.found)")
            return nil
        }
        let conditions = entries.map { entry in
            if case .list(let items) = entry.value.content {
                return VariedKey.Condition(key: entry.key, values: items.map { SweepValue($0) })
            }
            return VariedKey.Condition(key: entry.key, values: [SweepValue(entry.value)])
        }
        return conditions
    }

    /// Checks that the conditions of varied keys name keys that stand above, and values that these can have.
    func checkConditions(_ keys: [VariedKey]) {
        for (index, key) in keys.enumerated() {
            for condition in key.conditions {
                let name = "\(key.key).when.\(condition.key)", above = keys[..<index]
                guard let cause = above.first(where: { $0.key == condition.key }) else {
                    let isBelow = keys.contains { $0.key == condition.key }
                    let guess = NearestNames.guess(condition.key, among: above.map(\.key))
                    let hint =
                        guess.map { "did you mean \($0)?" }
                        ?? (isBelow
                            ? "move it above \(key.key)"
                            : above.isEmpty
                                ? "none stands above" : "above are \(above.map(\.key).joined(separator: ", "))")
                    note(name, at: key.location, "is no key of vary that stands above; \(hint)")
                    continue
                }
                guard let values = cause.listedValues else {
                    note(
                        name, at: key.location,
                        "a condition needs a key with a list of values, and this one draws numbers of an interval")
                    continue
                }
                if condition.values.isEmpty { note(name, at: key.location, "names no value") }
                for value in condition.values where !values.contains(value) {
                    let texts = values.map(\.description)
                    let guess = NearestNames.guess(value.description, among: texts).map { "did you mean \($0)? " } ?? ""
                    note(
                        name, at: value.node.location,
                        "\(condition.key) never has the value \(value); \(guess)Its values are "
                            + texts.joined(separator: ", "))
                }
            }
        }
    }

    /// Reads `{range: [1, 4], step: 1}`: whole numbers from the lower end; the upper end is included if a step reaches
    /// it.
    private func range() -> [SweepValue]? {
        guard let node = value("range"),
            let ends = pair(
                "range", node, example: "[1, 4]", { integer("range", $0, in: Int.min / 4...Int.max / 4, example: 1) })
        else { return nil }
        var step = 1
        read("step", .integer(1...Int.max / 4, example: 1), into: &step)
        guard (ends.high - ends.low) / step < SweepSpecification.maximumTrialCount else {
            note("range", "more than \(SweepSpecification.maximumTrialCount) values")
            return nil
        }
        return stride(from: ends.low, through: ends.high, by: step).map { SweepValue($0, location: node.location) }
    }

    /// Reads `{log_range: [0.05, 0.5], count: 5}`.
    private func logarithmicRange() -> [SweepValue]? {
        var count = 0
        if required("count", example: "5") != nil {
            read("count", .integer(2...SweepSpecification.maximumTrialCount, example: 5), into: &count)
        }
        guard let node = value("log_range"),
            let ends = pair(
                "log_range", node, example: "[0.05, 0.5]", { number("log_range", $0, .positive, example: 0.05) }),
            count > 0
        else { return nil }
        return VariedKey.logarithmicRange(ends.low, ends.high, count: count).map {
            SweepValue($0, location: node.location)
        }
    }

    /// Reads `{draw: log_uniform, between: [1.0e-5, 1.0e-2]}` or `{draw: choice, values: [32, 64]}`.
    private func draw() -> VariedKey.Values? {
        guard let node = value("draw") else { return nil }
        let choiceName = "choice", names = VariedKey.Distribution.allCases.map(\.rawValue) + [choiceName]
        guard let name = choice("draw", "distribution", among: names, node: node) else {
            for key in ["between", "values"] { _ = value(key) }
            return nil
        }
        guard let distribution = VariedKey.Distribution(rawValue: name) else {
            markInapplicable(["between"], because: "a choice has values: [32, 64]")
            return listedValues().map { .choice($0) }
        }
        markInapplicable(
            ["values"], because: "\(name) draws numbers between: [1.0e-5, 1.0e-2]; draw: choice has values")
        guard let between = required("between", example: "[1.0e-5, 1.0e-2]") else { return nil }
        let limit: NumberConstraint = distribution == .logarithmic ? .positive : .any
        return pair("between", between, example: "[1.0e-5, 1.0e-2]") { number("between", $0, limit, example: 1e-5) }
            .map { .drawn(distribution, low: $0.low, high: $0.high) }
    }

    /// Reads the two ends of an interval, the lower first.
    private func pair<Number: Comparable>(
        _ key: String, _ node: ConfigurationNode, example: String, _ element: (ConfigurationNode) -> Number?
    ) -> (low: Number, high: Number)? {
        guard let ends = list(key, node, example: example, element) else { return nil }
        guard ends.count == 2, ends[0] < ends[1] else {
            note(key, at: node.location, "wanted two ends, the lower first, such as \(example)")
            return nil
        }
        return (ends[0], ends[1])
    }
}
