import CoupletNetworks
import CoupletTensors

/// One forward and backward of a layer, in memory that is full of NaN before, so that nothing stale can count.
struct LayerRun {
    let output: Tensor
    let inputGradient: Tensor
    let parameterGradients: [Tensor]

    /// - Parameter shift: floats by which every tensor is moved off its alignment.
    init(_ layer: some Layer, rows: Int, input: Tensor, parameters: [Tensor], outputGradient: Tensor, shift: Int = 0) {
        func dirty(_ shape: [Int]) -> Tensor {
            let count = shape.reduce(1, *), whole = Tensor([count + shift])
            whole.fill(.nan)
            return whole.flat(shift..<(shift + count)).reshaped(shape)
        }
        func moved(_ tensor: Tensor) -> Tensor {
            let copy = dirty(tensor.shape)
            copy.copy(from: tensor)
            return copy
        }
        let input = moved(input), parameters = parameters.map(moved)
        let kept = dirty([layer.keptCount(rows: rows)]), scratch = dirty([layer.scratchCount(rows: rows)])
        output = dirty([rows] + layer.outputShape)
        inputGradient = dirty([rows] + layer.inputShape)
        parameterGradients = parameters.map { dirty($0.shape) }
        layer.forward(input, parameters: parameters, output: output, kept: kept, scratch: scratch)
        scratch.fill(.nan)
        layer.backward(
            input: input, output: output, outputGradient: moved(outputGradient), parameters: parameters,
            parameterGradients: parameterGradients, inputGradient: inputGradient, kept: kept, scratch: scratch)
    }
}
