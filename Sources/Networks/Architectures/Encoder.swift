import CoupletTensors

/// A list of layers that maps the samples of one modality to embeddings; all its parameters lie in one flat buffer.
///
/// The encoder itself holds no numbers: parameters, gradients and the workspace are passed in, so one value serves all workers.
public struct Encoder: Sendable {
    public let layers: [any Layer]
    public let layout: ParameterLayout
    /// The shape of one sample.
    public let inputShape: [Int]
    /// The numbers of an embedding, e.
    public let outputCount: Int
    /// The factor on the last layer's initial weights.
    public let initialScale: Float
    /// [layer]: its number among those that have parameters; nil without.
    private let numbers: [Int?]

    /// The number of parameters, padding not counted.
    public var parameterCount: Int { layout.parameterCount }

    /// An encoder of the given layers, each taking what the one before gives.
    public init(layers: [any Layer], initialScale: Float = 1, shards: Int) {
        precondition(!layers.isEmpty, "an encoder without layers")
        for (layer, next) in zip(layers, layers.dropFirst()) {
            precondition(
                layer.outputCount == next.inputCount,
                "a layer takes \(next.inputShape) after one that gives \(layer.outputShape)")
        }
        var numbers: [Int?] = [], parameters: [[(name: String, shape: [Int])]] = []
        for layer in layers {
            let shapes = layer.parameterShapes
            numbers.append(shapes.isEmpty ? nil : parameters.count)
            if !shapes.isEmpty { parameters.append(shapes) }
        }
        self.layers = layers
        self.numbers = numbers
        self.initialScale = initialScale
        layout = ParameterLayout(layers: parameters, shards: shards)
        inputShape = layers[0].inputShape
        outputCount = layers[layers.count - 1].outputCount
    }

    /// The parameters at step 0, flat. Parameter p of layer l (both as in the paths) is drawn from the stream `.initialization` under
    /// the number `encoderNumber · 2³² + l · 2⁸ + p`, so no parameter's start depends on another's shape.
    /// - Parameter encoderNumber: 0 for the first modality, 1 for the second.
    public func initialParameters(philox: Philox, encoderNumber: Int) -> Tensor {
        precondition(encoderNumber >= 0, "encoder number \(encoderNumber)")
        let flat = Tensor([layout.count])
        for (layer, (number, parameters)) in zip(layers, zip(numbers, views(of: flat))) {
            guard let number else { continue }
            layer.initialize(
                parameters, philox: philox, number: UInt64(encoderNumber) << 32 + UInt64(number) << 8,
                scale: number == numbers.last ? initialScale : 1)
        }
        return flat
    }

    /// The parameters (or gradients) of each layer as views of a flat buffer, for forward and backward: [layer][parameter], an empty list
    /// for a layer without. Make them once and keep them.
    public func views(of flat: Tensor) -> [[Tensor]] {
        precondition(
            flat.count == layout.count, "a flat buffer of \(flat.count) floats for a layout of \(layout.count)")
        return numbers.map { number in
            layout.entries.filter { $0.layer == number }.map { flat.flat($0.range).reshaped($0.shape) }
        }
    }

    /// Encodes a shard.
    /// - Parameters:
    ///   - input: rows × inputShape.
    ///   - parameters: from `views`.
    ///   - slot: which slot of the workspace keeps the activations.
    ///   - output: rows × e, overwritten with the embeddings.
    public func forward(_ input: Tensor, parameters: [[Tensor]], workspace: EncoderWorkspace, slot: Int, output: Tensor)
    {
        check(input, output, workspace, slot)
        for index in layers.indices {
            layers[index].forward(
                index == 0 ? input : workspace.outputs[slot][index - 1], parameters: parameters[index],
                output: index == layers.count - 1 ? output : workspace.outputs[slot][index],
                kept: workspace.kept[slot][index],
                scratch: workspace.scratch)
        }
    }

    /// The gradient of a shard with respect to the parameters.
    ///
    /// Every entry of `gradients` is overwritten, none is added to; padding stays as it is.
    /// - Parameters:
    ///   - input, output: what forward got and gave for this slot.
    ///   - outputGradient: rows × e, the gradient with respect to the embeddings. It may be overwritten.
    ///   - gradients: from `views` of this shard's flat gradient.
    ///   - layerDone: is called with a layer's number (as in the paths) when its gradients are complete, from the last layer to the
    ///     first; `layout.buckets` says which part of the flat gradient that completes.
    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [[Tensor]], workspace: EncoderWorkspace,
        slot: Int,
        gradients: [[Tensor]], layerDone: (Int) throws -> Void
    ) rethrows {
        check(input, output, workspace, slot)
        let last = layers.count - 1
        precondition(workspace.gradients.count == last, "backward in a workspace made for forward alone")
        for index in layers.indices.reversed() {
            layers[index].backward(
                input: index == 0 ? input : workspace.outputs[slot][index - 1],
                output: index == last ? output : workspace.outputs[slot][index],
                outputGradient: index == last ? outputGradient : workspace.gradients[index],
                parameters: parameters[index],
                parameterGradients: gradients[index], inputGradient: index == 0 ? nil : workspace.gradients[index - 1],
                kept: workspace.kept[slot][index], scratch: workspace.scratch)
            if let number = numbers[index] { try layerDone(number) }
        }
    }

    /// The layer, counted from 0 among all, whose parameters have this number in their paths; nil where none has.
    package func layer(numbered number: Int) -> Int? { numbers.firstIndex(of: number) }

    /// The floating-point operations of the matrix products of a shard's forward and backward: for `bench`.
    public func matrixProductFLOPs(rows: Int) -> Int {
        layers.enumerated().reduce(0) {
            $0 + $1.element.matrixProductFLOPs(rows: rows, needsInputGradient: $1.offset > 0)
        }
    }

    /// The memory of a workspace, without making it.
    public func memory(rows: Int, slots: Int, backward: Bool = true) -> EncoderMemory {
        let stride = MemoryLayout<Float>.stride
        let outputs = layers.dropLast().reduce(0) { $0 + rows * $1.outputCount }
        let kept = layers.reduce(0) { $0 + $1.keptCount(rows: rows) }
        return EncoderMemory(
            activations: slots * (outputs + kept) * stride,
            activationGradients: backward ? gradientHalves(rows: rows).reduce(0, +) * stride : 0,
            scratch: scratchCount(rows: rows) * stride)
    }

    func scratchCount(rows: Int) -> Int { layers.map { $0.scratchCount(rows: rows) }.max() ?? 0 }

    /// The floats of the two buffers that the gradients of even and of odd layers' outputs take in turn.
    func gradientHalves(rows: Int) -> [Int] {
        (0..<2).map { parity in
            layers.dropLast().enumerated().reduce(0) {
                $1.offset % 2 == parity ? max($0, rows * $1.element.outputCount) : $0
            }
        }
    }

    private func check(_ input: Tensor, _ output: Tensor, _ workspace: EncoderWorkspace, _ slot: Int) {
        precondition(slot >= 0 && slot < workspace.slots, "slot \(slot) of \(workspace.slots)")
        precondition(
            input.count == workspace.rows * layers[0].inputCount && output.count == workspace.rows * outputCount,
            "from \(input.shape) to \(output.shape), for \(workspace.rows) rows of \(inputShape) and embeddings of \(outputCount)"
        )
    }
}
