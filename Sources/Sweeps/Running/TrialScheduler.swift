import CoupletEvaluation

/// Which trial is worked on next, and how far each is: a state without files or threads, from which nothing but the order of the questions decides who
/// gets what.
///
/// Halving compares when all trials of a rung have come to its steps: so the outcome never depends on who was faster.
package struct TrialScheduler {
    package enum Assignment: Equatable {
        /// Train this trial, by its place among all, to these steps.
        case run(Int, steps: Int)
        /// Nothing now; ask again.
        case wait
        /// Nothing more.
        case finished
    }

    package let plan: TrialPlan
    private let names: [String: Int]
    private var known: [String: TrialResult]
    private var results: [[TrialResult]]
    private var rung = 0
    private var entrants: [Int]
    private var pending: [Int] = []
    private var running: Set<Int> = []
    private var dropped: Set<Int> = []

    /// - Parameter known: results of an earlier start, which are not worked for again.
    package init(_ plan: TrialPlan, known: [TrialResult]) {
        self.plan = plan
        names = Dictionary(uniqueKeysWithValues: plan.trials.enumerated().map { ($0.element.name, $0.offset) })
        self.known = Dictionary(known.map { ("\($0.steps) \($0.trial)", $0) }) { $1 }
        results = plan.trials.map { _ in [] }
        entrants = plan.trials.indices.filter { plan.trials[$0].configuration != nil }
        enterRung()
    }

    private var lastRung: Int { (plan.rungs?.count ?? 1) - 1 }
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

    /// Goes on to the next rung when all of this one have ended.
    private mutating func advance() {
        guard pending.isEmpty, running.isEmpty, rung < lastRung, let halving = plan.specification.halving else {
            return
        }
        let goal = plan.specification.goal
        let ended = entrants.compactMap { trial in results[trial].last?.metric.map { (trial: trial, metric: $0) } }
        let ranked = ended.sorted {
            $0.metric == $1.metric ? $0.trial < $1.trial : goal.isBetter($0.metric, than: $1.metric)
        }
        let survivors = ranked.prefix(halving.survivors(of: entrants.count)).map(\.trial).sorted()
        dropped.formUnion(ended.map(\.trial).filter { !survivors.contains($0) })
        entrants = survivors
        rung += 1
        if !entrants.isEmpty { enterRung() }
    }

    /// What who asks is to do.
    package mutating func next() -> Assignment {
        guard let trial = pending.popLast() else { return running.isEmpty ? .finished : isLast ? .finished : .wait }
        running.insert(trial)
        return .run(trial, steps: steps(trial))
    }

    /// No rung follows this one.
    private var isLast: Bool { rung == lastRung }

    /// A trial that was given out has ended.
    package mutating func end(_ result: TrialResult) {
        guard let trial = names[result.trial], running.remove(trial) != nil else { return }
        results[trial].append(result)
        advance()
    }

    /// Whether every trial has ended.
    package var isFinished: Bool { pending.isEmpty && running.isEmpty }

    // MARK: How far they are

    package var runningCount: Int { running.count }

    /// Trials' parts that are known to be left, in steps, and those that have been worked off: for an estimate of the time left.
    package var stepsLeft: Int {
        let now = (pending + running).reduce(0) { $0 + steps($1) - (results[$1].last?.steps ?? 0) }
        guard let rungs = plan.rungs, let halving = plan.specification.halving, rung < lastRung else { return now }
        var count = entrants.count, later = 0
        for next in (rung + 1)...lastRung {
            count = halving.survivors(of: count)
            later += count * (rungs[next] - rungs[next - 1])
        }
        return now + later
    }

    /// A row of the table for each trial.
    package var rows: [SweepRow] {
        plan.trials.enumerated().map { index, trial in
            let last = results[index].last, seconds = results[index].map(\.seconds).reduce(0, +)
            return SweepRow(
                trial: trial.name, status: status(index), values: trial.values.map(\.description), metric: last?.metric,
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
