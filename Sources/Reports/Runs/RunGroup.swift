import CoupletSchema

/// Runs of one setting: their configs differ in the seed and the name alone. A run without a readable config, and a
/// second run of a seed, such as one on other workers, is in another group.
struct RunGroup: Sendable {
    /// The name of the run; of several, what their names share.
    let name: String
    /// Indices of runs, ascending.
    let members: [Int]

    /// Groups runs, in the order of the first run of each group.
    static func groups(_ runs: [RunCurves.Source]) -> [RunGroup] {
        var groups: [(settings: [ConfigurationSettings.Setting]?, seeds: Set<String>, members: [Int])] = []
        for (index, run) in runs.enumerated() {
            let settings = run.settings.map { $0.settings.filter { !ignored.contains($0.key) } }
            let seed = run.settings?["seed"] ?? ""
            if let settings,
                let group = groups.firstIndex(where: { $0.settings == settings && !$0.seeds.contains(seed) })
            {
                groups[group].members.append(index)
                groups[group].seeds.insert(seed)
            } else {
                groups.append((settings, [seed], [index]))
            }
        }
        return groups.map { _, _, members in
            let setting = members.count > 1 ? runs[members[0]].setting : nil
            return RunGroup(name: setting ?? sharedName(members.map { runs[$0].name }), members: members)
        }
    }

    private static let ignored: Set<String> = ["seed", "name"]

    /// The part that names share, with an ellipsis: "small/seed…" for "small/seed1" and "small/seed2". Names that share
    /// fewer than three characters are listed, at most three of them.
    private static func sharedName(_ names: [String]) -> String {
        guard let first = names.first, names.count > 1 else { return names.first ?? "" }
        let prefix = names.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
        if prefix.count >= 3 { return prefix + "…" }
        return names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
    }

    /// "small/seed… (mean of 3 seeds)".
    var legend: String { members.count == 1 ? name : "\(name) (mean of \(members.count) seeds)" }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { $0 == $1 }.map(\.0))
    }
}
