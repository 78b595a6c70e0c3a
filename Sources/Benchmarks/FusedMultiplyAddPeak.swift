import CCoupletKernels
import CoupletCommunication

/// Measures the peak arithmetic speed of all workers at once: fused multiply-adds in registers, which read no memory.
/// No matrix product can be faster, so shares of it compare between machines.
enum FusedMultiplyAddPeak {
    private static let rounds = 12
    /// Seconds of a round.
    private static let duration = 0.008

    /// The sum over all workers, in GFLOP/s, in the best round. Takes about 0.1 s.
    /// - Throws: `CollectiveError` if a worker failed.
    static func measure(on communicator: any Communicator) throws -> Double {
        var localSpeeds: [Double] = []
        for round in 0..<rounds {
            try communicator.barrier()
            localSpeeds.append(speed(chains: round % 2 == 0 ? 6 : 12))
        }
        let all = try communicator.allGather(numbers: localSpeeds)
        return (0..<rounds).map { round in
            (0..<communicator.size).reduce(0.0) { $0 + all[$1 * rounds + round] }
        }.reduce(0, max)
    }

    /// The speed of this thread in one round, in GFLOP/s.
    /// - Parameter chains: 6 or 12 independent vectors; which count gives the peak depends on the number of registers.
    private static func speed(chains: Int) -> Double {
        let start = ContinuousClock.now
        var operations = 0.0
        while true {
            operations += chains == 6 ? couplet_multiply_add_6(20_000) : couplet_multiply_add_12(20_000)
            let seconds = (ContinuousClock.now - start).inSeconds
            if seconds >= duration { return 1e-9 * operations / seconds }
        }
    }
}
