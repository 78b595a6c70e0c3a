import Networks
import Tensors
import Testing

/// Compares a layer, or a whole encoder, in Float32 with a twin in Double: the output, and every gradient of the scalar
/// Σ y · weights against central differences of the twin.
enum GradientCheck {
    /// |a - b| ≤ limit (1 + max |b|), NaN fails.
    static func close(_ a: [Float], _ b: [Double], limit: Double) -> Bool {
        guard a.count == b.count else { return false }
        let largest = b.reduce(0) { max($0, abs($1)) }
        return zip(a, b).allSatisfy { abs(Double($0) - $1) <= limit * (1 + largest) }
    }

    /// The gradient of `function` at `x`, by central differences.
    static func differences(_ x: [Double], step: Double = 1e-5, _ function: ([Double]) -> Double) -> [Double] {
        x.indices.map { i in
            var moved = x
            moved[i] = x[i] + step
            let up = function(moved)
            moved[i] = x[i] - step
            return (up - function(moved)) / (2 * step)
        }
    }

    static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    /// Checks a layer at random points. `twin` maps (input, parameters) to the output.
    static func check(
        _ layer: some Layer, rows: Int, input given: Tensor? = nil, inputHasGradient: Bool = true, limit: Double = 2e-5,
        twin: ([Double], [[Double]]) -> [Double]
    ) {
        let input = given ?? normal([rows] + layer.inputShape, 1)
        let parameters = layer.parameterShapes.enumerated().map { normal($1.shape, 10 + $0) }
        let weights = normal([rows] + layer.outputShape, 2)
        let run = LayerRun(layer, rows: rows, input: input, parameters: parameters, outputGradient: weights)

        let x = input.values.map(Double.init), p = parameters.map { $0.values.map(Double.init) }, w = weights.values.map(Double.init)
        #expect(close(run.output.values, twin(x, p), limit: limit), "output of \(layer)")
        if inputHasGradient {
            let expected = differences(x) { dot(twin($0, p), w) }
            #expect(close(run.inputGradient.values, expected, limit: limit), "input gradient of \(layer)")
        }
        for index in p.indices {
            let expected = differences(p[index]) { moved in
                var all = p
                all[index] = moved
                return dot(twin(x, all), w)
            }
            #expect(close(run.parameterGradients[index].values, expected, limit: limit), "gradient of parameter \(index) of \(layer)")
        }
    }

    static func normal(_ shape: [Int], _ number: Int) -> Tensor {
        let tensor = Tensor(shape)
        Philox(seed: 7).fillNormal(tensor, .training, number: UInt64(number))
        return tensor
    }
}
