import CoupletEvaluation
import CoupletPairs
import CoupletStudies
import CoupletTensors
import TestSupport
import Testing

/// Estimates of flows where the exact posterior is known: for small displacements the positions are linear in z.
@Suite struct FlowEstimateTests {
    /// A source whose displacements are as small as its noise, both about 10⁻⁴: the drifters feel the velocity at their
    /// starts only, to 0.2 % of the noise.
    private static let linear = OceanSource(
        OceanSpecification(
            grid: 8, largestWavenumber: 2, smoothness: 1, inverseLength: 4, speed: 1.5e-4, drifters: 6, times: 3,
            noise: 5e-5, stepsPerTime: 1), seed: 3)

    /// The posterior of z and log p(tracks), in Double, from positions `start + t u(start)`. Without the constant -½ n
    /// log(2πσ²) of the likelihood: `log p = -½ yᵀ (I + H Hᵀ/σ²)⁻¹ y/σ² - ½ log det(I + H Hᵀ/σ²)`.
    private static func exact(_ tracks: Tensor, _ source: OceanSource) throws -> (
        mean: [Double], covariance: Matrix, logEvidence: Double
    ) {
        let (drifters, times) = (source.specification.drifters, source.specification.times)
        let m = source.prior.dimension, noise = source.specification.noise
        var rows: [Double] = [], data: [Double] = []
        for drifter in 0..<drifters {
            let start = drifter * (times + 1) * 2, x = Double(tracks[start]), y = Double(tracks[start + 1])
            for time in 1...times {
                for axis in 0..<2 {
                    data.append((Double(tracks[start + 2 * time + axis]) - (axis == 0 ? x : y)) / noise)
                    for (mode, k) in source.prior.wavenumbers.enumerated() {
                        let angle = 2 * Double.pi * (Double(k.x) * x + Double(k.y) * y)
                        let slope = 2 * Double.pi * Double(axis == 0 ? -k.y : k.x) * source.prior.deviations[mode]
                        let scale = slope * Double(time) / Double(times) / noise
                        rows += [-sin(angle) * scale, cos(angle) * scale]
                    }
                }
            }
        }
        let map = Matrix(rows: data.count, columns: m, elements: rows)
        let y = Matrix(rows: data.count, columns: 1, elements: data)
        // By the gain of the data, not by the precision of z as the code.
        let marginal = Matrix.identity(data.count) + map * map.transposed, weighted = try marginal.solve(y)
        let logDeterminant = try marginal.choleskyFactor().diagonal.reduce(0) { $0 + 2 * log($1) }
        return (
            (map.transposed * weighted).elements,
            try .identity(m) - map.transposed * marginal.solve(map),
            -0.5 * (y.transposed * weighted)[0, 0] - 0.5 * logDeterminant
        )
    }

    @Test func estimatesOfSmallDisplacementsAreThePosterior() throws {
        let source = Self.linear, model = source.drifterModel, tracks = source.tracks(.heldOut, [0, 1, 2, 3, 4])
        for k in 0..<5 {
            let own = tracks.rows(k..<k + 1), exact = try Self.exact(own, source)
            let kriging = try TrackKriging.estimate(own, of: model)
            // The unit is the prior's deviation, 1.
            for (found, mean) in zip(kriging.mean, exact.mean) { #expect(abs(found - mean) <= 0.02) }
            #expect((kriging.covariance - exact.covariance).frobeniusNorm <= 0.01 * exact.covariance.frobeniusNorm)
            let variational = try VariationalFlowEstimate(own, of: model)
                .estimate(from: [Double](repeating: 0, count: exact.mean.count)).estimate
            for (found, mean) in zip(variational.mean, exact.mean) { #expect(abs(found - mean) <= 0.05) }
            #expect(
                (variational.covariance - exact.covariance).frobeniusNorm <= 0.1 * exact.covariance.frobeniusNorm)
            let evidence = try TrackEvidence(
                own, of: model, near: kriging, count: 4_000, philox: Philox(seed: 1), number: UInt64(k))
            #expect(evidence.effectiveFlows > 200)
            #expect(
                abs(evidence.logEvidence - exact.logEvidence) <= 0.02 + 4 / evidence.effectiveFlows.squareRoot(),
                "\(evidence.logEvidence), \(exact.logEvidence), \(evidence.effectiveFlows)")
        }
    }

    /// The estimate from velocities, with the tridiagonal covariance of differenced noise, for displacements of any
    /// size.
    @Test func krigingMatchesTheDifferencedForm() throws {
        let source = OceanSource(
            OceanSpecification(largestWavenumber: 2, speed: 0.3, drifters: 3, times: 4, noise: 0.1), seed: 5)
        let tracks = source.tracks(.heldOut, [7]), m = source.prior.dimension, interval = 0.25, times = 4
        var precision = Matrix.identity(m), right = Matrix(rows: m, columns: 1)
        for drifter in 0..<3 {
            func position(_ time: Int, _ axis: Int) -> Double { Double(tracks[(drifter * 5 + time) * 2 + axis]) }
            let variance = 0.1 * 0.1 / (interval * interval)
            var noise = Matrix(rows: times, columns: times)
            for j in 0..<times {
                noise[j, j] = (j == 0 ? 1 : 2) * variance
                if j > 0 { (noise[j, j - 1], noise[j - 1, j]) = (-variance, -variance) }
            }
            for axis in 0..<2 {
                var map = Matrix(rows: times, columns: m), velocities = Matrix(rows: times, columns: 1)
                for j in 0..<times {
                    velocities[j, 0] = (position(j + 1, axis) - position(j, axis)) / interval
                    let row = TrackKriging.velocityMap(
                        of: source.prior, x: 0.5 * (position(j, 0) + position(j + 1, 0)),
                        y: 0.5 * (position(j, 1) + position(j + 1, 1)))
                    for i in 0..<m { map[j, i] = row[axis, i] }
                }
                precision = precision + map.transposed * (try noise.solve(map))
                right = right + map.transposed * (try noise.solve(velocities))
            }
        }
        let found = try TrackKriging.estimate(tracks, of: source.drifterModel), mean = try precision.solve(right)
        for i in 0..<m { #expect(abs(found.mean[i] - mean[i, 0]) <= 1e-9) }
        #expect((found.covariance - (try precision.inverse())).frobeniusNorm <= 1e-9)
    }

    /// The velocity at a point is that of the grid, and the gradient of ψ by differences of a fine grid.
    @Test func velocityMapMatchesTheGrid() throws {
        let prior = OceanSpecification(largestWavenumber: 3).prior, side = 16
        let grid = prior.map(to: .velocity, side: side), unit = prior.speed / 2.0.squareRoot()
        for (i, j) in [(0, 0), (3, 11), (15, 4)] {
            let point = TrackKriging.velocityMap(of: prior, x: Double(j) / 16 - 2, y: Double(i) / 16 + 1)
            for c in 0..<prior.dimension {
                for axis in 0..<2 {
                    #expect(abs(point[axis, c] - unit * grid[(axis * side + i) * side + j, c]) <= 1e-9)
                }
            }
        }
        let fine = prior.map(to: .streamFunction, side: 1_024), scale = prior.streamFunctionDeviation * 512
        let point = TrackKriging.velocityMap(of: prior, x: 100.0 / 1_024, y: 300.0 / 1_024)
        for c in 0..<prior.dimension {
            let u = -scale * (fine[301 * 1_024 + 100, c] - fine[299 * 1_024 + 100, c])
            let v = scale * (fine[300 * 1_024 + 101, c] - fine[300 * 1_024 + 99, c])
            #expect(abs(point[0, c] - u) <= 1e-3 * prior.speed && abs(point[1, c] - v) <= 1e-3 * prior.speed)
        }
    }

    /// For large displacements the variational estimate is a maximum, and the evidence agrees with a mean over many
    /// flows of the prior.
    @Test func variationalEstimateAndEvidenceOfLargeDisplacements() throws {
        let source = OceanSource(
            OceanSpecification(
                largestWavenumber: 1, smoothness: 1, inverseLength: 0, speed: 0.4, drifters: 3, times: 3, noise: 0.15),
            seed: 6)
        let model = source.drifterModel, tracks = source.tracks(.heldOut, [0, 1, 2]), m = source.prior.dimension
        let flows = source.flows(.training, Array(0..<200_000))
        for k in 0..<3 {
            let own = tracks.rows(k..<k + 1), search = VariationalFlowEstimate(own, of: model)
            let (estimate, density) = try search.estimate(from: [Double](repeating: 0, count: m))
            for i in 0..<m {
                for step in [-0.05, 0.05] {
                    var z = estimate.mean
                    z[i] += step
                    let likelihood = model.logLikelihoods(tracks: own, flows: Tensor([1, m], z.map(Float.init)))[0]
                    #expect(likelihood - 0.5 * z.reduce(0) { $0 + $1 * $1 } < density)
                }
            }
            let evidence = try TrackEvidence(
                own, of: model, near: estimate, count: 4_000, philox: Philox(seed: 2), number: UInt64(k))
            let likelihoods = model.logLikelihoods(tracks: own, flows: flows)
            let exact = LogSumExp.meanValue(likelihoods)
            let size = exp(2 * LogSumExp.value(likelihoods) - LogSumExp.value(likelihoods.map { 2 * $0 }))
            #expect(size > 30 && evidence.effectiveFlows > 200, "\(size), \(evidence.effectiveFlows)")
            let error = (1 / size + 1 / evidence.effectiveFlows).squareRoot()
            #expect(abs(evidence.logEvidence - exact) <= 4 * error, "\(evidence.logEvidence), \(exact), \(error)")
        }
    }

    /// log p - log q of the reference, against the densities in closed form.
    @Test func referenceGaussianHasItsDensity() throws {
        let covariance = Matrix(rows: 2, columns: 2, elements: [0.5, 0.2, 0.2, 0.4]), mean = [1.0, -0.5]
        let reference = try ReferenceGaussian(GaussianFlowEstimate(mean: mean, covariance: covariance))
        let wide = reference.marginal.covariance, factor = wide[0, 0] / covariance[0, 0], inverse = try wide.inverse()
        #expect(factor > 1 && (wide - factor * covariance).frobeniusNorm <= 1e-12)
        for z in [[0.3, 0.7], [2, -1]] as [[Float]] {
            let d = [Double(z[0]) - 1, Double(z[1]) + 0.5]
            let distance = d[0] * d[0] * inverse[0, 0] + 2 * d[0] * d[1] * inverse[0, 1] + d[1] * d[1] * inverse[1, 1]
            let determinant = wide[0, 0] * wide[1, 1] - wide[0, 1] * wide[1, 0]
            let exact = 0.5 * (distance + log(determinant) - Double(z[0] * z[0] + z[1] * z[1]))
            #expect(abs(reference.logPriorRatios(Tensor([1, 2], z))[0] - exact) <= 1e-6)
        }
    }

    /// Errors and scores of a Gaussian estimate, against a fine grid and against samples.
    @Test func estimatesAreScoredOverTheSquare() throws {
        let prior = OceanSpecification(largestWavenumber: 2).prior, m = prior.dimension
        let estimator = FlowEstimator(prior), normals = Philox(seed: 9).normals(2 * m, .evaluation, number: 0)
        let truth = normals[..<m].map(Double.init), mean = normals[m...].map { 0.5 * Double($0) }
        let gaussian = GaussianFlowEstimate(mean: mean, covariance: 0.3 * .identity(m))
        let estimate = estimator.estimate(gaussian, truth: truth)
        // Squares over the points of a grid that resolves all modes.
        let difference = Matrix(rows: m, columns: 1, elements: zip(mean, truth).map(-))
        func square(_ field: StreamFunctionPrior.Field, _ z: Matrix, _ unit: Double) -> Double {
            let norm = (prior.map(to: field, side: 16) * z).frobeniusNorm
            return unit * unit * norm * norm / 256
        }
        let psi = prior.streamFunctionDeviation, speed = prior.speed / 2.0.squareRoot()
        #expect(abs(estimate.squaredError / square(.streamFunction, difference, psi) - 1) <= 1e-9)
        #expect(abs(estimate.squaredVelocityError / square(.velocity, difference, speed) - 1) <= 1e-9)
        #expect(abs(estimate.variance / (0.3 * psi * psi) - 1) <= 1e-9)
        let flow = Matrix(rows: m, columns: 1, elements: truth), squares = estimator.squares(of: truth)
        #expect(abs(squares.streamFunction / square(.streamFunction, flow, psi) - 1) <= 1e-9)
        #expect(abs(squares.velocity / square(.velocity, flow, speed) - 1) <= 1e-9)
        // A discrete distribution of draws of the Gaussian has about its mean and score.
        let count = 4_000, noise = Philox(seed: 9).normals(count * m, .evaluation, number: 1)
        var draws = Matrix(rows: count, columns: m, elements: noise.map { 0.3.squareRoot() * Double($0) })
        for row in 0..<count { for i in 0..<m { draws[row, i] += mean[i] } }
        let discrete = estimator.estimate(
            draws, fields: estimator.fields(draws),
            weights: [Double](repeating: 1 / Double(count), count: count),
            truth: truth)
        #expect(
            abs(discrete.score / estimate.score - 1) <= 0.02 && abs(discrete.variance / estimate.variance - 1) <= 0.05)
        #expect(abs(discrete.squaredError / estimate.squaredError - 1) <= 0.05)
        // The mean of all queries: the prior has the error 1, and the spread of the truths.
        let summary = estimator.summary(.prior, [estimate], truths: [truth])
        #expect(abs(summary.figures.error - (estimate.squaredError / squares.streamFunction).squareRoot()) <= 1e-9)
    }
}
