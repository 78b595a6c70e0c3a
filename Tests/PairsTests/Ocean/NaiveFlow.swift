import CoupletPairs
import CoupletTensors

/// The specifications that the tests of the source ocean use.
let oceanSpecifications: [OceanSpecification] = [
    .init(),
    .init(
        grid: 5, field: .velocity, largestWavenumber: 1, smoothness: 0, inverseLength: 2, drifters: 1, times: 1,
        noise: 0.05, stepsPerTime: 3),
    .init(
        grid: 12, field: .velocity, largestWavenumber: 4, smoothness: 1.5, inverseLength: 6, speed: 0.4, drifters: 5,
        times: 3, noise: 0.1, stepsPerTime: 4),
    .init(grid: 2, largestWavenumber: 2, smoothness: 2, speed: 0.1, drifters: 19, times: 2, noise: 0.3),
]

/// A flow in Double, evaluated from its coefficients term by term.
struct NaiveFlow {
    /// (x, y, a, b) of each mode.
    let modes: [(x: Double, y: Double, a: Double, b: Double)]

    /// - Parameter z: the numbers of one flow.
    init(_ z: [Float], _ prior: StreamFunctionPrior) {
        modes = prior.wavenumbers.indices.map { mode in
            let k = prior.wavenumbers[mode], deviation = prior.deviations[mode]
            return (Double(k.x), Double(k.y), deviation * Double(z[2 * mode]), deviation * Double(z[2 * mode + 1]))
        }
    }

    /// ψ = Σ a cos 2πk·x + b sin 2πk·x.
    func streamFunction(_ x: Double, _ y: Double) -> Double {
        var sum = 0.0
        for mode in modes {
            let angle = 2 * Double.pi * (mode.x * x + mode.y * y)
            sum += mode.a * cos(angle) + mode.b * sin(angle)
        }
        return sum
    }

    /// (-∂ψ/∂y, ∂ψ/∂x), by the derivatives of the terms.
    func velocity(_ point: SIMD2<Double>) -> SIMD2<Double> {
        var sum = SIMD2<Double>(0, 0)
        for mode in modes {
            let angle = 2 * Double.pi * (mode.x * point.x + mode.y * point.y)
            let slope = 2 * Double.pi * (mode.b * cos(angle) - mode.a * sin(angle))
            sum += SIMD2(-mode.y * slope, mode.x * slope)
        }
        return sum
    }

    /// (-∂ψ/∂y, ∂ψ/∂x), by central differences of ψ.
    func differencedVelocity(_ x: Double, _ y: Double) -> SIMD2<Double> {
        let h = 1e-5
        return SIMD2(
            (streamFunction(x, y - h) - streamFunction(x, y + h)) / (2 * h),
            (streamFunction(x + h, y) - streamFunction(x - h, y)) / (2 * h))
    }

    /// The positions at the start and at each time, by the Runge–Kutta method of order 4.
    func track(from start: SIMD2<Double>, times: Int, stepsPerTime: Int) -> [SIMD2<Double>] {
        let h = 1 / Double(times * stepsPerTime), half = 0.5 * h, sixth = h / 6
        var point = start, result = [start]
        for _ in 0..<times {
            for _ in 0..<stepsPerTime {
                let k1 = velocity(point), k2 = velocity(point + half * k1)
                let k3 = velocity(point + half * k2), k4 = velocity(point + h * k3)
                let middle = k2 + k3
                point += sixth * (k1 + middle + middle + k4)
            }
            result.append(point)
        }
        return result
    }
}

/// The flows of rows z, N × m.
func naiveFlows(_ z: Tensor, _ prior: StreamFunctionPrior) -> [NaiveFlow] {
    (0..<z.rows).map { NaiveFlow(z.rows($0..<$0 + 1).values, prior) }
}

/// The starts of tracks, N × D × 2.
func starts(of tracks: Tensor) -> Tensor {
    let (sets, drifters, numbers) = (tracks.shape[0], tracks.shape[1], 2 * tracks.shape[2])
    let starts = Tensor([sets, drifters, 2])
    for i in 0..<sets * drifters {
        for axis in 0..<2 { starts[2 * i + axis] = tracks[i * numbers + axis] }
    }
    return starts
}
