import CoupletTensors

/// The draws of one query's chains while they are made.
struct ChainTrace {
    /// C × n × d.
    let draws: Tensor
    /// Φ, C × n.
    var logLikelihoods: [[Double]]
    var acceptance = 0.0

    init(chains: Int, length: Int, dimension: Int) {
        draws = Tensor([chains, length, dimension])
        logLikelihoods = [[Double]](repeating: [Double](repeating: 0, count: length), count: chains)
    }

    /// Keeps the states of the chains of the query at `place` as draw number `draw`.
    mutating func keep(_ block: ParallelChains, _ place: Int, draw: Int) {
        let (chains, length, d) = (draws.shape[0], draws.shape[1], draws.shape[2])
        for chain in 0..<chains {
            let row = place * chains + chain
            draws.flat((chain * length + draw) * d..<(chain * length + draw + 1) * d).copy(
                from: block.points.rows(row..<row + 1))
            logLikelihoods[chain][draw] = block.logLikelihoods[row]
        }
    }

    /// What is watched: every coordinate, and Φ.
    var series: [[[Double]]] { (0..<draws.shape[2]).map { ChainDraws.coordinate($0, of: draws) } + [logLikelihoods] }
}
