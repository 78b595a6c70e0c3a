import CCoupletKernels
import CoupletTensors

/// Drifters in a flow, and their likelihood: `dX/dt = u(X)` from the observed starts by the classical Runge–Kutta
/// method of order 4, positions observed at the times t_j = j / T, j = 1 … T, with independent Gaussian noise of
/// standard deviation σ in x and in y.
///
/// Tracks are unwrapped: a drifter that leaves the square at x = 1 goes on to x > 1. A set of tracks is D × (T + 1) × 2
/// numbers, (x, y) of each drifter at its start, which is exact, and at each time.
public struct DrifterModel: Sendable {
    public let prior: StreamFunctionPrior
    /// D and T.
    public let drifters: Int, times: Int
    /// σ.
    public let noise: Double
    /// Number of Runge–Kutta steps from one observed time to the next.
    public let stepsPerTime: Int

    /// (x, y) of each wavenumber.
    private let wavenumbers: [Int32]
    /// 2π s_k of each coefficient.
    private let scales: [Float]
    /// Flows integrated at a time. Their tracks stay in the cache.
    private static let flowsPerBlock = 64

    public init(_ prior: StreamFunctionPrior, drifters: Int, times: Int, noise: Double, stepsPerTime: Int) {
        precondition(drifters > 0 && times > 0 && stepsPerTime > 0, "\(drifters) drifters, \(times) times")
        self.prior = prior
        self.drifters = drifters
        self.times = times
        self.noise = noise
        self.stepsPerTime = stepsPerTime
        wavenumbers = prior.wavenumbers.flatMap { [Int32($0.x), Int32($0.y)] }
        scales = prior.deviations.flatMap { deviation in
            let scale = Float(2 * Double.pi * deviation)
            return [scale, scale]
        }
    }

    /// Numbers of a set of tracks: D · (T + 1) · 2.
    public var trackNumbers: Int { drifters * (times + 1) * 2 }

    /// Integrates the tracks, without noise.
    /// - Parameters:
    ///   - flows: z, N × m.
    ///   - starts: N × D × 2.
    /// - Returns: N × D × (T + 1) × 2.
    public func positions(flows: Tensor, starts: Tensor) -> Tensor {
        let positions = Tensor([flows.rows, drifters, times + 1, 2])
        integrate(flows: flows.pointer, count: flows.rows, stride: prior.dimension, starts.pointer, positions.pointer)
        return positions
    }

    /// Returns log p(tracks | flow) for each flow, without the constant -D T log(2πσ²):
    /// `-1/(2σ²) Σ |observed - integrated|²` over drifters and times, for the flow's tracks from the observed starts.
    /// - Parameters:
    ///   - tracks: one set of tracks, D × (T + 1) × 2.
    ///   - flows: z, N × m.
    public func logLikelihoods(tracks: Tensor, flows: Tensor) -> [Double] {
        precondition(tracks.count == trackNumbers, "tracks \(tracks.shape)")
        precondition(flows.columns == prior.dimension, "flows \(flows.shape)")
        let rows = min(Self.flowsPerBlock, flows.rows), starts = Tensor([max(rows, 1), drifters, 2])
        for row in 0..<rows {
            for drifter in 0..<drifters {
                for axis in 0..<2 {
                    starts[(row * drifters + drifter) * 2 + axis] = tracks[drifter * 2 * (times + 1) + axis]
                }
            }
        }
        let positions = Tensor([max(rows, 1), trackNumbers])
        var result = [Double](repeating: 0, count: flows.rows)
        for first in stride(from: 0, to: flows.rows, by: Self.flowsPerBlock) {
            let count = min(rows, flows.rows - first)
            integrate(
                flows: flows.pointer + first * prior.dimension, count: count, stride: prior.dimension, starts.pointer,
                positions.pointer)
            result.withUnsafeMutableBufferPointer {
                couplet_drifter_misfits(
                    count, trackNumbers, positions.pointer, tracks.pointer, $0.baseAddress! + first)
            }
        }
        let factor = -0.5 / (noise * noise)
        return result.map { factor * $0 }
    }

    /// - Parameters:
    ///   - flows: z of `count` flows; flow i begins at i · `stride`.
    ///   - starts: count × D × 2.
    ///   - positions: the result, count × D × (T + 1) × 2.
    func integrate(
        flows: UnsafePointer<Float>, count: Int, stride: Int, _ starts: UnsafePointer<Float>,
        _ positions: UnsafeMutablePointer<Float>
    ) {
        let dimension = prior.dimension, most = Self.flowsPerBlock
        withUnsafeTemporaryAllocation(of: Float.self, capacity: most * dimension) { coefficients in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: most * drifters) { numbers in
                for i in 0..<most * drifters { numbers[i] = UInt32(i / drifters) }
                for first in Swift.stride(from: 0, to: count, by: most) {
                    let present = min(most, count - first)
                    for row in 0..<present {
                        for i in 0..<dimension {
                            coefficients[row * dimension + i] = flows[(first + row) * stride + i] * scales[i]
                        }
                    }
                    couplet_drifter_positions(
                        prior.wavenumbers.count, wavenumbers, coefficients.baseAddress, present * drifters,
                        numbers.baseAddress, starts + first * drifters * 2, times, stepsPerTime,
                        1 / Float(times * stepsPerTime), positions + first * trackNumbers)
                }
            }
        }
    }
}
