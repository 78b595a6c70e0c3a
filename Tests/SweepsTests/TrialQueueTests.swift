import CoupletSweeps
import Foundation
import Testing

/// Who gets what, and what becomes of it, for any order in which lanes work.
@Suite struct TrialQueueTests {
    private struct Choice {
        var state: UInt64
        mutating func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
    }

    /// What a trial comes to after so many steps: nothing but a function of both.
    private static func result(_ trial: Int, _ plan: TrialPlan, _ steps: Int) -> TrialResult {
        let name = plan.trials[trial].name
        if trial % 7 == 3 { return .failed(name, steps: steps, seconds: 1, reason: "bad luck") }
        let metric = Double((trial * 7_919 + steps * 104_729) % 1_009) / 8
        return TrialResult(trial: name, steps: steps, metric: metric, digest: "\(trial) \(steps)", seconds: 1)
    }

    /// Works the queue off by lanes that end in a random order; `after` results it is interrupted.
    private static func work(_ plan: TrialPlan, known: [TrialResult], lanes: Int, seed: UInt64, after: Int = .max) -> (
        TrialScheduler, [TrialResult]
    ) {
        var queue = TrialScheduler(plan, known: known), busy: [(Int, Int)] = [], results: [TrialResult] = [],
            choice = Choice(state: seed)
        while results.count < after {
            var waits = false
            while busy.count < lanes {
                guard case .run(let trial, let steps) = queue.next() else {
                    waits = true
                    break
                }
                busy.append((trial, steps))
            }
            if busy.isEmpty, waits { break }
            let (trial, steps) = busy.remove(at: choice.next(busy.count))
            results.append(result(trial, plan, steps))
            queue.end(results[results.count - 1])
        }
        return (queue, results)
    }

    private static func plan(_ count: Int, _ more: String = "", goal: String = "minimize") throws -> TrialPlan {
        let file = try SweepFile()
        return try TrialPlan(
            file.specification(
                "base: base.yaml\nvary: {seed: {range: [1, \(count)]}}\nmetric: m\ngoal: \(goal)\n\(more)\n"))
    }

    @Test func withoutHalvingEachTrialRunsOnce() throws {
        let plan = try Self.plan(20)
        let (queue, results) = Self.work(plan, known: [], lanes: 3, seed: 1)
        #expect(results.count == 20 && Set(results.map(\.trial)).count == 20 && results.allSatisfy { $0.steps == 900 })
        #expect(queue.isFinished && queue.rows.map(\.status) == (0..<20).map { $0 % 7 == 3 ? .failed : .done })
    }

    /// A naive twin of successive halving.
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
            let (queue, results) = Self.work(plan, known: [], lanes: 1 + Int(seed) % 5, seed: seed)
            #expect(queue.rows.map(\.status) == expected)
            for (trial, row) in queue.rows.enumerated() where row.status != .failed {
                #expect(row.steps == ends[trial])
            }
            #expect(results.count == 40 + 13 + 4)
        }
    }

    /// Interrupted after any number of results, it goes on from those to the same table, and works for none of them again.
    @Test func anInterruptedQueueEndsInTheSameTable() throws {
        let plan = try Self.plan(20, "halving: {first_steps: 100, factor: 2}")
        let whole = Self.work(plan, known: [], lanes: 2, seed: 1)
        for count in 0..<whole.1.count {
            let begun = Self.work(plan, known: [], lanes: 3, seed: UInt64(count), after: count).1
            let (queue, rest) = Self.work(plan, known: begun, lanes: 2, seed: 9)
            #expect(queue.rows == whole.0.rows)
            #expect(begun.count + rest.count == whole.1.count)
        }
    }

    @Test func whereAllFailNobodyWaitsForEver() throws {
        let plan = try Self.plan(3, "halving: {first_steps: 100, factor: 3}")
        var queue = TrialScheduler(plan, known: [])
        for _ in 0..<3 {
            guard case .run(let trial, let steps) = queue.next() else { break }
            queue.end(.failed(plan.trials[trial].name, steps: steps, seconds: 0, reason: "x"))
        }
        #expect(queue.next() == .finished && queue.isFinished && queue.rows.allSatisfy { $0.status == .failed })
    }

    @Test func stepsLeftAreThoseThatWillBeTrained() throws {
        let plan = try Self.plan(20, "halving: {first_steps: 100, factor: 3}")
        // 20 to 100, 6 from 100 to 300, 2 from 300 to 900.
        #expect(TrialScheduler(plan, known: []).stepsLeft == 20 * 100 + 6 * 200 + 2 * 600)
        #expect(Self.work(plan, known: [], lanes: 2, seed: 1).0.stepsLeft == 0)
    }
}
