import CoupletPairs
import CoupletTensors

/// A Gaussian estimate N(mean, covariance) of a flow's normal numbers z.
public struct GaussianFlowEstimate: Sendable {
    /// m numbers.
    public let mean: [Double]
    /// m × m.
    public let covariance: Matrix

    /// The posterior of z ~ N(0, I) given `y = H z + ε`, ε ~ N(0, σ² I): precision `I + HᵀH/σ²`, mean `C Hᵀy/σ²`.
    /// - Parameters:
    ///   - map: H.
    ///   - data: y.
    ///   - noise: σ.
    /// - Throws: `LinearAlgebraError` if a number is not finite.
    package init(map: Matrix, data: [Double], noise: Double) throws {
        let weight = 1 / (noise * noise)
        var product = Matrix(rows: map.columns, columns: map.columns)
        product.setProduct(map, map, firstTransposed: true)
        covariance = try (.identity(map.columns) + weight * product).inverse()
        var right = Matrix(rows: map.columns, columns: 1)
        right.setProduct(map, Matrix(rows: data.count, columns: 1, elements: data), firstTransposed: true)
        mean = (weight * (covariance * right)).elements
    }

    package init(mean: [Double], covariance: Matrix) {
        self.mean = mean
        self.covariance = covariance
    }
}

/// The linear-Gaussian estimate of a flow from observed tracks: kriging of the stream function from finite-difference
/// velocities along the tracks (optimal interpolation; Bretherton, Davis, Fandry, *A Technique for Objective Analysis
/// and Design of Oceanographic Experiments*, Deep-Sea Research 1976).
///
/// The velocity of a drifter between two observed times is `(x_{j+1} - x_j)/Δ = u(p_j) + (ε_{j+1} - ε_j)/Δ` at the
/// midpoint `p_j = ½ (x_j + x_{j+1})` of the two observed positions. u is linear in z, so z given the velocities is
/// Gaussian. The noise of neighbouring velocities has the correlation -½, and ε_0 = 0, because the start is exact. Sums
/// of the first j velocities have independent noise instead: `x_j - x_0 = Δ Σ_{i<j} u(p_i) + ε_j`. That is an
/// invertible map of the data, so the estimate is the same.
///
/// Its errors: the drifters were not at the midpoints of noisy positions, and their velocity changes between two times.
/// For small displacements both vanish and the estimate is the exact posterior.
package enum TrackKriging {
    /// - Parameter tracks: observed, D × (T + 1) × 2.
    /// - Throws: `LinearAlgebraError` if a number is not finite.
    package static func estimate(_ tracks: Tensor, of model: DrifterModel) throws -> GaussianFlowEstimate {
        let (drifters, times, m) = (model.drifters, model.times, model.prior.dimension)
        precondition(tracks.count == model.trackNumbers, "tracks \(tracks.shape)")
        let interval = 1 / Double(times)
        var map = Matrix(rows: drifters * times * 2, columns: m), data: [Double] = []
        func position(_ drifter: Int, _ time: Int, _ axis: Int) -> Double {
            Double(tracks[(drifter * (times + 1) + time) * 2 + axis])
        }
        for drifter in 0..<drifters {
            var sum = Matrix(rows: 2, columns: m)
            for time in 1...times {
                let midpoint = (0..<2).map { 0.5 * (position(drifter, time - 1, $0) + position(drifter, time, $0)) }
                sum = sum + interval * velocityMap(of: model.prior, x: midpoint[0], y: midpoint[1])
                for axis in 0..<2 {
                    let row = data.count
                    for i in 0..<m { map[row, i] = sum[axis, i] }
                    data.append(position(drifter, time, axis) - position(drifter, 0, axis))
                }
            }
        }
        return try GaussianFlowEstimate(map: map, data: data, noise: model.noise)
    }

    /// The linear map from z to the velocity (-∂ψ/∂y, ∂ψ/∂x) at a point, 2 × m.
    package static func velocityMap(of prior: StreamFunctionPrior, x: Double, y: Double) -> Matrix {
        var map = Matrix(rows: 2, columns: prior.dimension)
        for (mode, (k, deviation)) in zip(prior.wavenumbers, prior.deviations).enumerated() {
            let turns = Double(k.x) * x + Double(k.y) * y, angle = 2 * Double.pi * (turns - turns.rounded(.down))
            let scale = 2 * Double.pi * deviation, (cosine, sine) = (scale * cos(angle), scale * sin(angle))
            (map[0, 2 * mode], map[0, 2 * mode + 1]) = (Double(k.y) * sine, -Double(k.y) * cosine)
            (map[1, 2 * mode], map[1, 2 * mode + 1]) = (-Double(k.x) * sine, Double(k.x) * cosine)
        }
        return map
    }
}
