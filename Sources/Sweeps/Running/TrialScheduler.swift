/// The results of a sweep's trials so far, and the trials that are running.
struct TrialProgress {
    /// The results of each trial, by ascending steps.
    fileprivate(set) var results: [[TrialResult]]
    fileprivate(set) var running: Set<Int> = []
}

/// Why a trial ends before its last step.
struct TrialStop: Equatable {
    let status: TrialStatus
    let reason: String
}

/// Decides how far each trial of a sweep is trained.
protocol TrialOrder {
    /// The step up to which a trial trains next; nil if it must wait for other trials, or is over. A running trial is
    /// not asked for.
    func steps(_ trial: Int, _ progress: TrialProgress) -> Int?
    /// Whether a trial trains no more.
    func isOver(_ trial: Int, _ progress: TrialProgress) -> Bool
    /// Takes a new result into account.
    mutating func update(_ progress: TrialProgress)
    /// The number of training steps left, for an estimate of the remaining time.
    func stepsLeft(_ progress: TrialProgress) -> Int
    /// Why a trial ended before its last step; nil for any other trial.
    func stop(_ trial: Int) -> TrialStop?
}

/// Decides which trial runs next, and tracks the progress of all trials: of those that can run, the one with the
/// smallest number.
///
/// The state has no files and no threads: the order of the calls alone decides which slot gets which trial. Which
/// trials halving and pruning stop does not depend on that order.
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
    private var order: any TrialOrder
    private var progress: TrialProgress
    /// All trials before this one are over.
    private var start = 0

    /// - Parameter known: Results of an earlier start. The scheduler does not run these trials again.
    package init(_ plan: TrialPlan, known: [TrialResult]) {
        self.plan = plan
        indices = Dictionary(uniqueKeysWithValues: plan.trials.enumerated().map { ($0.element.name, $0.offset) })
        self.known = Dictionary(known.map { ("\($0.steps) \($0.trial)", $0) }) { $1 }
        progress = TrialProgress(results: plan.trials.map { _ in [] })
        order = plan.specification.medianPruning.map { MedianOrder(plan, $0) } ?? RungOrder(plan)
        var hasTaken = !known.isEmpty
        while hasTaken {
            hasTaken = false
            for trial in plan.trials.indices { while takeKnownResult(trial) { hasTaken = true } }
        }
    }

    /// Gives a trial that can run its result of an earlier start. Returns whether there is one.
    private mutating func takeKnownResult(_ trial: Int) -> Bool {
        guard let steps = order.steps(trial, progress), let result = known["\(steps) \(plan.trials[trial].name)"] else {
            return false
        }
        finish(trial, result)
        return true
    }

    private mutating func finish(_ trial: Int, _ result: TrialResult) {
        progress.results[trial].append(result)
        order.update(progress)
        while start < plan.trials.count, order.isOver(start, progress) { start += 1 }
    }

    /// Returns the next assignment and marks its trial as running.
    package mutating func next() -> Assignment {
        var mustWait = false
        for trial in plan.trials.indices.dropFirst(start) where !progress.running.contains(trial) {
            while takeKnownResult(trial) {}
            if let steps = order.steps(trial, progress) {
                progress.running.insert(trial)
                return .run(trial, steps: steps)
            }
            mustWait = mustWait || !order.isOver(trial, progress)
        }
        return mustWait ? .wait : .finished
    }

    /// Records the result of a running trial.
    package mutating func end(_ result: TrialResult) {
        guard let trial = indices[result.trial], progress.running.remove(trial) != nil else { return }
        finish(trial, result)
    }

    /// Whether every trial has ended.
    package var isFinished: Bool { plan.trials.indices.allSatisfy { order.isOver($0, progress) } }

    // MARK: - Progress

    package var runningCount: Int { progress.running.count }

    /// The number of training steps left, for an estimate of the remaining time.
    package var stepsLeft: Int { order.stepsLeft(progress) }

    /// The rows of the table, one per trial.
    package var rows: [SweepRow] {
        plan.trials.enumerated().map { index, trial in
            let last = progress.results[index].last, seconds = progress.results[index].map(\.seconds).reduce(0, +)
            return SweepRow(
                trial: trial.name, status: status(index), values: trial.values.map { $0?.description ?? "" },
                metric: last?.metric, chosenOn: last.flatMap { $0.isFailed ? nil : $0.chosenOn }, test: last?.test,
                digest: last?.digest ?? "",
                steps: last.flatMap { $0.isFailed ? nil : $0.steps },
                seconds: last == nil ? nil : (1_000 * seconds).rounded() / 1_000,
                reason: trial.configuration == nil ? trial.problem : order.stop(index)?.reason ?? last?.reason ?? "")
        }
    }

    private func status(_ index: Int) -> TrialStatus {
        let trial = plan.trials[index]
        guard trial.configuration != nil else { return .failed }
        if progress.results[index].last?.isFailed == true { return .failed }
        if let stop = order.stop(index) { return stop.status }
        if let last = progress.results[index].last { return last.steps == plan.steps(trial) ? .done : .running }
        return progress.running.contains(index) ? .running : .waiting
    }
}
