import CoupletBenchmarks
import TestSupport
import Testing

@Suite struct BenchmarkTimesTests {
    @Test func medianAndMinimum() {
        #expect(BenchmarkTimes(seconds: [3, 1, 2]).median == 2)
        #expect(BenchmarkTimes(seconds: [4, 1, 2, 3]).median == 2.5)
        #expect(BenchmarkTimes(seconds: [4, 1, 2, 3]).minimum == 1)
    }

    @Test func theSlowestWorkerCountsAndWarmUpDoesNot() throws {
        let times = try runWorkers(2) { communicator in
            try BenchmarkTimes(on: communicator, warmup: 1, repeat: 3) { number in
                let end =
                    ContinuousClock.now
                    + (number == 0 ? .milliseconds(200) : communicator.rank == 1 ? .milliseconds(20) : .zero)
                while ContinuousClock.now < end {}
            }
        }
        #expect(times.seconds.count == 3)
        #expect(times.seconds.allSatisfy { $0 >= 0.02 && $0 < 0.2 }, "\(times.seconds)")
    }
}
