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

/// Decides which trial runs next, and tracks the progress of all trials.
///
/// The state has no files and no threads: the order of the calls alone decides which slot gets which trial. Halving
/// compares trials only after all trials of a rung have reached its steps, so the outcome does not depend on which of
/// them was faster.
package struct TrialScheduler {
    package enum Assignment: Equatable {
        /// Train the trial with this index up to this step.
        case run(Int, steps: Int)
        /// No trial is available now; ask again.
        case wait
        /// No trials are left.
        case finished
    }

    private let plan: TrialPlan
    private let indices: [String: Int]
    private let known: [String: TrialResult]
    private var results: [[TrialResult]]
    private var rung = 0
    /// The trials of the current rung.
    private var entrants: [Int]
    private var pending: [Int] = []
    private var running: Set<Int> = []
    private var dropped: Set<Int> = []

    /// - Parameter known: Results of an earlier start. The scheduler does not run these trials again.
    package init(_ plan: TrialPlan, known: [TrialResult]) {
        self.plan = plan
        indices = Dictionary(uniqueKeysWithValues: plan.trials.enumerated().map { ($0.element.name, $0.offset) })
        self.known = Dictionary(known.map { ("\($0.steps) \($0.trial)", $0) }) { $1 }
        results = plan.trials.map { _ in [] }
        entrants = plan.trials.indices.filter { plan.trials[$0].configuration != nil }
        enterRung()
    }

    private var lastRung: Int { (plan.rungs?.count ?? 1) - 1 }
    private var isLastRung: Bool { rung == lastRung }
    private func steps(_ trial: Int) -> Int { plan.rungs?[rung] ?? plan.steps(plan.trials[trial]) }

    private mutating func enterRung() {
        pending = []
        for trial in entrants {
            if let result = known["\(steps(trial)) \(plan.trials[trial].name)"] {
                results[trial].append(result)
            } else {
                pending.append(trial)
            }
        }
        pending.reverse()
        advance()
    }

    /// Enters the next rung if all trials of this rung have ended.
    private mutating func advance() {
        guard pending.isEmpty, running.isEmpty, !isLastRung, let halving = plan.specification.halving else { return }
        let goal = plan.specification.goal
        let ended = entrants.compactMap { trial in results[trial].last?.metric.map { (trial: trial, metric: $0) } }
        let ranked = ended.sorted {
            $0.metric == $1.metric ? $0.trial < $1.trial : goal.isBetter($0.metric, than: $1.metric)
        }
        let survivors = ranked.prefix(halving.survivorCount(of: entrants.count)).map(\.trial).sorted()
        dropped.formUnion(ended.map(\.trial).filter { !survivors.contains($0) })
        entrants = survivors
        rung += 1
        if !entrants.isEmpty { enterRung() }
    }

    /// Returns the next assignment and marks its trial as running.
    package mutating func next() -> Assignment {
        guard let trial = pending.popLast() else { return running.isEmpty || isLastRung ? .finished : .wait }
        running.insert(trial)
        return .run(trial, steps: steps(trial))
    }

    /// Records the result of a running trial.
    package mutating func end(_ result: TrialResult) {
        guard let trial = indices[result.trial], running.remove(trial) != nil else { return }
        results[trial].append(result)
        advance()
    }

    /// Whether every trial has ended.
    package var isFinished: Bool { pending.isEmpty && running.isEmpty }

    // MARK: - Progress

    package var runningCount: Int { running.count }

    /// The number of training steps left, for an estimate of the remaining time. Later rungs count with the trials that
    /// will survive.
    package var stepsLeft: Int {
        let now = (pending + running).reduce(0) { $0 + steps($1) - (results[$1].last?.steps ?? 0) }
        guard let rungs = plan.rungs, let halving = plan.specification.halving, !isLastRung else { return now }
        var count = entrants.count, later = 0
        for next in (rung + 1)...lastRung {
            count = halving.survivorCount(of: count)
            later += count * (rungs[next] - rungs[next - 1])
        }
        return now + later
    }

    /// The rows of the table, one per trial.
    package var rows: [SweepRow] {
        plan.trials.enumerated().map { index, trial in
            let last = results[index].last, seconds = results[index].map(\.seconds).reduce(0, +)
            return SweepRow(
                trial: trial.name, status: status(index), values: trial.values.map(\.description),
                metric: last?.metric, chosenOn: last.flatMap { $0.isFailed ? nil : $0.chosenOn }, test: last?.test,
                digest: last?.digest ?? "",
                steps: last.flatMap { $0.isFailed ? nil : $0.steps },
                seconds: last == nil ? nil : (1_000 * seconds).rounded() / 1_000,
                reason: trial.configuration == nil ? trial.problem : last?.reason ?? "")
        }
    }

    private func status(_ index: Int) -> TrialStatus {
        let trial = plan.trials[index]
        guard trial.configuration != nil else { return .failed }
        if results[index].last?.isFailed == true { return .failed }
        if dropped.contains(index) { return .dropped }
        if let last = results[index].last { return last.steps == plan.steps(trial) ? .done : .running }
        return running.contains(index) ? .running : .waiting
    }
}
