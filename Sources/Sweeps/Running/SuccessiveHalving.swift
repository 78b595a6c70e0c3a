/// Successive halving: trials with a bad metric early get no more steps (Jamieson & Talwalkar 2016, *Non-stochastic
/// Best Arm Identification and Hyperparameter Optimization*).
///
/// All trials are trained to `firstSteps`, the best `1 / factor` of them to `factor` times as many steps, and so on up
/// to the steps of the config. Each continues from its own checkpoint, and its learning-rate schedule covers all steps.
/// A trial that reaches its last step therefore has the same bits as without halving.
public struct SuccessiveHalving: Equatable, Sendable {
    public let firstSteps: Int
    /// At least 2.
    public let factor: Int

    public init(firstSteps: Int, factor: Int) {
        precondition(firstSteps > 0 && factor > 1, "first steps \(firstSteps), factor \(factor)")
        self.firstSteps = firstSteps
        self.factor = factor
    }

    /// The steps after which trials are compared, ascending: firstSteps · factorᵏ below `steps`, then `steps` itself.
    public func rungs(steps: Int) -> [Int] {
        var rungs: [Int] = [], next = firstSteps
        while next < steps {
            rungs.append(next)
            let (product, isTooLarge) = next.multipliedReportingOverflow(by: factor)
            if isTooLarge { break }
            next = product
        }
        return rungs + [steps]
    }

    /// How many of `count` trials continue: max(1, ⌊count / factor⌋).
    public func survivorCount(of count: Int) -> Int { max(1, count / factor) }
}

/// Trains the trials of a sweep with successive halving, or each to its end without it.
///
/// Trials are compared only after all trials of a rung have reached its steps, so the outcome does not depend on which
/// of them was faster.
struct RungOrder: TrialOrder {
    private let halving: SuccessiveHalving?
    private let goal: SweepSpecification.Goal
    private let rungs: [Int]?
    /// The last step of each trial.
    private let lengths: [Int]
    private var rung = 0
    /// The trials of the current rung, ascending.
    private var entrants: [Int]
    private var isEntrant: [Bool]
    private var dropped: Set<Int> = []

    init(_ plan: TrialPlan) {
        (halving, goal, rungs) = (plan.specification.halving, plan.specification.goal, plan.rungs)
        lengths = plan.trials.map(plan.steps)
        isEntrant = plan.trials.map { $0.configuration != nil }
        entrants = isEntrant.indices.filter { [isEntrant] in isEntrant[$0] }
    }

    private var lastRung: Int { (rungs?.count ?? 1) - 1 }
    private var isLastRung: Bool { rung == lastRung }
    private func rungSteps(_ trial: Int) -> Int { rungs?[rung] ?? lengths[trial] }

    private func hasEnded(_ trial: Int, _ progress: TrialProgress) -> Bool {
        progress.results[trial].last.map { $0.steps >= rungSteps(trial) || $0.isFailed } ?? false
    }

    func steps(_ trial: Int, _ progress: TrialProgress) -> Int? {
        isEntrant[trial] && !hasEnded(trial, progress) ? rungSteps(trial) : nil
    }

    func isOver(_ trial: Int, _ progress: TrialProgress) -> Bool {
        !isEntrant[trial] || isLastRung && hasEnded(trial, progress)
    }

    /// Enters the next rung if all trials of this rung have ended.
    mutating func update(_ progress: TrialProgress) {
        guard !isLastRung, let halving, !entrants.isEmpty, entrants.allSatisfy({ hasEnded($0, progress) }) else {
            return
        }
        let ended = entrants.compactMap { trial in
            progress.results[trial].last?.metric.map { (trial: trial, metric: $0) }
        }
        let ranked = ended.sorted {
            $0.metric == $1.metric ? $0.trial < $1.trial : goal.isBetter($0.metric, than: $1.metric)
        }
        let survivors = ranked.prefix(halving.survivorCount(of: entrants.count)).map(\.trial).sorted()
        dropped.formUnion(ended.map(\.trial).filter { !survivors.contains($0) })
        entrants = survivors
        isEntrant = isEntrant.indices.map { survivors.contains($0) }
        rung += 1
    }

    /// Later rungs count with the trials that will survive.
    func stepsLeft(_ progress: TrialProgress) -> Int {
        let now = entrants.reduce(0) { sum, trial in
            hasEnded(trial, progress)
                ? sum : sum + rungSteps(trial) - (progress.results[trial].last?.steps ?? 0)
        }
        guard let rungs, let halving, !isLastRung else { return now }
        var count = entrants.count, later = 0
        for next in (rung + 1)...lastRung {
            count = halving.survivorCount(of: count)
            later += count * (rungs[next] - rungs[next - 1])
        }
        return now + later
    }

    func stop(_ trial: Int) -> TrialStop? { dropped.contains(trial) ? TrialStop(status: .dropped, reason: "") : nil }
}
