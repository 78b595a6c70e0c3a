import CoupletTensors

/// What the chains of one query have drawn, and how far that may be trusted.
public struct ChainDraws: Sendable {
    /// C × n × d: n draws of each of C chains, in the units of u.
    public let draws: Tensor
    /// Φ of each draw, C × n.
    public let logLikelihoods: [[Double]]
    /// β as the burn-in left it.
    public let stepSize: Double
    /// The mean probability of acceptance after the burn-in.
    public let acceptance: Double
    /// The steps from one draw to the next.
    public let thinning: Int
    /// The largest R̂ over the coordinates and Φ; NaN where nothing moves.
    public let rHat: Double
    /// The smallest effective sample size over the coordinates and Φ.
    public let effectiveSampleSize: Double
    /// The point of highest density found, d numbers.
    public let mode: [Float]

    /// C · n.
    public var count: Int { draws.shape[0] * draws.shape[1] }

    /// `count` of the draws, count × d: the chains in turn, from each evenly spaced draws.
    public func samples(_ count: Int) -> Tensor {
        let (chains, length, d) = (draws.shape[0], draws.shape[1], draws.shape[2])
        let wanted = (count + chains - 1) / chains
        precondition(wanted <= length, "\(count) samples of \(chains) chains of \(length) draws")
        let result = Tensor([count, d])
        for sample in 0..<count {
            let draw = sample / chains * length / max(wanted, 1)
            result.rows(sample..<sample + 1).copy(
                from: draws.flat((sample % chains * length + draw) * d..<(sample % chains * length + draw + 1) * d))
        }
        return result
    }

    /// One coordinate of all draws, by chain.
    static func coordinate(_ index: Int, of draws: Tensor) -> [[Double]] {
        let (chains, length, d) = (draws.shape[0], draws.shape[1], draws.shape[2])
        return (0..<chains).map { chain in (0..<length).map { Double(draws.pointer[(chain * length + $0) * d + index]) }
        }
    }
}
