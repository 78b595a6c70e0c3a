import CoupletSchema
import CoupletSweeps
import Testing

/// Median pruning against a naive twin that runs the trials one after another.
@Suite struct MedianPruningTests {
    private struct Generator {
        var state: UInt64
        mutating func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
    }

    private static func plan(_ count: Int, _ pruning: String, goal: String = "minimize", more: String = "") throws
        -> TrialPlan
    {
        try TrialPlan(
            SweepFile().specification(
                """
                base: base.yaml
                vary: {seed: {range: [1, \(count)]}}
                metric: m
                goal: \(goal)
                median_pruning: \(pruning)
                \(more)

                """))
    }

    /// The metric of a trial at a step; nil for one that fails there.
    private static func metric(_ trial: Int, _ steps: Int) -> Double? {
        if trial % 11 == 4, steps >= 400 { return nil }
        return Double((trial * 7_919 + steps * 104_729) % 1_009) / 8
    }

    private static func result(_ trial: Int, _ plan: TrialPlan, _ steps: Int) -> TrialResult {
        let name = plan.trials[trial].name
        guard let metric = metric(trial, steps) else {
            return .failed(name, steps: steps, seconds: 1, reason: "bad luck")
        }
        return TrialResult(trial: name, steps: steps, metric: metric, digest: "\(trial) \(steps)", seconds: 1)
    }

    /// Status and last step of each trial, by the definition: one trial after another, each compared with those before.
    private static func twin(
        _ count: Int, every: Int, warmup: Int, minimum: Int, minimizes: Bool
    ) -> [(status: TrialStatus, steps: Int?)] {
        var figures: [[Int: Double]] = [], outcome: [(status: TrialStatus, steps: Int?)] = []
        for trial in 0..<count {
            var own: [Int: Double] = [:], end: (TrialStatus, Int?)?
            for steps in (1...900) where steps == 900 || steps % every == 0 && steps >= warmup {
                guard let metric = metric(trial, steps) else {
                    end = (.failed, nil)
                    break
                }
                own[steps] = metric
                let earlier = figures.compactMap { $0[steps] }.sorted()
                guard steps < 900, earlier.count >= minimum else { continue }
                let middle = earlier.count / 2
                let median =
                    earlier.count.isMultiple(of: 2) ? (earlier[middle - 1] + earlier[middle]) / 2 : earlier[middle]
                if minimizes ? metric > median : metric < median {
                    end = (.pruned, steps)
                    break
                }
            }
            figures.append(own)
            outcome.append(end ?? (.done, 900))
        }
        return outcome
    }

    /// Runs the trials on slots that finish in a random order, and interrupts the run after `limit` results.
    private static func run(
        _ plan: TrialPlan, known: [TrialResult] = [], slots: Int, seed: UInt64, limit: Int = .max
    ) -> (TrialScheduler, [TrialResult]) {
        var scheduler = TrialScheduler(plan, known: known), busy: [(Int, Int)] = [], results: [TrialResult] = []
        var generator = Generator(state: seed)
        while results.count < limit {
            var isBlocked = false
            while busy.count < slots, !isBlocked {
                if case .run(let trial, let steps) = scheduler.next() {
                    busy.append((trial, steps))
                } else {
                    isBlocked = true
                }
            }
            if busy.isEmpty { break }
            let (trial, steps) = busy.remove(at: generator.next(busy.count))
            results.append(result(trial, plan, steps))
            scheduler.end(results[results.count - 1])
        }
        return (scheduler, results)
    }

    @Test(arguments: ["minimize", "maximize"], [(100, 0, 5), (150, 300, 1), (70, 200, 3), (300, 301, 8)])
    func theOutcomeIsThatOfTrialsOneAfterAnother(_ goal: String, _ numbers: (every: Int, warmup: Int, minimum: Int))
        throws
    {
        let (every, warmup, minimum) = numbers
        let plan = try Self.plan(
            40, "{every: \(every), warmup_steps: \(warmup), minimum_trials: \(minimum)}", goal: goal)
        let expected = Self.twin(40, every: every, warmup: warmup, minimum: minimum, minimizes: goal == "minimize")
        #expect(expected.contains { $0.status == .pruned } && expected.contains { $0.status == .done })
        for seed in 1...8 as ClosedRange<UInt64> {
            let (scheduler, results) = Self.run(plan, slots: Int(seed), seed: seed)
            #expect(scheduler.isFinished && scheduler.stepsLeft == 0)
            #expect(scheduler.rows.map(\.status) == expected.map(\.status), "\(seed)")
            #expect(scheduler.rows.map(\.steps) == expected.map(\.steps), "\(seed)")
            #expect(Set(results.map { "\($0.trial) \($0.steps)" }).count == results.count)
            for row in scheduler.rows {
                #expect(row.reason.contains("the median of") == (row.status == .pruned), "\(row)")
            }
        }
    }

    /// A run that was interrupted after any number of results ends in the same table, and repeats no part of a trial.
    @Test func anInterruptedRunEndsInTheSameTable() throws {
        let plan = try Self.plan(16, "{every: 150, minimum_trials: 2}")
        let whole = Self.run(plan, slots: 2, seed: 1)
        for count in 0..<whole.1.count {
            let begun = Self.run(plan, slots: 3, seed: UInt64(count), limit: count).1
            let (scheduler, rest) = Self.run(plan, known: begun, slots: 2, seed: 9)
            #expect(scheduler.rows == whole.0.rows, "\(count)")
            #expect(begun.count + rest.count == Self.run(plan, slots: 1, seed: 1).1.count)
        }
    }

    /// One slot trains each trial to its end before it begins the next one.
    @Test func oneSlotTakesTheTrialsInOrder() throws {
        let results = Self.run(try Self.plan(12, "{every: 100, minimum_trials: 3}"), slots: 1, seed: 1).1
        let order = results.map(\.trial)
        #expect(order == order.sorted() && Set(order).count == 12)
    }

    @Test func trialsOfOtherLengthsAreComparedWhereBothHaveAFigure() throws {
        let plan = try SweepFile().plan(
            vary: "train.steps: [300, 900]\n  seed: [1, 2, 3]", "median_pruning: {every: 100, minimum_trials: 2}")
        let scheduler = Self.run(plan, slots: 3, seed: 4).0
        #expect(scheduler.isFinished)
        // The first two trials have fewer than two earlier ones.
        #expect(scheduler.rows.prefix(2).allSatisfy { $0.status == .done && $0.steps == 300 })
    }

    @Test func stagesAreMultiplesBeforeTheLastStep() {
        #expect(MedianPruning(every: 100).stages(steps: 300) == [100, 200])
        #expect(MedianPruning(every: 100, warmupSteps: 150).stages(steps: 401) == [200, 300, 400])
        #expect(MedianPruning(every: 100, warmupSteps: 200).stages(steps: 300) == [200])
        #expect(MedianPruning(every: 100).stages(steps: 100).isEmpty)
    }

    @Test(arguments: [
        ("{minimum_trials: 2}", "median_pruning.every: is missing"),
        ("{every: 0}", "median_pruning.every: wanted a whole number from 1"),
        ("{every: 900}", "median_pruning: no trial has a multiple of every, which is 900"),
        (
            "{every: 100, warmup: 2}",
            "median_pruning.warmup: no such key; there are every, warmup_steps, minimum_trials"
        ),
        ("{every: 100}\nhalving: {first_steps: 100}", "median_pruning: halving is given as well; give one of the two"),
    ])
    func wrongSettings(_ pruning: String, message: String) throws {
        let error = try #require(throws: ConfigurationError.self) { _ = try Self.plan(4, pruning) }
        #expect(error.description.contains(message), "\(error)")
    }

    @Test func aResumeNeedsTheSameRule() throws {
        let file = try SweepFile()
        func specification(_ pruning: String) throws -> SweepSpecification {
            try file.specification(
                "base: base.yaml\nvary: {seed: [1, 2]}\nmetric: m\ngoal: minimize\nmedian_pruning: \(pruning)\n")
        }
        let stored = try specification("{every: 100}")
        #expect(try specification("{every: 100, minimum_trials: 5, warmup_steps: 0}").differences(from: stored).isEmpty)
        #expect(
            try specification("{every: 50}").differences(from: stored)
                == ["median_pruning.every: 100 in the sweep, 50 now"])
        try file.folder.write("again.yaml", stored.resolvedYAML(base: "base.yaml"))
        #expect(try SweepSpecification.load(path: file.folder.file("again.yaml")).differences(from: stored).isEmpty)
    }
}
