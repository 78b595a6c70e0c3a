import CoupletNetworks

// The ONNX forms of attention. x is [positions T, width W].

/// Stands for -∞ in scores of padding: its exponential is 0 beside any other score, and a row of padding alone gives no
/// NaN.
private let excludedScore: Float = -1e30

extension ONNXGraph {
    /// The attention of `SelfAttention`, whose parameters are those of the maps to queries, keys and values and of the
    /// map from the heads.
    fileprivate func attention(
        _ x: ONNXValue, heads: Int, _ parameters: [ONNXValue], _ lengths: ONNXLengths?
    ) -> ONNXValue {
        let (positions, width) = (x.shape[0], x.shape[1]), headWidth = width / heads
        // [T, 3 W] to [3, H, T, d]
        let projected = linear(x, weight: parameters[0], bias: parameters[1])
        let parts = transpose(reshape(projected, to: [positions, 3, heads, headWidth]), [1, 2, 0, 3])
        func part(_ number: Int) -> ONNXValue {
            node(
                "Gather", [parts, constant(integers: [number], shape: [])], shape: [heads, positions, headWidth],
                ["axis": .integer(1)])
        }
        var scores = node(
            "MatMul", [part(0), transpose(part(1), [0, 2, 1])], shape: [heads, positions, positions])
        scores = node("Mul", [scores, constant([1 / Float(headWidth).squareRoot()])])
        if let lengths {
            let mask = reshape(lengths.mask(positions, in: self), to: [1, 1, positions])
            scores = node("Where", [mask, scores, constant([excludedScore])], shape: scores.shape)
        }
        let weights = node("Softmax", [scores], ["axis": .integer(-1)])
        let values = node("MatMul", [weights, part(2)], shape: [heads, positions, headWidth])
        let joined = reshape(transpose(values, [1, 0, 2]), to: [positions, width])
        return linear(joined, weight: parameters[2], bias: parameters[3])
    }
}

extension SelfAttention: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.clearingPadding(
            graph.attention(input, heads: heads, context.parameters, context.lengths), context.lengths)
    }
}

extension TransformerBlock: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let parameters = context.parameters
        func norm(_ x: ONNXValue, _ first: Int) -> ONNXValue {
            graph.layerNorm(x, weight: parameters[first], bias: parameters[first + 1], epsilon: Self.epsilon)
        }
        let attended = graph.attention(norm(input, 0), heads: heads, Array(parameters[2..<6]), context.lengths)
        let middle = graph.node("Add", [input, attended])
        let wide = graph.linear(norm(middle, 6), weight: parameters[8], bias: parameters[9])
        let narrow = graph.linear(graph.activation(.gelu, wide), weight: parameters[10], bias: parameters[11])
        return graph.clearingPadding(graph.node("Add", [middle, narrow]), context.lengths)
    }
}

extension AttentionPool: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let (positions, width) = (inputShape[0], inputShape[1])
        var scores = graph.node(
            "Mul",
            [
                graph.linear(input, weight: context.parameters[0], bias: nil),
                graph.constant([1 / Float(width).squareRoot()]),
            ])
        if let lengths = context.lengths {
            let mask = graph.reshape(lengths.mask(positions, in: graph), to: [positions, 1])
            scores = graph.node(
                "Where", [mask, scores, graph.constant([excludedScore])], shape: [positions, heads])
        }
        // A row without valid positions gives zeros.
        let weights = graph.clearingPadding(graph.node("Softmax", [scores], ["axis": .integer(1)]), context.lengths)
        let product = graph.node(
            "Mul",
            [
                graph.reshape(input, to: [positions, heads, width / heads]),
                graph.reshape(weights, to: [positions, heads, 1]),
            ])
        return graph.reshape(graph.sumOfPositions(product), to: outputShape)
    }
}

extension ClassToken: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        // The token once for each sample.
        let batch = graph.node("Shape", [input], shape: [3], ["start": .integer(0), "end": .integer(1)])
        let extents = graph.node(
            "Concat", [batch, graph.constant(integers: [1, inputShape[1]])], shape: [3], ["axis": .integer(0)])
        let tokens = graph.node("Expand", [context.parameters[0], extents], shape: [1, inputShape[1]])
        return graph.node("Concat", [tokens, input], shape: outputShape, ["axis": .integer(1)])
    }
}

extension PositionalEmbedding: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.clearingPadding(graph.node("Add", [input, context.parameters[0]]), context.lengths)
    }
}
