import CoupletTensors

/// The draws of one query's chains, with their diagnostics.
public struct ChainDraws: Sendable {
    /// C × n × d: n draws of each of C chains, in the units of u.
    public let draws: Tensor
    /// The draws as normal numbers z, with u = m + F z, C × n × (number of normal numbers).
    public let normals: Tensor
    /// Φ of each draw, C × n.
    public let logLikelihoods: [[Double]]
    /// β after the burn-in.
    public let stepSize: Double
    /// The mean acceptance probability after the burn-in.
    public let acceptance: Double
    /// Number of steps from one draw to the next.
    public let thinning: Int
    /// The largest R̂ over the coordinates of z and Φ; NaN if no chain moves.
    public let rHat: Double
    /// The smallest effective sample size over the coordinates of z and Φ.
    public let effectiveSampleSize: Double
    /// The point of highest density that the annealing found, d numbers; empty if no mode was wanted.
    public let mode: [Float]

    /// Number of draws, C · n.
    public var count: Int { draws.shape[0] * draws.shape[1] }

    /// Returns `count` of the draws, count × d: from the chains in turn, and evenly spaced within each chain.
    public func samples(_ count: Int) -> Tensor {
        let (chains, length, d) = (draws.shape[0], draws.shape[1], draws.shape[2])
        let perChain = (count + chains - 1) / chains
        precondition(perChain <= length, "\(count) samples of \(chains) chains of \(length) draws")
        let result = Tensor([count, d])
        for sample in 0..<count {
            let draw = sample / chains * length / max(perChain, 1), start = (sample % chains * length + draw) * d
            result.rows(sample..<sample + 1).copy(from: draws.flat(start..<start + d))
        }
        return result
    }

    /// Returns one coordinate of all draws, by chain.
    static func coordinate(_ index: Int, of draws: Tensor) -> [[Double]] {
        let (chains, length, d) = (draws.shape[0], draws.shape[1], draws.shape[2])
        return (0..<chains).map { chain in
            (0..<length).map { Double(draws.pointer[(chain * length + $0) * d + index]) }
        }
    }
}

/// Draw numbers of sampling in `RandomStream.evaluation`. They are functions of query, chain and step, so samples
/// depend neither on the worker nor on the other queries.
public enum SamplingDrawNumber {
    /// Exclusive upper limits of the numbers of queries, chains and steps.
    public static let queryLimit = 1 << 20, chainLimit = 1 << 11, stepLimit = 1 << 31

    /// Returns the number of step `step` (0: the start) of a chain of a query.
    static func step(query: Int, chain: Int, step: Int) -> UInt64 {
        precondition((0..<queryLimit).contains(query), "query \(query)")
        precondition((0..<chainLimit).contains(chain), "chain \(chain)")
        precondition((0..<stepLimit).contains(step), "step \(step)")
        return UInt64(query) << 42 | UInt64(chain) << 31 | UInt64(step)
    }

    /// Returns the number of the resampling of a query.
    static func resampling(query: Int) -> UInt64 { 1 << 63 | UInt64(query) }

    /// The number of the selection of a gallery from a finite source.
    public static let gallery: UInt64 = 1 << 62
}
