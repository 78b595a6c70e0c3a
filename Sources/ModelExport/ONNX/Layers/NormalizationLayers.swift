import CoupletNetworks

// The ONNX forms of normalisations. Channels are the last axis, so γ and β stand beside it.

extension ONNXGraph {
    /// γ x̂ + β over the last axis.
    func layerNorm(_ x: ONNXValue, weight: ONNXValue, bias: ONNXValue, epsilon: Float) -> ONNXValue {
        node(
            "LayerNormalization", [x, weight, bias], ["axis": .integer(-1), "epsilon": .number(epsilon)])
    }
}

extension LayerNorm: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.layerNorm(input, weight: context.parameters[0], bias: context.parameters[1], epsilon: epsilon)
    }
}

extension BatchNorm: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let (mean, variance) = (context.statistics[0], context.statistics[1])
        let deviation = graph.node("Sqrt", [graph.node("Add", [variance, graph.constant([epsilon])])])
        let normalised = graph.node("Div", [graph.node("Sub", [input, mean]), deviation])
        let z = graph.node(
            "Add", [graph.node("Mul", [normalised, context.parameters[0]]), context.parameters[1]])
        return graph.activation(activation, z)
    }
}

extension GroupNorm: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let channels = inputShape[inputShape.count - 1], positions = inputCount / channels
        let x = graph.reshape(input, to: [positions, groups, channels / groups])
        func mean(_ value: ONNXValue) -> ONNXValue {
            graph.node(
                "ReduceMean", [value], shape: [1, groups, 1], ["axes": .integers([1, 3]), "keepdims": .integer(1)])
        }
        let centred = graph.node("Sub", [x, mean(x)])
        let variance = mean(graph.node("Mul", [centred, centred]))
        let deviation = graph.node("Sqrt", [graph.node("Add", [variance, graph.constant([epsilon])])])
        let normalised = graph.reshape(graph.node("Div", [centred, deviation]), to: inputShape)
        let z = graph.node(
            "Add", [graph.node("Mul", [normalised, context.parameters[0]]), context.parameters[1]])
        return graph.activation(activation, z)
    }
}
