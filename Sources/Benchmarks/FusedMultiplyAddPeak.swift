import CCoupletKernels
import CoupletCommunication

/// Measures the peak arithmetic speed: fused multiply-adds in registers, which read no memory. No matrix product can be
/// faster, so shares of it compare between machines.
package enum FusedMultiplyAddPeak {
    private static let rounds = 12
    /// Seconds of a round.
    private static let duration = 0.008

    /// The speed of the calling thread, in GFLOP/s, in the best round. Takes about 0.1 s.
    package static func measureOneThread() -> Double {
        (0..<rounds).map { speed(round: $0) }.reduce(0, max)
    }

    /// The sum over all workers, in GFLOP/s, in the best round. Takes about 0.1 s.
    /// - Throws: `CollectiveError` if a worker failed.
    static func measure(on communicator: any Communicator) throws -> Double {
        var localSpeeds: [Double] = []
        for round in 0..<rounds {
            try communicator.barrier()
            localSpeeds.append(speed(round: round))
        }
        let all = try communicator.allGather(numbers: localSpeeds)
        return (0..<rounds).map { round in
            (0..<communicator.size).reduce(0.0) { $0 + all[$1 * rounds + round] }
        }.reduce(0, max)
    }

    /// The speed of this thread in one round, in GFLOP/s.
    ///
    /// Rounds take 6 and 12 independent vectors in turn. Which count gives the peak depends on the number of registers.
    private static func speed(round: Int) -> Double {
        let start = ContinuousClock.now
        var operations = 0.0
        while true {
            operations += round % 2 == 0 ? couplet_multiply_add_6(20_000) : couplet_multiply_add_12(20_000)
            let seconds = (ContinuousClock.now - start).inSeconds
            if seconds >= duration { return 1e-9 * operations / seconds }
        }
    }
}
