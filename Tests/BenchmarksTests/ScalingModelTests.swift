import CoupletBenchmarks
import Testing

@Suite struct ScalingModelTests {
    private static let model = ScalingModel(
        encoderSpeed: 1e11, cachedTileSpeed: 5e10, recomputedTileSpeed: 4e10,
        local: .init(latency: 1e-6, secondsPerByte: 1e-10),
        network: .init(latency: 1e-5, secondsPerByte: 1e-9), encoderOperations: 1e7, parameterBytes: 4e6,
        dimension: 100, tileMemory: 4e6)

    private func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-12 * abs(b) }

    @Test func oneWorkerSendsNothing() {
        let step = Self.model.step(workers: 1, workersPerHost: 4, batch: 1_000)
        #expect(isClose(step.encoders, 1_000 * 1e7 / 1e11))
        #expect(isClose(step.loss, 6e8 / 5e10))
        #expect(step.blocks == 0 && step.treeSum == 0)
    }

    @Test func tilesBeyondTheBudgetAreRecomputed() {
        // 4 · 2000² bytes of scores; a quarter of them fits.
        let step = Self.model.step(workers: 1, workersPerHost: 1, batch: 2_000)
        #expect(isClose(step.loss, 24e8 * (0.25 / 5e10 + 0.75 / 4e10)))
    }

    @Test func twoWorkersOnOneHostAndOnTwo() {
        // By hand: 500 rows a worker; 12 ms of loss on 2 workers, so a step of pass 1 computes for 1 ms, of pass 2 for
        // 2 ms, which hides the encodings.
        let rows = 4.0 * 500
        let near = Self.model.step(workers: 2, workersPerHost: 2, batch: 1_000)
        // The sums that come home last are not hidden.
        let nearSums: Double = 1e-6 + rows * 2 * 1e-10, nearGradients: Double = 1e-6 + rows * 100 * 1e-10
        #expect(isClose(near.blocks, nearSums + nearGradients))
        #expect(isClose(near.treeSum, 2 * (2e6 * 1e-10 + 1e-6)))
        let far = Self.model.step(workers: 2, workersPerHost: 1, batch: 1_000)
        let farSums: Double = 1e-5 + rows * 2 * 1e-9, farGradients: Double = 1e-5 + rows * 100 * 1e-9
        #expect(isClose(far.blocks, farSums + farGradients))
        #expect(isClose(far.treeSum, 2 * (2e6 * 1e-9 + 1e-5)))
    }

    @Test func messagesLongerThanTheComputationCount() {
        var slow = Self.model
        slow.network.secondsPerByte = 1e-6
        // Sending 500 · 101 floats takes 0.202 s and 10 µs, 500 · 103 floats 0.206 s; 500 · 2 and 500 · 100 floats of
        // sums take 0.004 and 0.2 s, twice. The two passes hide 1 and 2 ms of the first step.
        let step = slow.step(workers: 2, workersPerHost: 1, batch: 1_000)
        let read: Double = 2e-5 + 0.202 + 0.206
        let gathered: Double = 4e-5 + 2 * 0.004 + 2 * 0.2
        let expected: Double = read - 3e-3 + gathered
        #expect(abs(step.blocks - expected) <= 1e-9)
    }
}
