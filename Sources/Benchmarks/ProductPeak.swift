import CoupletCommunication
import CoupletTensors

/// What this machine gives in plain matrix products, measured by the workers of a benchmark at the same time: what a share of the peak is a
/// share of.
enum ProductPeak {
    /// Large enough for the full speed of OpenBLAS, small enough (6.75 MiB a worker) for the caches.
    private static let side = 768
    private static let productsARound = 4
    private static let rounds = 12

    /// The sum over all workers, in GFLOP/s, of the best round. Takes about a fifth of a second.
    static func measure(on communicator: any Communicator) throws -> Double {
        let philox = Philox(seed: 1)
        let a = Tensor([side, side]), b = Tensor([side, side]), c = Tensor([side, side])
        philox.fillNormal(a, .source, number: 0)
        philox.fillNormal(b, .source, number: 1)
        let operations = 2e-9 * Double(productsARound * side * side * side)
        var own: [Double] = []
        for _ in 0..<rounds {
            try communicator.barrier()
            let start = ContinuousClock.now
            for _ in 0..<productsARound { MatrixProduct.multiply(a, .asIs, b, .asIs, into: c) }
            own.append(operations / (ContinuousClock.now - start).inSeconds)
        }
        let all = try communicator.allGather(numbers: own)
        return (0..<rounds).map { round in
            (0..<communicator.size).reduce(0.0) { $0 + all[$1 * rounds + round] }
        }.reduce(0, max)
    }
}
