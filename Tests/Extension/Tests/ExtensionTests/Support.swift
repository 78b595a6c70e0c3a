import Couplet

/// A tensor of independent standard normal numbers.
func normalTensor(_ shape: [Int], number: UInt64) -> Tensor {
    let tensor = Tensor(shape)
    Philox(seed: 3).fillNormal(tensor, .training, number: number)
    return tensor
}

/// The largest relative difference between a gradient and the central differences of a value.
/// - Parameter tensors: the arguments of the value, each with its gradient.
func gradientError(_ tensors: [(argument: Tensor, gradient: Tensor)], _ value: () throws -> Double) rethrows -> Double {
    var largest = 0.0
    for (argument, gradient) in tensors {
        for i in 0..<argument.count {
            let start = argument[i], step: Float = 0.01
            argument[i] = start + step
            let above = try value()
            argument[i] = start - step
            let below = try value()
            argument[i] = start
            let exact = Double(gradient[i])
            largest = max(largest, abs((above - below) / (2 * Double(step)) - exact) / (1 + abs(exact)))
        }
    }
    return largest
}

/// Runs a function on each of some threads, and returns the result of the first one.
func runWorkers<Result>(_ threads: Int, _ body: @Sendable (any Communicator) throws -> Result) throws -> Result {
    try WorkerGroup.launch(exitCode: { _ in 70 }).run(threads: threads, body)
}
