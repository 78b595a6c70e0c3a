import CoupletNetworks

// The ONNX forms of linear maps, activations and embeddings of labels, and of the layers that change shapes only.

extension ONNXGraph {
    /// f(x) for an activation f.
    func activation(_ activation: Activation, _ x: ONNXValue) -> ONNXValue {
        switch activation {
        case .identity: return x
        case .relu: return node("Relu", [x])
        case .leakyRelu(let slope): return node("LeakyRelu", [x], ["alpha": .number(slope)])
        case .tanh: return node("Tanh", [x])
        case .gelu:
            // x Φ(x) = x / 2 (1 + erf(x / √2))
            let erf = node("Erf", [node("Mul", [x, constant([Float(0.5).squareRoot()])])])
            return node("Mul", [x, node("Mul", [node("Add", [erf, constant([1])]), constant([0.5])])])
        }
    }

    /// x Wᵀ + b over the last axis of samples [positions, in] or [in], with W [out, in].
    func linear(_ x: ONNXValue, weight: ONNXValue, bias: ONNXValue?) -> ONNXValue {
        let rows = reshape(x, to: [x.shape[x.shape.count - 1]])
        // Positions become rows of the product.
        let product = node(
            "Gemm", [rows, weight] + (bias.map { [$0] } ?? []), shape: [weight.shape[0]], ["transB": .integer(1)])
        guard x.shape.count > 1 else { return product }
        return node(
            "Reshape", [product, constant(integers: [-1] + x.shape.dropLast() + [weight.shape[0]])],
            shape: x.shape.dropLast() + [weight.shape[0]])
    }

    /// x with zeros at the positions of padding; x itself if all positions are valid. x is [positions, width].
    func clearingPadding(_ x: ONNXValue, _ lengths: ONNXLengths?) -> ONNXValue {
        lengths.map { node("Mul", [x, $0.factors(x.shape[0], in: self)]) } ?? x
    }

    /// Rows of a table by numbers, and NaN for a number that is no row. A negative index of ONNX counts from the end.
    func rows(of table: ONNXValue, _ numbers: ONNXValue) -> ONNXValue {
        let ids = node("Cast", [numbers], ["to": .integer(1)])
        let last = Float(table.shape[0] - 1)
        let isRow = node(
            "And",
            [
                node("GreaterOrEqual", [ids, constant([0])]), node("LessOrEqual", [ids, constant([last])]),
            ])
        let inside = node("Where", [isRow, ids, constant([0])])
        let index = node("Cast", [inside], ["to": .integer(7)])
        let found = node("Gather", [table, index], shape: numbers.shape + [table.shape[1]])
        return node(
            "Where", [reshape(isRow, to: numbers.shape + [1]), found, constant([.nan])],
            shape: numbers.shape + [table.shape[1]])
    }
}

extension Linear: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let x = outputShape.count == inputShape.count ? input : graph.reshape(input, to: [inputs])
        let z = graph.linear(x, weight: context.parameters[0], bias: hasBias ? context.parameters[1] : nil)
        let y = graph.activation(activation, z)
        return y.shape.count == 2 ? graph.clearingPadding(y, context.lengths) : y
    }
}

extension ActivationLayer: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.activation(activation, input)
    }
}

extension LabelEmbedding: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.reshape(graph.rows(of: context.parameters[0], input), to: outputShape)
    }
}

extension Dropout: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue { input }
}

extension Flatten: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        // Images in the order channels, height, width.
        graph.reshape(inputShape.count == 3 ? graph.transpose(input, [2, 0, 1]) : input, to: outputShape)
    }
}

extension Unsqueeze: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.reshape(input, to: outputShape)
    }
}

extension ChannelsLast: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.transpose(input, [1, 2, 0])
    }
}
