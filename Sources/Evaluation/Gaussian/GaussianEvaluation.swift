import CoupletLosses
import CoupletTensors
import CoupletText

/// Compares linear encoders of a Gaussian pair with the closed form of their loss (Baptista, Stuart, Tran 2025, arXiv
/// 2505.24134).
///
/// Let k = min(e, n_u, n_v), `Ã = Cuu^½ GᵀH Cvv^½ / τ`, and (a_i, b_i) the canonical pairs of R. A common rotation of
/// both encoders changes no value. A bias shifts the conditional means, so it changes `conditionalMeanError` only.
public struct GaussianEvaluation: Equatable, Sendable {
    /// |Ã - Ã*|_F / |Ã*|_F, where Ã* is the closed form of the loss at rank e (`GaussianMinimizer`); nil if there is no
    /// closed form, or if u and v are independent, so that Ã* is zero.
    public let couplingError: Double?
    /// The k largest singular values of Ã.
    public let singularValues: [Double]
    /// The singular values of the closed form; nil if there is none.
    public let exactSingularValues: [Double]?
    /// The principal angles, in radians, descending, between the spaces of the first r left (right) singular vectors of
    /// Ã and of R; r is the number of correlations above 1e-9 among the first k. If the correlations e and e + 1 are
    /// equal, the space of R is not unique.
    public let firstAngles: [Double], secondAngles: [Double]
    /// √(E |m(v) - m*(v)|²_{Cuu⁻¹} / E |m*(v)|²_{Cuu⁻¹}) over v ~ N(0, Cvv), with m the learned and m* the exact
    /// conditional mean of u given v. Nil for the cosine, whose conditionals are not Gaussian, and if u and v are
    /// independent.
    public let conditionalMeanError: Double?
    /// The lowest conditional mean error of encoders of rank e: √(Σ_{i>e} σ_i² / Σ_i σ_i²); zero if e is at least the
    /// rank of R. The minimisers of inner product × conditional and of quadratic × conditional (1, 0) attain it; the
    /// minimisers of other losses do not.
    public let lowestConditionalMeanError: Double?
    /// g² and h²: the quadratic forms a_iᵀ G̃ᵀG̃ a_i and b_iᵀ H̃ᵀH̃ b_i of the first k canonical pairs of R, with G̃ =
    /// G Cuu^½/√τ and H̃ = H Cvv^½/√τ. Wrong directions change them. Nil unless the similarity is quadratic, because
    /// the other similarities do not determine them.
    public let firstGram: [Double]?, secondGram: [Double]?
    /// g² and h² of the closed form; nil if there is none.
    public let exactFirstGram: [Double]?, exactSecondGram: [Double]?

    /// - Throws: `LinearAlgebraError` if the encoders hold a NaN.
    public init(_ tilt: GaussianTilt, loss: any Loss) throws {
        let pair = tilt.pair, rank = min(tilt.first.rows, pair.correlations.count)
        let exact = GaussianMinimizer(pair, similarity: tilt.similarity, loss: loss, rank: rank)
        let coupling = tilt.coupling
        let (left, values, right) = try coupling.singularValueDecomposition()
        singularValues = Array(values.prefix(rank))
        exactSingularValues = exact?.singularValues
        couplingError = exact.flatMap { exact in
            let size = exact.coupling.frobeniusNorm
            return size > 1e-12 ? (coupling - exact.coupling).frobeniusNorm / size : nil
        }
        let r = pair.correlations.prefix(rank).count { $0 > 1e-9 }
        firstAngles = try Self.principalAngles(left.columns(first: r), pair.firstDirections.columns(first: r))
        secondAngles = try Self.principalAngles(right.columns(first: r), pair.secondDirections.columns(first: r))

        let signal = pair.whitenedCrossCovariance.frobeniusNorm
        if signal > 1e-12, let learned = try tilt.firstGivenSecond() {
            let map = pair.first.inverseRoot * learned.meanMap * pair.second.root - pair.whitenedCrossCovariance
            let learnedOffset = Matrix(rows: learned.offset.count, columns: 1, elements: learned.offset)
            let offset = pair.first.inverseRoot * learnedOffset
            let square = map.frobeniusNorm * map.frobeniusNorm + offset.frobeniusNorm * offset.frobeniusNorm
            conditionalMeanError = square.squareRoot() / signal
            lowestConditionalMeanError =
                pair.correlations.dropFirst(rank).reduce(0) { $0 + $1 * $1 }.squareRoot() / signal
        } else {
            conditionalMeanError = nil
            lowestConditionalMeanError = nil
        }
        if tilt.similarity == .quadratic {
            firstGram = Self.squaredLengths(tilt.whitenedFirst * pair.firstDirections.columns(first: rank))
            secondGram = Self.squaredLengths(tilt.whitenedSecond * pair.secondDirections.columns(first: rank))
        } else {
            firstGram = nil
            secondGram = nil
        }
        exactFirstGram = exact?.firstGram
        exactSecondGram = exact?.secondGram
    }

    /// Returns the angles between the column spaces of two matrices with orthonormal columns, descending. They come
    /// from cosines and sines, because an arc cosine alone is accurate to 1e-8 only (Knyazev and Argentati 2002).
    private static func principalAngles(_ a: Matrix, _ b: Matrix) throws -> [Double] {
        let overlap = a.transposed * b
        let cosines = try overlap.singularValueDecomposition().singularValues
        let sines = try (b - a * overlap).singularValueDecomposition().singularValues
        return zip(sines, cosines.reversed()).map { angle(sine: $0, cosine: $1) }
    }

    /// The angle in [0, π/2] with this sine and cosine, up to a common factor, both at least 0. The relative error is
    /// below 10⁻¹⁵.
    ///
    /// With the tangent t ≤ 1 of the angle or of its complement, atan t = 2 atan(t / (1 + √(1 + t²))), three times;
    /// then the power series up to t²¹.
    package static func angle(sine: Double, cosine: Double) -> Double {
        let larger = max(sine, cosine)
        guard larger > 0 else { return larger }
        var t = min(sine, cosine) / larger
        for _ in 0..<3 { t /= 1 + (1 + t * t).squareRoot() }
        var series = 0.0
        for n in stride(from: 21.0, through: 3, by: -2) { series = t * t * (1 / n - series) }
        let angle = 8 * (t - t * series)
        return sine <= cosine ? angle : 0.5 * .pi - angle
    }

    /// Returns the squared length of each column.
    private static func squaredLengths(_ a: Matrix) -> [Double] {
        (0..<a.columns).map { column in (0..<a.rows).reduce(0) { $0 + a[$1, column] * a[$1, column] } }
    }

    /// `subspace_angles` holds the first modality's angles, then the second's. Nil becomes null.
    var json: JSONValue {
        .object([
            ("coupling_error", .number(couplingError)), ("singular_values", .numbers(singularValues)),
            ("exact_singular_values", .numbers(exactSingularValues)),
            ("subspace_angles", .numbers(firstAngles + secondAngles)),
            ("conditional_mean_error", .number(conditionalMeanError)), ("first_gram", .numbers(firstGram)),
            ("second_gram", .numbers(secondGram)), ("exact_first_gram", .numbers(exactFirstGram)),
            ("exact_second_gram", .numbers(exactSecondGram)),
        ])
    }
}
