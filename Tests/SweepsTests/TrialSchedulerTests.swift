import CoupletSweeps
import Foundation
import Testing

/// Assignments and outcomes for any order in which slots finish their trials.
@Suite struct TrialSchedulerTests {
    private struct Generator {
        var state: UInt64
        mutating func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
    }

    /// The result of a trial at a step, a function of both alone.
    private static func result(_ trial: Int, _ plan: TrialPlan, _ steps: Int) -> TrialResult {
        let name = plan.trials[trial].name
        if trial % 7 == 3 { return .failed(name, steps: steps, seconds: 1, reason: "bad luck") }
        let metric = Double((trial * 7_919 + steps * 104_729) % 1_009) / 8
        return TrialResult(trial: name, steps: steps, metric: metric, digest: "\(trial) \(steps)", seconds: 1)
    }

    /// Runs the trials on slots that finish in a random order, and interrupts the run after `limit` results.
    private static func run(_ plan: TrialPlan, known: [TrialResult], slots: Int, seed: UInt64, limit: Int = .max) -> (
        TrialScheduler, [TrialResult]
    ) {
        var scheduler = TrialScheduler(plan, known: known), busy: [(Int, Int)] = [], results: [TrialResult] = [],
            generator = Generator(state: seed)
        while results.count < limit {
            var mustWait = false
            while busy.count < slots {
                guard case .run(let trial, let steps) = scheduler.next() else {
                    mustWait = true
                    break
                }
                busy.append((trial, steps))
            }
            if busy.isEmpty, mustWait { break }
            let (trial, steps) = busy.remove(at: generator.next(busy.count))
            results.append(result(trial, plan, steps))
            scheduler.end(results[results.count - 1])
        }
        return (scheduler, results)
    }

    private static func plan(_ count: Int, _ more: String = "", goal: String = "minimize") throws -> TrialPlan {
        let file = try SweepFile()
        return try TrialPlan(
            file.specification(
                "base: base.yaml\nvary: {seed: {range: [1, \(count)]}}\nmetric: m\ngoal: \(goal)\n\(more)\n"))
    }

    @Test func withoutHalvingEachTrialRunsOnce() throws {
        let plan = try Self.plan(20)
        let (scheduler, results) = Self.run(plan, known: [], slots: 3, seed: 1)
        #expect(results.count == 20 && Set(results.map(\.trial)).count == 20 && results.allSatisfy { $0.steps == 900 })
        #expect(scheduler.isFinished && scheduler.rows.map(\.status) == (0..<20).map { $0 % 7 == 3 ? .failed : .done })
    }

    /// A second implementation of successive halving gives the same statuses.
    @Test(arguments: ["minimize", "maximize"]) func halvingKeepsTheBest(_ goal: String) throws {
        let plan = try Self.plan(40, "halving: {first_steps: 100, factor: 3}", goal: goal)
        var left = Array(0..<40), ends = [Int: Int]()
        for steps in [100, 300, 900] {
            for trial in left { ends[trial] = steps }
            let good = left.filter { $0 % 7 != 3 }
            let sorted = good.sorted {
                let (a, b) = (Self.result($0, plan, steps).metric!, Self.result($1, plan, steps).metric!)
                return a == b ? $0 < $1 : goal == "minimize" ? a < b : a > b
            }
            if steps < 900 { left = sorted.prefix(left.count / 3).sorted() }
        }
        let expected = (0..<40).map { trial -> TrialStatus in
            trial % 7 == 3 ? .failed : left.contains(trial) ? .done : .dropped
        }
        for seed in 1...10 as ClosedRange<UInt64> {
            let (scheduler, results) = Self.run(plan, known: [], slots: 1 + Int(seed) % 5, seed: seed)
            #expect(scheduler.rows.map(\.status) == expected)
            for (trial, row) in scheduler.rows.enumerated() where row.status != .failed {
                #expect(row.steps == ends[trial])
            }
            #expect(results.count == 40 + 13 + 4)
        }
    }

    /// A run that was interrupted after any number of results ends in the same table, and repeats no trial.
    @Test func anInterruptedRunEndsInTheSameTable() throws {
        let plan = try Self.plan(20, "halving: {first_steps: 100, factor: 2}")
        let whole = Self.run(plan, known: [], slots: 2, seed: 1)
        for count in 0..<whole.1.count {
            let begun = Self.run(plan, known: [], slots: 3, seed: UInt64(count), limit: count).1
            let (scheduler, rest) = Self.run(plan, known: begun, slots: 2, seed: 9)
            #expect(scheduler.rows == whole.0.rows)
            #expect(begun.count + rest.count == whole.1.count)
        }
    }

    @Test func nobodyWaitsIfAllTrialsFail() throws {
        let plan = try Self.plan(3, "halving: {first_steps: 100, factor: 3}")
        var scheduler = TrialScheduler(plan, known: [])
        for _ in 0..<3 {
            guard case .run(let trial, let steps) = scheduler.next() else { break }
            scheduler.end(.failed(plan.trials[trial].name, steps: steps, seconds: 0, reason: "x"))
        }
        #expect(
            scheduler.next() == .finished && scheduler.isFinished && scheduler.rows.allSatisfy { $0.status == .failed })
    }

    @Test func stepsLeftAreTheStepsThatWillBeTrained() throws {
        let plan = try Self.plan(20, "halving: {first_steps: 100, factor: 3}")
        // 20 to 100, 6 from 100 to 300, 2 from 300 to 900.
        #expect(TrialScheduler(plan, known: []).stepsLeft == 20 * 100 + 6 * 200 + 2 * 600)
        #expect(Self.run(plan, known: [], slots: 2, seed: 1).0.stepsLeft == 0)
    }

    @Test func rungsGrowByTheFactor() throws {
        #expect(SuccessiveHalving(firstSteps: 100, factor: 3).rungs(steps: 900) == [100, 300, 900])
        #expect(SuccessiveHalving(firstSteps: 100, factor: 3).rungs(steps: 1_000) == [100, 300, 900, 1_000])
        #expect(SuccessiveHalving(firstSteps: 7, factor: 2).rungs(steps: 8) == [7, 8])
        #expect(SuccessiveHalving(firstSteps: 1 << 61, factor: 1_000).rungs(steps: .max) == [1 << 61, .max])
        #expect(SuccessiveHalving(firstSteps: 1, factor: 3).survivorCount(of: 2) == 1)
    }
}
