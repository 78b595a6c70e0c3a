import CoupletSchema

/// Which keys of a config decide whether figures of two runs compare.
///
/// - A loss compares only with the same function of as many pairs of the same data: the whole `objective` block (loss,
///   temperature, similarity, …), the batch, and the data. The loss of a batch of B pairs is at chance ln B, so another
///   batch alone moves it.
/// - Any other figure of an evaluation compares only on the same pairs: the `data` and `evaluation` blocks, without the
///   keys that concern the training pairs or the memory.
enum Comparability {
    case trainingLoss
    case heldOutLoss
    case evaluation

    /// Whether figures of runs that differ in this key do not compare.
    func depends(on key: String) -> Bool {
        switch self {
        case .trainingLoss: Self.isOfLoss(key) || (key.hasPrefix("data.") && key != "data.cache_memory")
        case .heldOutLoss: Self.isOfLoss(key) || Self.isOfPairs(key)
        case .evaluation: Self.isOfPairs(key)
        }
    }

    private static func isOfLoss(_ key: String) -> Bool {
        key.hasPrefix("objective.") || ["batch.size", "batch.second_per_first", "batch.groups"].contains(key)
    }

    private static func isOfPairs(_ key: String) -> Bool {
        if key.hasPrefix("evaluation.") { return !key.hasPrefix("evaluation.during.") }
        return key.hasPrefix("data.") && !key.hasPrefix("data.augment")
            && !["data.per_class", "data.cache_memory"].contains(key)
    }

    /// The comparability of a figure by its path in `couplet evaluate --json`, such as `loss.mean`.
    static func ofMetric(_ path: String) -> Comparability {
        path == "loss" || path.hasPrefix("loss.") ? .heldOutLoss : .evaluation
    }

    /// The keys that decide, and that differ between configs, in the order of their first occurrence.
    func differences(_ configs: [ConfigurationSettings]) -> [String] {
        var keys: [String] = [], seen: Set<String> = []
        for config in configs {
            for setting in config.settings where depends(on: setting.key) && seen.insert(setting.key).inserted {
                keys.append(setting.key)
            }
        }
        return keys.filter { key in configs.contains { $0[key] != configs[0][key] } }
    }
}

/// Runs, partitioned so that the losses of the runs of a part compare with each other.
struct LossKinds {
    /// Indices of runs.
    let parts: [[Int]]
    /// The keys that differ between the parts.
    let keys: [String]
    /// The values of `keys` of each part: "loss joint, temperature 0.5"; of a run without a readable config, a note.
    let names: [String]

    /// - Parameter configs: The config of each run; nil if it cannot be read. Such a run is a part of its own.
    init(_ configs: [ConfigurationSettings?]) {
        var parts: [[Int]] = [], values: [[String: String]?] = []
        for (index, config) in configs.enumerated() {
            let own = config.map { config in
                Dictionary(
                    config.settings.filter { Comparability.trainingLoss.depends(on: $0.key) }.map {
                        ($0.key, $0.value)
                    },
                    uniquingKeysWith: { first, _ in first })
            }
            if let own, let part = values.firstIndex(of: own) {
                parts[part].append(index)
            } else {
                parts.append([index])
                values.append(own)
            }
        }
        let keys = Comparability.trainingLoss.differences(parts.compactMap { configs[$0[0]] })
        // "temperature" for "objective.temperature", and "batch size" for "batch.size".
        let shortKeys = keys.map { key in
            key.split(whereSeparator: { $0 == "." || $0 == "_" }).drop { $0 == "objective" }.joined(separator: " ")
        }
        self.parts = parts
        self.keys = keys
        names = values.map { own in
            guard let own else { return "config unknown" }
            return zip(keys, shortKeys).map { key, short in "\(short) \(own[key] ?? "not set")" }.joined(
                separator: ", ")
        }
    }

    /// Why the losses do not share one axis; nil if they do.
    var reason: String? {
        guard parts.count > 1 else { return nil }
        let differing =
            keys.isEmpty
            ? "the config of a run cannot be read"
            : "\(keys.joined(separator: ", ")) \(keys.count == 1 ? "differs" : "differ")"
        return
            "The losses do not compare, because \(differing): formula, temperature, batch and data set the scale of a "
            + "loss. Each kind has a panel of its own, and no best loss is named."
    }
}
