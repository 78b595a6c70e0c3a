import CoupletNetworks
import CoupletTensors
import Testing

/// Compares a layer or an encoder in Float32 with a reference in Double: the output, and every gradient of the scalar
/// Σ y · weights with central differences of the reference.
enum GradientCheck {
    /// |a - b| ≤ limit (1 + max |b|); NaN fails.
    static func close(_ a: [Float], _ b: [Double], limit: Double) -> Bool {
        guard a.count == b.count else { return false }
        let largest = b.reduce(0) { max($0, abs($1)) }
        return zip(a, b).allSatisfy { abs(Double($0) - $1) <= limit * (1 + largest) }
    }

    /// Whether `gradient` is the gradient of `function` at `x`, by central differences: at about `entries` evenly
    /// spaced entries of `x`, and along random directions.
    static func isGradient(
        _ gradient: [Float], _ x: [Double], limit: Double, entries count: Int = 60, directions: Int = 5,
        step: Double = 1e-5, of function: ([Double]) -> Double
    ) -> Bool {
        guard gradient.count == x.count else { return false }
        func slope(_ direction: [Double]) -> Double {
            let up = zip(x, direction).map { $0 + step * $1 }, down = zip(x, direction).map { $0 - step * $1 }
            return (function(up) - function(down)) / (2 * step)
        }
        let entries = Array(Swift.stride(from: 0, to: x.count, by: max(1, x.count / count)))
        let single = entries.map { entry in slope(x.indices.map { $0 == entry ? 1 : 0 }) }
        let directions = (0..<directions).map { normal([x.count], 900 + $0).values.map(Double.init) }
        let length = dot(gradient.map(Double.init), gradient.map(Double.init)).squareRoot()
        return close(entries.map { gradient[$0] }, single, limit: limit)
            && directions.allSatisfy { abs(dot(gradient.map(Double.init), $0) - slope($0)) <= limit * (1 + length) }
    }

    static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    /// Checks a layer at random points. `reference` maps (input, parameters) to the output.
    static func check(
        _ layer: some Layer, rows: Int, input given: Tensor? = nil, inputHasGradient: Bool = true, limit: Double = 2e-5,
        context: LayerContext = .evaluation(), reference: ([Double], [[Double]]) -> [Double]
    ) {
        let input = given ?? normal([rows] + layer.inputShape, 1)
        let parameters = layer.parameterShapes.enumerated().map { normal($1.shape, 10 + $0) }
        let weights = normal([rows] + layer.outputShape, 2)
        let run = LayerRun(
            layer, rows: rows, input: input, parameters: parameters, outputGradient: weights, context: context)

        let x = input.values.map(Double.init), p = parameters.map { $0.values.map(Double.init) },
            w = weights.values.map(Double.init)
        #expect(close(run.output.values, reference(x, p), limit: limit), "output of \(layer)")
        if inputHasGradient {
            let isCorrect = isGradient(run.inputGradient.values, x, limit: limit) { dot(reference($0, p), w) }
            #expect(isCorrect, "input gradient of \(layer)")
        }
        for index in p.indices {
            let isCorrect = isGradient(run.parameterGradients[index].values, p[index], limit: limit) { moved in
                var all = p
                all[index] = moved
                return dot(reference(x, all), w)
            }
            #expect(isCorrect, "gradient of parameter \(index) of \(layer)")
        }
    }

    static func normal(_ shape: [Int], _ number: Int) -> Tensor {
        let tensor = Tensor(shape)
        Philox(seed: 7).fillNormal(tensor, .training, number: UInt64(number))
        return tensor
    }
}

/// One forward and backward of a layer. All its memory holds NaN beforehand, so a read of stale values fails the test.
struct LayerRun {
    let output: Tensor
    let inputGradient: Tensor
    let parameterGradients: [Tensor]

    /// - Parameter shift: offset of every tensor from its alignment, in floats.
    init(
        _ layer: some Layer, rows: Int, input: Tensor, parameters: [Tensor], outputGradient: Tensor, shift: Int = 0,
        context: LayerContext = .evaluation()
    ) {
        func filledWithNaN(_ shape: [Int]) -> Tensor {
            let count = shape.reduce(1, *), whole = Tensor([count + shift])
            whole.fill(.nan)
            return whole.flat(shift..<(shift + count)).reshaped(shape)
        }
        func moved(_ tensor: Tensor) -> Tensor {
            let copy = filledWithNaN(tensor.shape)
            copy.copy(from: tensor)
            return copy
        }
        let input = moved(input), parameters = parameters.map(moved)
        let savedForBackward = filledWithNaN([layer.savedForBackwardCount(rows: rows)])
        let scratch = filledWithNaN([layer.scratchCount(rows: rows)])
        output = filledWithNaN([rows] + layer.outputShape)
        inputGradient = filledWithNaN([rows] + layer.inputShape)
        parameterGradients = parameters.map { filledWithNaN($0.shape) }
        layer.forward(
            input, parameters: parameters, output: output, savedForBackward: savedForBackward, scratch: scratch,
            context: context)
        scratch.fill(.nan)
        layer.backward(
            input: input, output: output, outputGradient: moved(outputGradient), parameters: parameters,
            parameterGradients: parameterGradients, inputGradient: inputGradient, savedForBackward: savedForBackward,
            scratch: scratch, context: context)
    }
}
