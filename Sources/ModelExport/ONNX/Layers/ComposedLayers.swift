import CoupletNetworks

// The ONNX forms of layers that contain others.

extension Sequential: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) throws -> ONNXValue {
        try graph.layers(layers, input, context)
    }
}

extension Residual: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) throws -> ONNXValue {
        let layers = [body] + (projection.map { [$0] } ?? [])
        let contexts = context.inner(
            layers, addedPositions: layers.map { _ in 0 },
            numbers: layers.indices.map { $0 == 0 ? nil : body.layers.count })
        let branches = try zip(layers, contexts).map { try graph.layer($0, input, $1) }
        let other = branches.count > 1 ? branches[1] : input
        return graph.activation(activation, graph.node("Add", [branches[0], other]))
    }
}

extension Parallel: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) throws -> ONNXValue {
        let contexts = context.inner(
            branches, addedPositions: branches.map { _ in 0 }, numbers: Array(branches.indices))
        let outputs = try zip(branches, contexts).map { try graph.layer($0, input, $1) }
        return graph.node("Concat", outputs, shape: outputShape, ["axis": .integer(-1)])
    }
}
