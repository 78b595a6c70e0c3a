import CoupletTensors

/// Draws u given v by preconditioned Crank–Nicolson MCMC (pCN; Cotter, Roberts, Stuart, White, *MCMC Methods for
/// Functions*, Statistical Science 2013). The target density is ∝ exp(Φ(u)) N(m, C), with the marginal N(m, C) of u and
/// Φ(u) = S(u, v).
///
/// A chain at u proposes `u' = m + √(1-β²) (u - m) + β ξ`, ξ ~ N(0, C), and accepts it with probability `min(1,
/// exp(Φ(u') - Φ(u)))`. The proposal leaves N(m, C) invariant, so the marginal's density is not needed and acceptance
/// does not fall with the dimension.
///
/// The chains run in z, with u = m + F z, z ~ N(0, I) and C = F Fᵀ (`GaussianMarginal`): there the proposal is z' =
/// √(1-β²) z + β ξ, ξ ~ N(0, I). So a field on a grid with few modes has chains of few dimensions.
///
/// 1. *Start.* Several chains per query start at independent draws of N(m, C). These spread wider than the conditional,
///    so chains that still depend on their start disagree. The chains of several queries run as one batch.
/// 2. *Burn-in.* β is adapted per query to an acceptance of 0.3 (Robbins–Monro on log β, up to `largestStep`). After it
///    β is fixed, because further adaptation would change the target.
/// 3. *Pilot.* Another `burnIn` steps measure the autocorrelation time t, which determines the thinning: the lag
///    at which a first-order autoregression with time t has a correlation below 0.05. So draws are about independent.
/// 4. *Mode.* Simulated annealing (Kirkpatrick, Gelatt, Vecchi, *Optimization by Simulated Annealing*, Science 1983):
///    from the chains' states, random-walk Metropolis steps for density^(1/T) with T from 1 down to 10⁻⁶. The mode is
///    the point of highest density on any chain. The method needs no gradient, and finds the highest of several modes
///    if chains have reached all of them, but it does not prove that no higher one exists.
/// 5. *Sampling.* The chains store their draws.
///
/// Random numbers are functions of (seed, query, chain, step), so the draws of a query do not depend on the other
/// queries.
public struct PreconditionedCrankNicolson: Sendable {
    /// N(m, C).
    public let marginal: GaussianMarginal
    /// Number of chains per query, from 2 to `SamplingDrawNumber.chainLimit`.
    public var chains = 8
    /// Number of steps that adapt β, and of pilot steps if `thinning` is nil.
    public var burnIn = 1_000
    /// Number of steps from one stored draw to the next; nil: the pilot determines it.
    public var thinning: Int?
    /// Maximum number of steps of a chain while it stores draws. It bounds a measured thinning.
    public var maximumSteps = 200_000
    /// Minimum number of draws per chain, so that R̂ and the effective sample size are meaningful.
    public var minimumDraws = 250
    /// Upper limit of β. At β = 1 proposals are independent draws of the marginal, and a chain far in the tail of an
    /// unbounded Φ, such as the inner product's, stays there: for a Φ of standard deviation 1.5, t was measured as 67
    /// at β = 1 and 20 at 0.9.
    public static let largestStep = 0.9
    /// Target acceptance of the adaptation.
    public var acceptance = 0.3
    /// Whether to search for the mode. The search takes 2,000 steps or more of each chain.
    public var findsMode = true
    fileprivate let philox: Philox

    /// - Parameters:
    ///   - marginal: N(m, C). With `GaussianMarginal.standard` the points are the normal numbers z themselves, for a Φ
    ///     that is a function of them.
    ///   - seed: determines all draws.
    public init(_ marginal: GaussianMarginal, seed: UInt64) {
        self.marginal = marginal
        philox = Philox(seed: seed)
    }

    /// Returns the number of queries to run at once when `count` draws of each are wanted: about 64 rows, in at most a
    /// few hundred MiB. Pad every call to this number by repeating a query; then results do not depend on the number of
    /// queries.
    public func queriesPerBlock(count: Int) -> Int {
        let length = drawsPerChain(count), states = max(thinning == nil ? burnIn : 0, length) * marginal.normalCount
        let floatsPerQuery = chains * (states + length * marginal.dimension)
        return max(1, min(64 / chains, (1 << 26) / max(floatsPerQuery, 1)))
    }

    /// Runs the chains of some queries.
    /// - Parameters:
    ///   - queries: their numbers.
    ///   - count: wanted draws of each query; each chain stores at least `minimumDraws`.
    ///   - logLikelihood: returns Φ of points: row q · C + c of (queries · C) × d belongs to chain c of the q-th query.
    /// - Returns: the draws of each query, in order.
    /// - Throws: errors of `logLikelihood`; `SamplingError` if it returns a NaN or an infinity.
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
        let length = drawsPerChain(count), longest = SamplingDrawNumber.stepLimit / 2 / length
        var thinnings = [Int](repeating: min(thinning ?? 1, longest), count: queries.count)
        if thinning == nil {
            let pilot = try record(&block, &number, length: burnIn, thinnings: thinnings)
            thinnings = pilot.map { min(Self.thinning(after: $0), max(1, maximumSteps / length)) }
        }
        // The annealing starts before the sampling, because the number of sampling steps depends on the other queries
        // of the block. So a query's mode is a function of its own chains.
        let modes = findsMode ? try modes(from: block) : queries.map { _ in [] }
        let traces = try record(&block, &number, length: length, thinnings: thinnings)
        return queries.indices.map { query in
            let trace = traces[query], diagnostics = trace.series.map { ChainDiagnostics($0) }
            return ChainDraws(
                draws: points(trace.normals), normals: trace.normals, logLikelihoods: trace.logLikelihoods,
                stepSize: block.stepSizes[query],
                acceptance: trace.acceptance, thinning: thinnings[query],
                rHat: diagnostics.map(\.rHat).filter { !$0.isNaN }.max() ?? .nan,
                effectiveSampleSize: diagnostics.map(\.effectiveSampleSize).filter { !$0.isNaN }.min() ?? .nan,
                mode: modes[query])
        }
    }

    /// Returns m + F z of draws z, C × n × (number of normal numbers), as C × n × d.
    private func points(_ normals: Tensor) -> Tensor {
        let (chains, length, columns) = (normals.shape[0], normals.shape[1], normals.shape[2])
        let rows = marginal.points(Matrix(normals.reshaped([chains * length, columns])))
        return rows.reshaped([chains, length, marginal.dimension])
    }

    private func drawsPerChain(_ count: Int) -> Int { max((count + chains - 1) / chains, minimumDraws) }

    /// Runs steps until every query has `length` draws per chain. A query stores one draw every `thinnings[query]`
    /// steps.
    private func record(
        _ block: inout ParallelChains, _ number: inout Int, length: Int, thinnings: [Int]
    ) throws -> [ChainTrace] {
        var traces = thinnings.map { _ in ChainTrace(chains: chains, length: length, dimension: marginal.normalCount) }
        for step in 1...(length * thinnings.max()!) {
            number += 1
            let acceptance = try block.step(number, .crankNicolson, gain: 0)
            for (query, thinning) in thinnings.enumerated() where step <= length * thinning {
                traces[query].acceptance += acceptance[query] / Double(length * thinning)
                if step % thinning == 0 { traces[query].store(block, query, draw: step / thinning - 1) }
            }
        }
        return traces
    }

    /// Returns the thinning for the autocorrelation time t of the slowest quantity. A first-order autoregression with
    /// coefficient ρ has t = (1 + ρ)/(1 - ρ).
    private static func thinning(after pilot: ChainTrace) -> Int {
        let sizes = pilot.series.map { ChainDiagnostics.effectiveSampleSize($0).size }
        let size = sizes.filter { !$0.isNaN }.min() ?? .infinity
        let time = Double(pilot.normals.shape[0] * pilot.normals.shape[1]) / size
        guard time > 1 else { return 1 }
        return max(1, Int((log(0.05) / log((time - 1) / (time + 1))).rounded(.up)))
    }

    /// Returns each query's mode after 100 annealing steps per dimension, at least 2,000 and at most 20,000. Their step
    /// numbers count down from the largest, so that they differ from the step numbers of the draws.
    private func modes(from chains: ParallelChains) throws -> [[Float]] {
        var block = chains.annealing
        let steps = min(max(2_000, 100 * marginal.normalCount), 20_000)
        for step in 1...steps {
            let temperature = pow(1e-6, Double(step) / Double(steps))
            let number = SamplingDrawNumber.stepLimit - step
            _ = try block.step(number, .randomWalk(temperature: temperature), gain: 0.1)
        }
        return stride(from: 0, to: block.highest.count, by: self.chains).map { start in
            block.highest[start..<start + self.chains].max { $0.density < $1.density }!.point
        }
    }
}

/// The chains of some queries, stepped together: row q · C + c is chain c of the q-th query, and one step of all rows
/// calls Φ once.
///
/// A chain's state is z, with u = m + F z; under the marginal z ~ N(0, I).
private struct ParallelChains {
    /// Proposal and acceptance rule of a step.
    enum Move {
        /// z' = √(1-β²) z + β ξ, accepted with probability min(1, exp(Φ' - Φ)).
        case crankNicolson
        /// z' = z + β ξ, accepted with probability min(1, exp((D' - D)/T)), D = Φ - ½|z|² the log-density.
        case randomWalk(temperature: Double)
    }

    private let sampler: PreconditionedCrankNicolson
    private let queries: [Int]
    private let logLikelihood: (Tensor) throws -> [Double]
    private var states: Matrix
    /// The states as u, in single precision: the arguments of Φ.
    private(set) var points: Tensor
    /// Φ of each row.
    private(set) var logLikelihoods: [Double]
    /// log β of each query.
    private var logSteps: [Double]
    /// The highest log-density of each row so far, and its point.
    private(set) var highest: [(density: Double, point: [Float])] = []
    private var normals: Tensor
    /// Number of chains of a query; number of normal numbers of a state.
    private let chains: Int, dimension: Int

    /// Starts every chain at an independent draw of the marginal.
    init(
        _ sampler: PreconditionedCrankNicolson, queries: [Int], logLikelihood: @escaping (Tensor) throws -> [Double]
    ) throws {
        self.sampler = sampler
        self.queries = queries
        self.logLikelihood = logLikelihood
        chains = sampler.chains
        dimension = sampler.marginal.normalCount
        let rows = queries.count * chains
        normals = Tensor([rows, dimension])
        states = Matrix(rows: rows, columns: dimension)
        points = Tensor([rows, sampler.marginal.dimension])
        logLikelihoods = []
        logSteps = [Double](repeating: log(0.5), count: queries.count)
        drawNormals(step: 0)
        for i in 0..<states.elements.count { states.elements[i] = Double(normals.pointer[i]) }
        points = sampler.marginal.points(states)
        logLikelihoods = try requireFinite(logLikelihood(points))
    }

    /// β of each query.
    var stepSizes: [Double] { logSteps.map { exp($0) } }

    /// A copy for annealing. Its first random-walk steps have about the optimal size for a normal distribution
    /// (Roberts, Gelman, Gilks 1997).
    var annealing: ParallelChains {
        var copy = self
        copy.points = Tensor(points.shape, points.values)
        copy.normals = Tensor(normals.shape)
        copy.logSteps = logSteps.map { _ in log(2.38 / Double(dimension).squareRoot()) }
        copy.highest = logLikelihoods.indices.map { (density($0, states, logLikelihoods), row($0, of: points)) }
        return copy
    }

    /// Steps every chain once.
    /// - Parameters:
    ///   - number: the number of the step, from 1; it determines the random numbers.
    ///   - gain: the step size of the adaptation of log β; 0: no adaptation.
    /// - Returns: the mean acceptance probability of each query's chains.
    mutating func step(_ number: Int, _ move: Move, gain: Double) throws -> [Double] {
        drawNormals(step: number)
        var proposals = states
        for (query, logStep) in logSteps.enumerated() {
            let step = exp(logStep), shrink: Double
            switch move {
            case .crankNicolson: shrink = ((1 - step) * (1 + step)).squareRoot()
            case .randomWalk: shrink = 1
            }
            for i in query * chains * dimension..<(query + 1) * chains * dimension {
                proposals.elements[i] = shrink * states.elements[i] + step * Double(normals.pointer[i])
            }
        }
        let proposedPoints = sampler.marginal.points(proposals),
            proposed = try requireFinite(logLikelihood(proposedPoints))
        var acceptance = [Double](repeating: 0, count: queries.count)
        for row in logLikelihoods.indices {
            let logRatio: Double
            switch move {
            case .crankNicolson: logRatio = proposed[row] - logLikelihoods[row]
            case .randomWalk(let temperature):
                logRatio = (density(row, proposals, proposed) - density(row, states, logLikelihoods)) / temperature
            }
            let probability = min(1, exp(logRatio))
            acceptance[row / chains] += probability / Double(chains)
            guard uniform(row, step: number) < probability else { continue }
            logLikelihoods[row] = proposed[row]
            for i in row * dimension..<(row + 1) * dimension { states.elements[i] = proposals.elements[i] }
            points.rows(row..<row + 1).copy(from: proposedPoints.rows(row..<row + 1))
            if case .randomWalk = move {
                let density = density(row, states, logLikelihoods)
                if density > highest[row].density { highest[row] = (density, self.row(row, of: points)) }
            }
        }
        if gain > 0 {
            for query in queries.indices {
                logSteps[query] += gain * (acceptance[query] - sampler.acceptance)
                if case .crankNicolson = move {
                    logSteps[query] = min(logSteps[query], log(PreconditionedCrankNicolson.largestStep))
                }
            }
        }
        return acceptance
    }

    /// Returns D = Φ - ½|z|² of a row.
    private func density(_ row: Int, _ states: Matrix, _ logLikelihoods: [Double]) -> Double {
        var square = 0.0
        for i in row * dimension..<(row + 1) * dimension { square += states.elements[i] * states.elements[i] }
        return logLikelihoods[row] - 0.5 * square
    }

    /// Coordinate i of the state z of a row.
    func state(_ row: Int, _ i: Int) -> Double { states[row, i] }

    private func row(_ row: Int, of points: Tensor) -> [Float] { points.rows(row..<row + 1).values }

    private func number(_ row: Int, step: Int) -> UInt64 {
        SamplingDrawNumber.step(query: queries[row / chains], chain: row % chains, step: step)
    }

    private func drawNormals(step: Int) {
        for row in 0..<queries.count * chains {
            sampler.philox.fillNormal(normals.rows(row..<row + 1), .evaluation, number: number(row, step: step))
        }
    }

    /// Returns a number in (0, 1), from a Philox block that no normal numbers use.
    private func uniform(_ row: Int, step: Int) -> Double {
        let word = sampler.philox.words(.evaluation, number: number(row, step: step), block: .max).x
        return (Double(word) + 0.5) * 0x1p-32
    }

    /// - Throws: `SamplingError` if a value is not finite.
    private func requireFinite(_ values: [Double]) throws -> [Double] {
        precondition(
            values.count == queries.count * chains,
            "\(values.count) log-likelihoods of \(queries.count * chains) points")
        guard let wrong = values.firstIndex(where: { !$0.isFinite }) else { return values }
        throw SamplingError(
            reason:
                "query row \(queries[wrong / chains]) and a draw of the other modality have the score \(values[wrong])",
            remedy: "look for rows of another scale than the training data")
    }
}

/// The stored draws of one query's chains.
private struct ChainTrace {
    /// The states z, C × n × (number of normal numbers).
    let normals: Tensor
    /// Φ, C × n.
    private(set) var logLikelihoods: [[Double]]
    /// The mean acceptance probability.
    var acceptance = 0.0

    init(chains: Int, length: Int, dimension: Int) {
        normals = Tensor([chains, length, dimension])
        logLikelihoods = [[Double]](repeating: [Double](repeating: 0, count: length), count: chains)
    }

    /// Stores the states of the chains of the query with index `query` in the block, as draw number `draw`.
    mutating func store(_ block: ParallelChains, _ query: Int, draw: Int) {
        let (chains, length, d) = (normals.shape[0], normals.shape[1], normals.shape[2])
        for chain in 0..<chains {
            let row = query * chains + chain, start = (chain * length + draw) * d
            for i in 0..<d { normals.pointer[start + i] = Float(block.state(row, i)) }
            logLikelihoods[chain][draw] = block.logLikelihoods[row]
        }
    }

    /// The quantities whose convergence is measured: every coordinate of z, and Φ.
    var series: [[[Double]]] {
        (0..<normals.shape[2]).map { ChainDraws.coordinate($0, of: normals) } + [logLikelihoods]
    }
}
