import CoupletPairs
import CoupletSchema

/// Which changes of a configuration allow a run to resume, and which values the first start fills in.
extension Configuration {
    /// Converts `train.epochs` to steps: the number of epochs times the steps of an epoch, rounded to the nearest step,
    /// but at least 1. A schedule that ends with the run follows.
    /// - Parameter sampler: the one of this configuration's training pairs.
    /// - Throws: `DataError` about `train.epochs` if the source is endless, or if there would be too many steps.
    package func resolvingEpochs(_ sampler: Sampler) throws -> Configuration {
        guard let epochs = train.epochs else { return self }
        guard let stepsPerEpoch = sampler.stepsPerEpoch else {
            throw DataError(
                at: "train.epochs",
                reason: "the source \(source.kind.kindName) makes pairs without end, so it has no epochs",
                remedy: "give the length as train.steps")
        }
        // To the nearest: Int(_:) drops the fraction, and rounded() is a function of libm.
        let steps = epochs * Double(stepsPerEpoch) + 0.5
        guard steps < Double(largestStepCount) + 1 else {
            throw DataError(
                at: "train.epochs",
                reason: "\(ConfigurationText.number(epochs)) epochs of \(stepsPerEpoch) steps are too many",
                remedy: "the limit is \(largestStepCount) steps")
        }
        var resolved = self
        (resolved.train.steps, resolved.train.epochs) = (max(1, Int(steps)), nil)
        return resolved.resolvingScheduleSteps()
    }

    /// Sets a missing `optimizer.schedule_steps` at the first start of a run: a decaying schedule ends at
    /// `train.steps`, but not before its warm-up. A start with 0 steps, which only writes the initial parameters,
    /// leaves it unset.
    public func resolvingScheduleSteps() -> Configuration {
        var resolved = self
        if optimizer.schedule != .constant, optimizer.scheduleSteps == nil, train.steps > 0 {
            resolved.optimizer.scheduleSteps = max(train.steps, optimizer.warmupSteps)
        }
        return resolved
    }

    /// Takes a missing `optimizer.schedule_steps` from the run's stored configuration, if the schedule is the same.
    public func inheritingScheduleSteps(from stored: Configuration) -> Configuration {
        var resumed = self
        if optimizer.schedule == stored.optimizer.schedule, optimizer.scheduleSteps == nil {
            resumed.optimizer.scheduleSteps = stored.optimizer.scheduleSteps
        }
        return resumed
    }

    /// The keys that prevent this configuration from resuming a run with the stored one, each with both values, for
    /// example "optimizer.learning_rate: 0.01 in the run, 0.02 now". If empty, the run can resume.
    ///
    /// `name`, `train`, `evaluation`, `batch.activations`, `batch.tile_memory` and `data.cache_memory` may differ,
    /// because no parameter depends on them. `optimizer.schedule_steps` may be missing.
    /// - Parameter ignoredKeys: keys that are not compared, such as the paths of data that have the same digest.
    public func differences(from stored: Configuration, ignoring ignoredKeys: [String] = []) -> [String] {
        func scalars(_ configuration: Configuration) -> [(path: String, text: String)] {
            let entries = configuration.entries.filter { !["name", "evaluation", "train"].contains($0.key) }
            return YAMLValue.scalars(of: entries).filter {
                !["batch.activations", "batch.tile_memory", "data.cache_memory"].contains($0.path)
                    && !ignoredKeys.contains($0.path)
            }
        }
        let now = scalars(inheritingScheduleSteps(from: stored).inheritingRules(from: stored)), before = scalars(stored)
        let storedText = Dictionary(uniqueKeysWithValues: before.map { ($0.path, $0.text) })
        let changed = now.filter { storedText[$0.path] != $0.text }
            .map { "\($0.path): \(storedText[$0.path] ?? "absent") in the run, \($0.text) now" }
        let removed = before.filter { old in !now.contains { $0.path == old.path } }
            .map { "\($0.path): \($0.text) in the run, absent now" }
        return changed + removed
    }
}
