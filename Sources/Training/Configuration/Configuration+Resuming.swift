extension Configuration {
    /// This configuration as a run's first start fixes it: a falling schedule without `schedule_steps` ends at `train.steps`, and not
    /// before its warm-up does. A start of no steps, which only writes the initial parameters, fixes nothing.
    public func resolvingScheduleSteps() -> Configuration {
        var fixed = self
        if optimizer.schedule != .constant, optimizer.scheduleSteps == nil, train.steps > 0 {
            fixed.optimizer.scheduleSteps = max(train.steps, optimizer.warmupSteps)
        }
        return fixed
    }

    /// This configuration as it goes on from a run's stored one: the schedule keeps its steps unless this one gives others (which
    /// `differences` then tells).
    public func resuming(_ stored: Configuration) -> Configuration {
        var resumed = self
        if optimizer.schedule == stored.optimizer.schedule, optimizer.scheduleSteps == nil {
            resumed.optimizer.scheduleSteps = stored.optimizer.scheduleSteps
        }
        return resumed
    }

    /// The keys that keep this configuration from going on where a run of the stored one ended, each with both values, such as
    /// "optimizer.learning_rate: 0.01 in the run, 0.02 now". Empty: it can be resumed.
    ///
    /// `name`, `train`, `evaluation`, `batch.activations` and `batch.tile_memory` may change, for no parameter depends on them.
    /// `optimizer.schedule_steps` may be left out.
    public func differences(from stored: Configuration) -> [String] {
        func leaves(_ configuration: Configuration) -> [(key: String, text: String)] {
            configuration.tree.filter { !["name", "evaluation", "train"].contains($0.key) }.flatMap {
                $0.value.leaves($0.key)
            }
            .filter { !["batch.activations", "batch.tile_memory"].contains($0.key) }
        }
        let now = leaves(resuming(stored)), before = leaves(stored)
        let values = Dictionary(uniqueKeysWithValues: before.map { ($0.key, $0.text) })
        let changed = now.filter { values[$0.key] != $0.text }.map {
            "\($0.key): \(values[$0.key] ?? "absent") in the run, \($0.text) now"
        }
        let gone = before.filter { old in !now.contains { $0.key == old.key } }.map {
            "\($0.key): \($0.text) in the run, absent now"
        }
        return changed + gone
    }
}
