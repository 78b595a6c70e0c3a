import CCoupletKernels
import CoupletTensors

/// The prior of the flow: a Gaussian random stream function on the periodic square [0, 1)².
///
/// `ψ(x) = Σ_k a_k cos 2πk·x + b_k sin 2πk·x`. The sum has the wavenumbers 0 < |k| ≤ K of a half-plane.
///
/// - Coefficients: `a_k, b_k ~ N(0, s_k²)`, independent.
/// - Variances: `s_k² ∝ (|2πk|² + λ²)^{-(s+1)}`, a form of the Matérn covariance.
/// - Scale: `Σ_k |2πk|² s_k² = E|u|²`, the given mean square of the velocity `u = (-∂ψ/∂y, ∂ψ/∂x)`.
///
/// A flow is written as z, m standard normal numbers: z_{2j} = a_k / s_k and z_{2j+1} = b_k / s_k for the j-th
/// wavenumber k. Lengths are in units of the square's side, times in units of the observed window.
public struct StreamFunctionPrior: Equatable, Sendable {
    /// A wavenumber k = (x, y): the mode has x periods in x, and y periods in y.
    public struct Wavenumber: Equatable, Sendable {
        public let x: Int, y: Int
        /// |2πk|².
        package var squaredAngularWavenumber: Double { 4 * Double.pi * Double.pi * Double(x * x + y * y) }
    }

    /// A half-plane of the disc |k| ≤ K: x > 0, or x = 0 and y > 0; by x, then by y.
    public let wavenumbers: [Wavenumber]
    /// s_k of each wavenumber.
    public let deviations: [Double]

    /// Upper limit of K. At this limit a flow has 796 numbers.
    public static let largestWavenumber = Int(COUPLET_LARGEST_WAVENUMBER)

    /// - Parameters:
    ///   - largestWavenumber: K, from 1 to `largestWavenumber`.
    ///   - smoothness: s.
    ///   - inverseLength: λ.
    ///   - speed: the root of E|u|², in sides of the square per window.
    public init(largestWavenumber: Int, smoothness: Double, inverseLength: Double, speed: Double) {
        precondition((1...Self.largestWavenumber).contains(largestWavenumber), "wavenumbers up to \(largestWavenumber)")
        let all = (0...largestWavenumber).flatMap { x in
            (-largestWavenumber...largestWavenumber).map { Wavenumber(x: x, y: $0) }
        }
        wavenumbers = all.filter {
            ($0.x > 0 || $0.y > 0) && $0.x * $0.x + $0.y * $0.y <= largestWavenumber * largestWavenumber
        }
        // Relative to the first mode, so that no power overflows.
        let first = 4 * Double.pi * Double.pi + inverseLength * inverseLength
        let variances = wavenumbers.map {
            pow(($0.squaredAngularWavenumber + inverseLength * inverseLength) / first, -(smoothness + 1))
        }
        let energy = zip(wavenumbers, variances).reduce(0) { $0 + $1.0.squaredAngularWavenumber * $1.1 }
        deviations = variances.map { speed * ($0 / energy).squareRoot() }
    }

    /// m, the dimension of the flow: 28 for K = 3.
    public var dimension: Int { 2 * wavenumbers.count }
    /// The standard deviation of ψ at any point: `√(Σ_k s_k²)`.
    public var streamFunctionDeviation: Double { deviations.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    /// The root of E|u|².
    public var speed: Double {
        zip(wavenumbers, deviations).reduce(0) { $0 + $1.0.squaredAngularWavenumber * $1.1 * $1.1 }.squareRoot()
    }

    /// What a grid shows of a flow.
    public enum Field: String, CaseIterable, Sendable {
        /// ψ.
        case streamFunction = "stream_function"
        /// (-∂ψ/∂y, ∂ψ/∂x).
        case velocity

        var channels: Int { self == .streamFunction ? 1 : 2 }
    }

    /// The linear map from z to the field on a grid: (channels · side · side) × m, in units of the field's standard
    /// deviation (of each component, for the velocity). Row (c · side + i) · side + j is component c at x = j / side,
    /// y = i / side.
    public func map(to field: Field, side: Int) -> Matrix {
        var map = Matrix(rows: field.channels * side * side, columns: dimension)
        let unit = field == .streamFunction ? streamFunctionDeviation : speed / 2.0.squareRoot()
        let angles = (0..<side).map { 2 * Double.pi * Double($0) / Double(side) }
        let cosines = angles.map { cos($0) }, sines = angles.map { sin($0) }
        for (mode, (k, deviation)) in zip(wavenumbers, deviations).enumerated() {
            for i in 0..<side {
                for j in 0..<side {
                    let turn = (k.x * j + k.y * i) % side, angle = turn < 0 ? turn + side : turn
                    let cosine = cosines[angle] * deviation / unit, sine = sines[angle] * deviation / unit
                    let point = i * side + j
                    switch field {
                    case .streamFunction: (map[point, 2 * mode], map[point, 2 * mode + 1]) = (cosine, sine)
                    case .velocity:
                        let other = side * side + point, x = 2 * Double.pi * Double(k.x),
                            y = 2 * Double.pi * Double(k.y)
                        (map[point, 2 * mode], map[point, 2 * mode + 1]) = (y * sine, -y * cosine)
                        (map[other, 2 * mode], map[other, 2 * mode + 1]) = (-x * sine, x * cosine)
                    }
                }
            }
        }
        return map
    }
}
