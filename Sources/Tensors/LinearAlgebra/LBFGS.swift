/// Minimises a smooth function of many variables by limited-memory BFGS (Liu and Nocedal, *On the Limited Memory BFGS
/// Method for Large Scale Optimization*, Mathematical Programming 45, 1989).
///
/// A bisection finds a step along each direction that satisfies the weak Wolfe conditions (Lewis and Overton,
/// *Nonsmooth Optimization via Quasi-Newton Methods*, Mathematical Programming 141, 2013). All arithmetic is in Double.
/// If the function has the same bits on every CPU, so has the result.
public struct LBFGS: Sendable {
    /// Number of pairs (step, gradient change) that approximate the inverse Hessian.
    public var memory = 10
    public var maximumIterations = 1_000
    /// Convergence threshold: the gradient's norm over the larger of 1 and the point's norm.
    public var tolerance = 1e-9

    public init() {}

    /// The last point of a minimisation.
    public struct Result: Sendable {
        public let point: [Double]
        /// The function at `point`.
        public let value: Double
        /// The Euclidean norm of the gradient at `point`.
        public let gradientNorm: Double
        /// Number of steps taken.
        public let iterations: Int
        /// Whether the tolerance is met, or rounding in Double prevents further progress.
        public let hasConverged: Bool
    }

    /// Finds a local minimum, in at most `maximumIterations` steps.
    /// - Parameters:
    ///   - start: a point where the function is finite.
    ///   - function: returns the value at a point and writes the gradient to the second argument. Infinity or NaN
    ///     shortens the step.
    public func minimize(from start: [Double], _ function: ([Double], inout [Double]) throws -> Double) rethrows
        -> Result
    {
        var point = start, gradient = [Double](repeating: 0, count: start.count)
        var value = try function(point, &gradient)
        var steps: [[Double]] = [], changes: [[Double]] = []
        for iteration in 0..<maximumIterations {
            let norm = Self.dot(gradient, gradient).squareRoot()
            if norm <= tolerance * max(1, Self.dot(point, point).squareRoot()) {
                return Result(point: point, value: value, gradientNorm: norm, iterations: iteration, hasConverged: true)
            }
            var direction = Self.direction(gradient, steps, changes)
            if !(Self.dot(direction, gradient) < 0) {
                steps.removeAll()
                changes.removeAll()
                direction = gradient.map { -$0 }
            }
            let initialLength = steps.isEmpty ? min(1, 1 / norm) : 1
            guard
                let found = try Self.search(
                    point, value, gradient, direction, initialLength: initialLength, function)
            else {
                // No step decreases the function: its rounding error is reached.
                return Result(
                    point: point, value: value, gradientNorm: norm, iterations: iteration, hasConverged: !steps.isEmpty)
            }
            let step = zip(found.point, point).map(-), change = zip(found.gradient, gradient).map(-)
            if Self.dot(step, change) > 1e-300 {
                steps.append(step)
                changes.append(change)
                if steps.count > memory {
                    steps.removeFirst()
                    changes.removeFirst()
                }
            }
            (point, value, gradient) = found
        }
        return Result(
            point: point, value: value, gradientNorm: Self.dot(gradient, gradient).squareRoot(),
            iterations: maximumIterations, hasConverged: false)
    }

    /// The two-loop recursion: minus the approximate inverse Hessian times the gradient.
    private static func direction(_ gradient: [Double], _ steps: [[Double]], _ changes: [[Double]]) -> [Double] {
        var q = gradient.map { -$0 }, factors: [Double] = []
        for (step, change) in zip(steps, changes).reversed() {
            let factor = dot(step, q) / dot(step, change)
            factors.append(factor)
            for i in q.indices { q[i] -= factor * change[i] }
        }
        if let step = steps.last, let change = changes.last {
            let scale = dot(step, change) / dot(change, change)
            for i in q.indices { q[i] *= scale }
        }
        for ((step, change), factor) in zip(zip(steps, changes), factors.reversed()) {
            let correction = factor - dot(change, q) / dot(step, change)
            for i in q.indices { q[i] += correction * step[i] }
        }
        return q
    }

    /// Finds a point along a descent direction that satisfies the weak Wolfe conditions; nil if no point decreases the
    /// function.
    private static func search(
        _ point: [Double], _ value: Double, _ gradient: [Double], _ direction: [Double], initialLength: Double,
        _ function: ([Double], inout [Double]) throws -> Double
    ) rethrows -> (point: [Double], value: Double, gradient: [Double])? {
        let slope = dot(gradient, direction)
        var length = initialLength, low = 0.0, high = Double.infinity
        var best: (point: [Double], value: Double, gradient: [Double])?
        var trialGradient = gradient
        for _ in 0..<60 {
            let trial = zip(point, direction).map { $0 + length * $1 }
            let trialValue = try function(trial, &trialGradient)
            if !(trialValue <= value + 1e-4 * length * slope) {
                high = length
            } else {
                best = (trial, trialValue, trialGradient)
                if dot(trialGradient, direction) >= 0.9 * slope { return best }
                low = length
            }
            length = high.isFinite ? 0.5 * (low + high) : 2 * length
        }
        return best.flatMap { $0.value < value ? $0 : nil }
    }

    private static func dot(_ x: [Double], _ y: [Double]) -> Double {
        var sum = 0.0
        for i in x.indices { sum += x[i] * y[i] }
        return sum
    }
}
