import CoupletReports
import CoupletSweeps

/// One of a study's sweeps, with all of its finished trials read.
struct StudySweep<Trial: StudyTrial>: Sendable {
    let record: SweepRecord
    /// In the order of the table.
    let trials: [Trial]

    /// - Throws: `FileError` where there is no such sweep, or something in it is damaged.
    init(reading path: String) throws {
        let record = try SweepRecord(reading: path)
        self.record = record
        trials = try record.trials.filter { $0.status == .done }.map {
            try Trial(reading: record.folder.trial($0.trial), name: $0.trial)
        }
    }

    /// What is missing, for a page that is made while trials still run; nil where nothing is.
    var remark: String? {
        let missing = record.trials.count - trials.count
        guard missing > 0 else { return nil }
        let failed = record.failed.count
        return
            "\(missing) of \(record.trials.count) trials are not done\(failed > 0 ? ", \(failed) of them failed" : "")."
    }

    /// The trials by a key, in ascending order of it.
    func grouped<Key: Hashable & Comparable>(by key: (Trial) -> Key) -> [(key: Key, trials: [Trial])] {
        Dictionary(grouping: trials, by: key).map { (key: $0.key, trials: $0.value) }.sorted { $0.key < $1.key }
    }

    /// The same in the order in which the keys first come.
    func inOrder<Key: Hashable>(by key: (Trial) -> Key) -> [(key: Key, trials: [Trial])] {
        var groups: [(key: Key, trials: [Trial])] = []
        for trial in trials {
            let name = key(trial)
            if let index = groups.firstIndex(where: { $0.key == name }) {
                groups[index].trials.append(trial)
            } else {
                groups.append((name, [trial]))
            }
        }
        return groups
    }
}
