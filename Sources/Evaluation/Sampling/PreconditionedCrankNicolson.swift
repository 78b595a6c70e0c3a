import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// Draws of u given v, where u ~ N(m, C) has the law ∝ exp(Φ(u)) N(m, C), Φ(u) = S(u, v): the preconditioned Crank–Nicolson method (Cotter,
/// Roberts, Stuart, White, *MCMC Methods for Functions*, Statistical Science 2013).
///
/// A chain at u proposes `u' = m + √(1-β²) (u - m) + β ξ`, ξ ~ N(0, C), and moves there with probability `min(1, exp(Φ(u') - Φ(u)))`. The proposal leaves
/// N(m, C) as it is, so the marginal's density is never needed and acceptance does not fall with the dimension.
///
/// Several chains a query start at independent draws of N(m, C), which spread wider than the conditional, so that chains that have not
/// forgotten their start disagree. All chains of several queries run as one batch. In the burn-in β is adapted for an acceptance of
/// 0.3 (Robbins–Monro on log β, up to `largestStep`), query by query; after it β is fixed, for adapting for ever would change the law. As many steps again
/// measure the autocorrelation time t, from which the thinning follows: the lag after which a first-order autoregression of that time has a
/// correlation below 0.05, so that draws are about independent. Then draws are kept.
///
/// The *mode* comes from annealing: from where the chains stand after that, random-walk Metropolis steps for density^(1/T) with T from 1 down to 10⁻⁶
/// (Kirkpatrick, Gelatt, Vecchi, *Optimization by Simulated Annealing*, Science 1983), and the point of highest density that any chain met. It needs
/// no gradient, and finds the highest of several modes where chains have found all of them; but it is no proof that there is none higher.
///
/// Random numbers are functions of (seed, query, chain, step): the draws of a query do not depend on which others are asked for.
public struct PreconditionedCrankNicolson: Sendable {
    /// m.
    public let mean: [Double]
    /// C^½, symmetric, d × d.
    public let root: Matrix
    /// C: from 2 to `SamplingDrawNumber.chainLimit`.
    public var chains = 8
    /// The steps that adapt β; as many again measure the thinning where that is not given.
    public var burnIn = 1_000
    /// The steps from a draw that is kept to the next; nil: measured.
    public var thinning: Int?
    /// The most steps of a chain while draws are kept: it bounds a measured thinning.
    public var maximumSteps = 200_000
    /// The fewest draws that a chain keeps: what R̂ and the effective sample size need to mean something.
    public var minimumDraws = 250
    /// The largest β. At 1 proposals are independent draws of the marginal, and a chain that has come far into the tail of an unbounded Φ,
    /// such as the inner product's, stays there: measured at Φ of standard deviation 1.5, t is 67 for β = 1 and 20 for 0.9.
    public static let largestStep = 0.9
    /// Which acceptance β is adapted for.
    public var acceptance = 0.3
    let philox: Philox

    public init(mean: [Double], root: Matrix, seed: UInt64) {
        precondition(
            root.rows == mean.count && root.columns == mean.count,
            "a root \(root.rows) × \(root.columns) for \(mean.count) dimensions")
        self.mean = mean
        self.root = root
        philox = Philox(seed: seed)
    }

    /// How many queries to run side by side when `count` draws of each are wanted: about 64 rows, in at most a few hundred MiB. Always run as many,
    /// filled up by repeating one, and results do not depend on how many there are.
    public func queriesPerBlock(count: Int) -> Int {
        let floatsAQuery = chains * max(thinning == nil ? burnIn : 0, drawsAChain(count)) * mean.count
        return max(1, min(64 / chains, (1 << 26) / max(floatsAQuery, 1)))
    }

    /// Runs the chains of some queries.
    /// - Parameters:
    ///   - queries: their numbers.
    ///   - count: how many draws of each are wanted; `minimumDraws` a chain are kept at least.
    ///   - logLikelihood: Φ of points: row q · C + c of (queries · C) × d belongs to chain c of the q-th query.
    /// - Returns: the draws of each query, in order.
    /// - Throws: what `logLikelihood` throws; `SamplingError` where it gives a NaN or an infinity.
    public func draws(
        queries: [Int], count: Int, logLikelihood: @escaping (Tensor) throws -> [Double]
    ) throws -> [ChainDraws] {
        precondition((2...SamplingDrawNumber.chainLimit).contains(chains), "\(chains) chains")
        precondition(
            burnIn > 0 && minimumDraws >= 4 && maximumSteps > 0,
            "\(burnIn) steps of burn-in, at least \(minimumDraws) draws")
        var block = try ParallelChains(self, queries: queries, logLikelihood: logLikelihood)
        for number in 1...burnIn { _ = try block.step(number, .crankNicolson, gain: pow(Double(number), -0.6)) }
        var number = burnIn
        let length = drawsAChain(count)
        var thinnings = [Int](
            repeating: min(thinning ?? 1, SamplingDrawNumber.stepLimit / 2 / length), count: queries.count)
        if thinning == nil {
            let pilot = try record(&block, &number, length: burnIn, thinnings: thinnings)
            thinnings = pilot.map { min(Self.thinning(after: $0), max(1, maximumSteps / length)) }
        }
        // Before the draws, which take other queries longer: a query's mode is then a function of its own chains as well.
        let modes = try modes(from: block)
        let records = try record(&block, &number, length: length, thinnings: thinnings)
        return queries.indices.map { place in
            let record = records[place], diagnostics = record.series.map { ChainDiagnostics($0) }
            return ChainDraws(
                draws: record.draws, logLikelihoods: record.logLikelihoods, stepSize: block.stepSizes[place],
                acceptance: record.acceptance, thinning: thinnings[place],
                rHat: diagnostics.map(\.rHat).filter { !$0.isNaN }.max() ?? .nan,
                effectiveSampleSize: diagnostics.map(\.effectiveSampleSize).filter { !$0.isNaN }.min() ?? .nan,
                mode: modes[place])
        }
    }

    /// m + C^½ z, rows × d.
    func points(_ states: Matrix) -> Tensor {
        let moved = states * root, result = Tensor([states.rows, states.columns])
        for row in 0..<states.rows {
            for i in 0..<mean.count {
                result.pointer[row * mean.count + i] = Float(mean[i] + moved.elements[row * mean.count + i])
            }
        }
        return result
    }

    private func drawsAChain(_ count: Int) -> Int { max((count + chains - 1) / chains, minimumDraws) }

    /// Steps on until every query has `length` draws a chain, one each `thinnings` steps.
    private func record(_ block: inout ParallelChains, _ number: inout Int, length: Int, thinnings: [Int]) throws
        -> [ChainTrace]
    {
        var records = thinnings.map { _ in ChainTrace(chains: chains, length: length, dimension: mean.count) }
        for step in 1...(length * thinnings.max()!) {
            number += 1
            let acceptance = try block.step(number, .crankNicolson, gain: 0)
            for (place, thinning) in thinnings.enumerated() where step <= length * thinning {
                records[place].acceptance += acceptance[place] / Double(length * thinning)
                if step % thinning == 0 { records[place].keep(block, place, draw: step / thinning - 1) }
            }
        }
        return records
    }

    /// From the worst quantity's autocorrelation time t: that of a first-order autoregression of coefficient ρ is (1 + ρ)/(1 - ρ).
    private static func thinning(after pilot: ChainTrace) -> Int {
        let size =
            pilot.series.map { ChainDiagnostics.effectiveSampleSize($0).size }.filter { !$0.isNaN }.min() ?? .infinity
        let time = Double(pilot.draws.shape[0] * pilot.draws.shape[1]) / size
        guard time > 1 else { return 1 }
        return max(1, Int((log(0.05) / log((time - 1) / (time + 1))).rounded(.up)))
    }

    /// Anneals 100 steps a dimension, from 2,000 to 20,000, with the last numbers that steps may have.
    private func modes(from chains: ParallelChains) throws -> [[Float]] {
        var block = chains.annealing
        let steps = min(max(2_000, 100 * mean.count), 20_000)
        for step in 1...steps {
            let temperature = pow(1e-6, Double(step) / Double(steps))
            _ = try block.step(SamplingDrawNumber.stepLimit - step, .randomWalk(temperature: temperature), gain: 0.1)
        }
        return stride(from: 0, to: block.highest.count, by: self.chains).map { start in
            block.highest[start..<start + self.chains].max { $0.density < $1.density }!.point
        }
    }
}
