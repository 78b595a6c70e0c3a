import CCoupletKernels
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// The chains of some queries, side by side: row q · C + c is chain c of the q-th of them, and one step of all is one call of Φ.
///
/// A chain's state is z, u = m + C^½ z with z ~ N(0, I) under the marginal.
struct ParallelChains {
    /// How a step proposes, and what it accepts by.
    enum Move {
        /// z' = √(1-β²) z + β ξ, accepted with min(1, exp(Φ' - Φ)).
        case crankNicolson
        /// z' = z + β ξ, accepted with min(1, exp((D' - D)/T)), D = Φ - ½|z|² the log-density.
        case randomWalk(temperature: Double)
    }

    private let law: PreconditionedCrankNicolson
    private let queries: [Int]
    private let logLikelihood: (Tensor) throws -> [Double]
    private var states: Matrix
    /// The states as u, in single precision: what Φ was computed of.
    private(set) var points: Tensor
    /// Φ of each row.
    private(set) var logLikelihoods: [Double]
    /// log β of each query.
    private var logSteps: [Double]
    /// Of each row: the highest log-density so far, and where.
    private(set) var highest: [(density: Double, point: [Float])] = []
    private var normals: Tensor
    private let chains: Int, dimension: Int

    /// Starts every chain at an independent draw of the marginal.
    init(_ law: PreconditionedCrankNicolson, queries: [Int], logLikelihood: @escaping (Tensor) throws -> [Double])
        throws
    {
        self.law = law
        self.queries = queries
        self.logLikelihood = logLikelihood
        chains = law.chains
        dimension = law.mean.count
        let rows = queries.count * chains
        normals = Tensor([rows, dimension])
        states = Matrix(rows: rows, columns: dimension)
        points = Tensor([rows, dimension])
        logLikelihoods = []
        logSteps = [Double](repeating: log(0.5), count: queries.count)
        drawNormals(step: 0)
        for i in 0..<states.elements.count { states.elements[i] = Double(normals.pointer[i]) }
        points = law.points(states)
        logLikelihoods = try finite(logLikelihood(points))
    }

    /// β of each query.
    var stepSizes: [Double] { logSteps.map { exp($0) } }

    /// A copy of its own, whose random-walk steps begin at about the size that is right for a normal law (Roberts, Gelman, Gilks 1997).
    var annealing: ParallelChains {
        var copy = self
        copy.points = Tensor(points.shape, points.values)
        copy.normals = Tensor(normals.shape)
        copy.logSteps = logSteps.map { _ in log(2.38 / Double(dimension).squareRoot()) }
        copy.highest = logLikelihoods.indices.map { (density($0, states, logLikelihoods), row($0, of: points)) }
        return copy
    }

    /// One step of every chain.
    /// - Parameters:
    ///   - number: which step, from 1 on: it says which random numbers.
    ///   - gain: how far log β follows the acceptance; 0 leaves it.
    /// - Returns: the mean probability of acceptance of each query's chains.
    mutating func step(_ number: Int, _ move: Move, gain: Double) throws -> [Double] {
        drawNormals(step: number)
        var proposals = states
        for (place, logStep) in logSteps.enumerated() {
            let step = exp(logStep), shrink: Double
            switch move {
            case .crankNicolson: shrink = ((1 - step) * (1 + step)).squareRoot()
            case .randomWalk: shrink = 1
            }
            for i in place * chains * dimension..<(place + 1) * chains * dimension {
                proposals.elements[i] = shrink * states.elements[i] + step * Double(normals.pointer[i])
            }
        }
        let proposedPoints = law.points(proposals), proposed = try finite(logLikelihood(proposedPoints))
        var acceptance = [Double](repeating: 0, count: queries.count)
        for row in logLikelihoods.indices {
            let place = row / chains, gained: Double
            switch move {
            case .crankNicolson: gained = proposed[row] - logLikelihoods[row]
            case .randomWalk(let temperature):
                gained = (density(row, proposals, proposed) - density(row, states, logLikelihoods)) / temperature
            }
            let probability = min(1, exp(gained))
            acceptance[place] += probability / Double(chains)
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
            for place in queries.indices {
                logSteps[place] += gain * (acceptance[place] - law.acceptance)
                if case .crankNicolson = move {
                    logSteps[place] = min(logSteps[place], log(PreconditionedCrankNicolson.largestStep))
                }
            }
        }
        return acceptance
    }

    private func density(_ row: Int, _ states: Matrix, _ logLikelihoods: [Double]) -> Double {
        var square = 0.0
        for i in row * dimension..<(row + 1) * dimension { square += states.elements[i] * states.elements[i] }
        return logLikelihoods[row] - 0.5 * square
    }

    private func row(_ row: Int, of points: Tensor) -> [Float] { points.rows(row..<row + 1).values }

    private func number(_ row: Int, step: Int) -> UInt64 {
        SamplingDrawNumber.step(query: queries[row / chains], chain: row % chains, step: step)
    }

    private func drawNormals(step: Int) {
        for row in 0..<queries.count * chains {
            law.philox.fillNormal(normals.rows(row..<row + 1), .evaluation, number: number(row, step: step))
        }
    }

    /// In (0, 1), from a block that no normal numbers reach.
    private func uniform(_ row: Int, step: Int) -> Double {
        (Double(law.philox.words(.evaluation, number: number(row, step: step), block: .max).x) + 0.5) * 0x1p-32
    }

    private func finite(_ values: [Double]) throws -> [Double] {
        precondition(
            values.count == queries.count * chains,
            "\(values.count) log-likelihoods of \(queries.count * chains) points")
        guard let wrong = values.firstIndex(where: { !$0.isFinite }) else { return values }
        throw SamplingError(
            reason:
                "query row \(queries[wrong / chains]) and a draw of the other modality have the score \(values[wrong])",
            remedy: "look for rows of another scale than those the run was trained on")
    }
}
