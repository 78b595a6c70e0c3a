import CoupletNetworks

// The ONNX forms of layers of token ids, sequences and sets. Positions of padding are zeros, or left out.

extension TokenEmbedding: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.node("Mul", [graph.rows(of: context.parameters[0], input), graph.isToken(input)])
    }
}

extension EmbeddingBag: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let isToken = graph.isToken(input)
        let sum = graph.sumOfPositions(graph.node("Mul", [graph.rows(of: context.parameters[0], input), isToken]))
        guard reduction == .mean else { return sum }
        let count = graph.sumOfPositions(isToken)
        return graph.node("Div", [sum, graph.node("Max", [count, graph.constant([1])])])
    }
}

extension Masking: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue { input }
}

extension Conv1d: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let front: Int, back: Int
        switch padding {
        case .same: (front, back) = ((kernel - 1) / 2, kernel - 1 - (kernel - 1) / 2)
        case .zeros(let count): (front, back) = (count, count)
        }
        let x = graph.transpose(graph.clearingPadding(input, context.lengths), [1, 0])
        let z = graph.node(
            "Conv", [x] + context.parameters, shape: [outputShape[1], outputShape[0]],
            [
                "kernel_shape": .integers([kernel]), "strides": .integers([stride]),
                "pads": .integers([front, back]),
            ])
        let y = graph.activation(activation, graph.transpose(z, [1, 0]))
        // Where the positions are others than those of the input, all of them are valid.
        return addedPositions == 0 ? graph.clearingPadding(y, context.lengths) : y
    }
}

extension PositionPool: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let width = outputShape[0], positions = inputCount / width
        let x = graph.reshape(input, to: [positions, width])
        let sum = graph.sumOfPositions(graph.clearingPadding(x, context.lengths))
        guard reduction == .mean else { return sum }
        guard let lengths = context.lengths else {
            return graph.node("Div", [sum, graph.constant([Float(positions)])])
        }
        let count = graph.sumOfPositions(lengths.factors(positions, in: graph))
        return graph.node("Div", [sum, graph.node("Max", [count, graph.constant([1])])])
    }
}

extension GlobalMaxPool: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let width = outputShape[0], positions = inputCount / width
        let x = graph.reshape(input, to: [positions, width])
        func maximum(_ value: ONNXValue) -> ONNXValue {
            graph.node(
                "ReduceMax", [value], shape: Array(value.shape.dropFirst()),
                ["axes": .integers([1]), "keepdims": .integer(0)])
        }
        guard let lengths = context.lengths else { return maximum(x) }
        let mask = graph.reshape(lengths.mask(positions, in: graph), to: [positions, 1])
        let lowest = graph.constant([-Float.greatestFiniteMagnitude])
        let y = maximum(graph.node("Where", [mask, x, lowest], shape: [positions, width]))
        // 0 without valid positions.
        return graph.node("Mul", [y, maximum(lengths.factors(positions, in: graph))])
    }
}

extension FirstToken: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let x = graph.clearingPadding(input, context.lengths)
        let first = graph.node(
            "Slice", [x, graph.constant(integers: [0]), graph.constant(integers: [1]), graph.constant(integers: [1])],
            shape: [1, outputShape[0]])
        return graph.reshape(first, to: outputShape)
    }
}

extension ONNXGraph {
    /// 1 for a token and 0 for padding, [positions, 1], of token ids [positions].
    fileprivate func isToken(_ ids: ONNXValue) -> ONNXValue {
        let magnitudes = node("Abs", [node("Cast", [ids], ["to": .integer(1)])])
        let numbers = node("Cast", [node("Greater", [magnitudes, constant([0])])], ["to": .integer(1)])
        return reshape(numbers, to: ids.shape + [1])
    }

    /// The sum of samples [positions, …] over the positions.
    func sumOfPositions(_ x: ONNXValue) -> ONNXValue {
        node(
            "ReduceSum", [x, constant(integers: [1])], shape: Array(x.shape.dropFirst()), ["keepdims": .integer(0)])
    }
}
