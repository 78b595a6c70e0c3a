import CoupletTensors
import CoupletText

/// Median pruning: a trial stops at a step at which it is worse than the median of the earlier trials (the median
/// stopping rule of Golovin et al. 2017, *Google Vizier*; `MedianPruner` of Optuna).
///
/// Trials are compared by the metric of the sweep after every multiple of `every` from `warmupSteps` on, and before
/// their last step. The trial with number n stops at step s if at least `minimumTrials` of the trials 1 … n - 1 have a
/// figure of step s, and its own figure is worse than the median of theirs. The median of an even number of figures is
/// the mean of the middle two.
///
/// Each trial continues from its own checkpoint, and its learning-rate schedule covers all steps. A trial that reaches
/// its last step therefore has the same bits as without pruning.
public struct MedianPruning: Equatable, Sendable {
    /// Steps between comparisons.
    public var every: Int
    /// The step before which no trial stops.
    public var warmupSteps: Int
    /// Number of earlier trials with a figure of the step that a comparison needs.
    public var minimumTrials: Int

    public init(every: Int, warmupSteps: Int = 0, minimumTrials: Int = 5) {
        self.every = every
        self.warmupSteps = warmupSteps
        self.minimumTrials = minimumTrials
    }

    /// The steps at which a trial of so many steps is compared, ascending.
    public func stages(steps: Int) -> [Int] {
        let first = max(every, (warmupSteps + every - 1) / every * every)
        return Array(stride(from: first, to: steps, by: every))
    }

    /// For `couplet sweep --dry-run`.
    var description: String {
        "every \(every) steps from step \(max(every, warmupSteps)) on, with the median of at least \(minimumTrials) "
            + "earlier trials"
    }
}

/// Trains the trials of a sweep with median pruning.
///
/// A trial that reached a step waits for its comparison until the trials with smaller numbers have reached the step, or
/// have ended before it; meanwhile the slot trains another trial. So the outcome is the one of trials that run one
/// after another, whatever the number of slots and the speed of the trials.
struct MedianOrder: TrialOrder {
    private let pruning: MedianPruning
    private let goal: SweepSpecification.Goal
    /// The steps at which each trial is compared, and its last step; empty for a trial without a config.
    private let stages: [[Int]]
    /// Number of stages of each trial after which it goes on.
    private var passed: [Int]
    private var stops: [Int: TrialStop] = [:]

    init(_ plan: TrialPlan, _ pruning: MedianPruning) {
        self.pruning = pruning
        goal = plan.specification.goal
        stages = plan.trials.map { trial in
            trial.configuration.map { pruning.stages(steps: $0.train.steps) + [$0.train.steps] } ?? []
        }
        passed = plan.trials.map { _ in 0 }
    }

    func steps(_ trial: Int, _ progress: TrialProgress) -> Int? {
        let count = progress.results[trial].count
        return !isOver(trial, progress) && count == passed[trial] ? stages[trial][count] : nil
    }

    func isOver(_ trial: Int, _ progress: TrialProgress) -> Bool {
        let results = progress.results[trial]
        return results.count == stages[trial].count || results.last?.isFailed == true || stops[trial] != nil
    }

    mutating func update(_ progress: TrialProgress) {
        // A decision depends on trials with smaller numbers only, so one pass settles all that can be decided.
        for trial in stages.indices where !isOver(trial, progress) {
            guard progress.results[trial].count > passed[trial], let last = progress.results[trial].last,
                let metric = last.metric
            else { continue }
            var figures: [Double] = [], awaited = 0
            for earlier in 0..<trial {
                if let result = progress.results[earlier].first(where: { $0.steps == last.steps }) {
                    figures += [result.metric].compactMap(\.self)
                } else if !isOver(earlier, progress), stages[earlier].contains(last.steps) {
                    awaited += 1
                }
            }
            if figures.count + awaited < pruning.minimumTrials {
                passed[trial] += 1
            } else if awaited == 0, let median = figures.median {
                if goal.isBetter(median, than: metric) {
                    let reason =
                        "worse than \(NumberText.significant(median)), the median of \(figures.count) earlier "
                        + "\(figures.count == 1 ? "trial" : "trials") at step \(last.steps)"
                    stops[trial] = TrialStop(status: .pruned, reason: reason)
                } else {
                    passed[trial] += 1
                }
            }
        }
    }

    /// The steps that are left if no further trial stops.
    func stepsLeft(_ progress: TrialProgress) -> Int {
        stages.indices.reduce(0) { sum, trial in
            isOver(trial, progress)
                ? sum : sum + (stages[trial].last ?? 0) - (progress.results[trial].last?.steps ?? 0)
        }
    }

    func stop(_ trial: Int) -> TrialStop? { stops[trial] }
}
