import CoupletOptimizers
import Foundation
import Testing

@Suite struct LearningRateScheduleTests {
    @Test func ratesFollowTheSchedule() {
        func rates(_ schedule: LearningRateSchedule.Kind, warmup: Int, steps: Int?) -> [Double] {
            let schedule = LearningRateSchedule(
                .init(learningRate: 0.2, schedule: schedule, warmupSteps: warmup, scheduleSteps: steps))
            return (0..<14).map(schedule.rate(atStep:))
        }
        func isNear(_ rates: [Double], _ expected: [Double]) -> Bool {
            zip(rates, expected).allSatisfy { abs($0 - 0.2 * $1) <= 1e-15 }
        }
        #expect(isNear(rates(.constant, warmup: 0, steps: nil), .init(repeating: 1, count: 14)))
        let warm = [0.25, 0.5, 0.75, 1]
        #expect(isNear(rates(.constant, warmup: 4, steps: nil), warm + .init(repeating: 1, count: 10)))
        #expect(
            isNear(rates(.linear, warmup: 4, steps: 12), warm + [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0, 0]))
        let cosine = (0...8).map { 0.5 + 0.5 * cos(Double.pi * Double($0) / 8) } + [0]
        #expect(isNear(rates(.cosine, warmup: 4, steps: 12), warm + cosine))
        #expect(isNear(rates(.linear, warmup: 0, steps: 10), (0...10).map { 1 - Double($0) / 10 } + [0, 0, 0]))
    }
}
