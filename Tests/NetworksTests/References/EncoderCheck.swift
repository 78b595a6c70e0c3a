import CoupletNetworks
import CoupletTensors
import Testing

/// Runs encoders and compares them with references.
enum EncoderCheck {
    struct Run {
        let output: Tensor
        let gradient: Tensor
        /// Layer numbers in the order in which backward completed them.
        var order: [Int] = []
    }

    /// Forward and backward of one shard with one slot of a workspace. Other shards use the other slots in between.
    static func run(_ encoder: Encoder, rows: Int, slots: Int, slot: Int, input given: Tensor? = nil) -> Run {
        let parameters = encoder.views(of: initial(encoder))
        let workspace = EncoderWorkspace(encoder, rows: rows, slots: slots)
        let input = given ?? GradientCheck.normal([rows] + encoder.inputShape, 1)
        let gradient = Tensor([encoder.layout.count]), output = Tensor([rows, encoder.outputCount])
        encoder.layout.entries.forEach { gradient.flat($0.range).fill(.nan) }
        encoder.forward(input, parameters: parameters, workspace: workspace, slot: slot, output: output)
        for other in 0..<slots where other != slot {
            encoder.forward(
                given ?? GradientCheck.normal([rows] + encoder.inputShape, 100 + other), parameters: parameters,
                workspace: workspace, slot: other, output: Tensor(output.shape))
        }
        var order: [Int] = []
        encoder.backward(
            input: input, output: output, outputGradient: GradientCheck.normal(output.shape, 2), parameters: parameters,
            workspace: workspace, slot: slot, gradients: encoder.views(of: gradient)
        ) { order.append($0) }
        return Run(output: output, gradient: gradient, order: order)
    }

    /// Initial parameters with nonzero biases.
    static func initial(_ encoder: Encoder) -> Tensor {
        let flat = encoder.initialParameters(philox: Philox(seed: 5), encoderNumber: 0)
        for (number, entry) in encoder.layout.entries.enumerated() where entry.path.hasSuffix("bias") {
            flat.flat(entry.range).copy(from: GradientCheck.normal([entry.range.count], 50 + number))
        }
        return flat
    }

    /// Compares the output and all parameter gradients with a reference of (input, parameters in the order of the
    /// layout). Every slot must give the same bits.
    static func check(
        _ encoder: Encoder, rows: Int, limit: Double = 2e-5, entries count: Int = 60, directions: Int = 5,
        step: Double = 1e-5, input given: Tensor? = nil, reference: ([Double], [[Double]]) -> [Double]
    ) throws {
        let flat = initial(encoder), entries = encoder.layout.entries
        let x = (given ?? GradientCheck.normal([rows] + encoder.inputShape, 1)).values.map(Double.init)
        let w = GradientCheck.normal([rows, encoder.outputCount], 2).values.map(Double.init)
        let p = entries.map { flat.flat($0.range).values.map(Double.init) }
        let result = run(encoder, rows: rows, slots: 1, slot: 0, input: given)
        #expect(GradientCheck.close(result.output.values, reference(x, p), limit: limit))
        for (index, entry) in entries.enumerated() {
            let isCorrect = GradientCheck.isGradient(
                result.gradient.flat(entry.range).values, p[index], limit: limit, entries: count,
                directions: directions, step: step
            ) { moved in
                var all = p
                all[index] = moved
                return GradientCheck.dot(reference(x, all), w)
            }
            #expect(isCorrect, "\(entry.path)")
        }
        let covered = Set(entries.flatMap { Array($0.range) })
        let isPaddingZero = (0..<encoder.layout.count).allSatisfy { covered.contains($0) || result.gradient[$0] == 0 }
        #expect(isPaddingZero, "padding")
        for slot in 0..<3 {
            let again = run(encoder, rows: rows, slots: 3, slot: slot, input: given)
            #expect(
                again.output.values == result.output.values && again.gradient.values == result.gradient.values,
                "slot \(slot)")
        }
    }
}
