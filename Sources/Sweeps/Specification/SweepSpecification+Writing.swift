import CoupletSchema

extension SweepSpecification {
    /// The sweep as a file of its own, with every default filled in: what `load` reads back as the same, beside its base.
    /// - Parameter base: the base config's path, relative to the file.
    package func resolvedYAML(base: String) -> String {
        typealias Text = ConfigurationText
        var lines = ["name: \(Text.text(name))", "base: \(Text.text(base))"]
        if !fixed.isEmpty {
            lines.append("set:")
            lines += fixed.map { "  \(Text.text($0.key)): \($0.value.yaml)" }
        }
        lines.append("vary:")
        lines += varied.map { "  \(Text.text($0.key)): \($0.source)" }
        if let draws { lines.append("draws: {count: \(draws.count), seed: \(draws.seed)}") }
        lines += ["metric: \(Text.text(metric.description))", "goal: \(goal.rawValue)"]
        lines += ["threads_per_trial: \(threadsPerTrial)", "ranks_per_trial: \(ranksPerTrial)"]
        if let halving { lines.append("halving: {first_steps: \(halving.firstSteps), factor: \(halving.factor)}") }
        return lines.map { $0 + "\n" }.joined()
    }

    /// What keeps a sweep that was begun with `stored` from going on with this one, each with both values. The name and how many ranks and
    /// threads a trial takes may change, for no result depends on them.
    package func differences(from stored: SweepSpecification) -> [String] {
        let now = facts, before = stored.facts
        let changed = now.compactMap { fact -> String? in
            let old = before.first { $0.key == fact.key }?.value
            return old == fact.value ? nil : "\(fact.key): \(old ?? "absent") in the sweep, \(fact.value) now"
        }
        let gone = before.filter { fact in !now.contains { $0.key == fact.key } }.map {
            "\($0.key): \($0.value) in the sweep, absent now"
        }
        return changed + gone
    }

    /// Everything that a result depends on. Values that are written differently and are the same compare as equal.
    private var facts: [(key: String, value: String)] {
        var facts = baseTree.leaves("").filter { $0.key != "name" }.map {
            (key: "\($0.key) of the base", value: $0.text)
        }
        facts += fixed.map { ("set.\($0.key)", $0.value.yaml) }
        facts += varied.enumerated().map { index, key in
            let values =
                switch key.values {
                case .grid(let values): values.map(\.yaml).joined(separator: ", ")
                case .drawn(let distribution, let low, let high): "\(distribution.rawValue) between \(low) and \(high)"
                }
            return ("vary.\(key.key)", values)
        }
        facts.append(("the order of vary", varied.map(\.key).joined(separator: ", ")))
        if let draws { facts += [("draws.count", "\(draws.count)"), ("draws.seed", "\(draws.seed)")] }
        facts += [("metric", metric.description), ("goal", goal.rawValue)]
        if let halving {
            facts += [("halving.first_steps", "\(halving.firstSteps)"), ("halving.factor", "\(halving.factor)")]
        }
        return facts
    }
}

extension ConfigurationNode {
    /// Every value that is no block under its dotted key, in order.
    fileprivate func leaves(_ key: String) -> [(key: String, text: String)] {
        guard case .block(let entries) = content else { return [(key, SweepValue(self).yaml)] }
        return entries.flatMap { $0.value.leaves(key.isEmpty ? $0.key : "\(key).\($0.key)") }
    }
}
