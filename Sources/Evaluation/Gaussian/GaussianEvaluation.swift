import CoupletLosses
import CoupletTensors
import CoupletText

#if canImport(Glibc)
    import Glibc
#endif

/// What linear encoders have learned of a Gaussian pair, beside what they should have (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
///
/// With k = min(e, n_u, n_v), `Ã = Cuu^½ GᵀH Cvv^½ / τ` and R's canonical pairs (a_i, b_i). A common rotation of both encoders,
/// or a bias, changes none of the figures but one: a bias shifts conditional means and so adds to `conditionalMeanError`.
public struct GaussianEvaluation: Equatable, Sendable {
    /// |Ã - Ã*|_F / |Ã*|_F, Ã* the closed form of the loss at rank e (`GaussianMinimizer`); nil where there is none, or where u and v are
    /// independent and Ã* is zero.
    public let couplingError: Double?
    /// Ã's k largest singular values, and those of the closed form; nil where there is none.
    public let singularValues: [Double], exactSingularValues: [Double]?
    /// The principal angles, in radians, descending, between the spaces of Ã's first r left (right) singular vectors and those
    /// of R; r counts the correlations above 1e-9 among the first k. Where the correlations at places e and e + 1 are equal,
    /// R's space is not determined.
    public let firstAngles: [Double], secondAngles: [Double]
    /// √(E |m(v) - m*(v)|²_{Cuu⁻¹} / E |m*(v)|²_{Cuu⁻¹}) over v ~ N(0, Cvv), m the learned and m* the exact conditional mean of
    /// u given v. Nil for the cosine, whose conditionals are not Gaussian, and where u and v are independent.
    public let conditionalMeanError: Double?
    /// The least conditional mean error of any encoders of rank e: √(Σ_{i>e} σ_i² / Σ_i σ_i²); zero where e reaches the rank of
    /// R. The minimisers of inner product × conditional and of quadratic × conditional (1, 0) have it, those of other losses
    /// have more.
    public let lowestConditionalMeanError: Double?
    /// g² and h²: the quadratic forms a_iᵀ G̃ᵀG̃ a_i and b_iᵀ H̃ᵀH̃ b_i, G̃ = G Cuu^½/√τ, along R's first k canonical pairs, so
    /// that they tell wrong directions as well. Nil but for the quadratic similarity: the others do not determine them.
    public let firstGram: [Double]?, secondGram: [Double]?
    /// Those of the closed form; nil where there is none.
    public let exactFirstGram: [Double]?, exactSecondGram: [Double]?

    /// - Throws: `LinearAlgebraError` where the encoders hold a NaN.
    public init(_ tilt: GaussianTilt, loss: Loss) throws {
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
        let known = pair.correlations.prefix(rank).count { $0 > 1e-9 }
        firstAngles = try Self.principalAngles(left.columns(first: known), pair.firstDirections.columns(first: known))
        secondAngles = try Self.principalAngles(
            right.columns(first: known), pair.secondDirections.columns(first: known))

        let signal = pair.whitenedCrossCovariance.frobeniusNorm
        if signal > 1e-12, let learned = try tilt.firstGivenSecond() {
            let map = pair.first.inverseRoot * learned.meanMap * pair.second.root - pair.whitenedCrossCovariance
            let offset =
                pair.first.inverseRoot * Matrix(rows: learned.offset.count, columns: 1, elements: learned.offset)
            conditionalMeanError = hypot(map.frobeniusNorm, offset.frobeniusNorm) / signal
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

    /// The angles between the column spaces of two matrices with orthonormal columns, descending: from cosines and sines both,
    /// for an arc cosine alone is good to 1e-8 only (Knyazev and Argentati 2002).
    static func principalAngles(_ a: Matrix, _ b: Matrix) throws -> [Double] {
        let overlap = a.transposed * b
        let cosines = try overlap.singularValueDecomposition().singularValues
        let sines = try (b - a * overlap).singularValueDecomposition().singularValues
        return zip(sines, cosines.reversed()).map { atan2($0, $1) }
    }

    private static func squaredLengths(_ a: Matrix) -> [Double] {
        (0..<a.columns).map { column in (0..<a.rows).reduce(0) { $0 + a[$1, column] * a[$1, column] } }
    }

    /// `subspace_angles` holds the first modality's angles, then the second's. What is nil is null.
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
