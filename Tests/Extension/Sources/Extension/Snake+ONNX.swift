import Couplet

/// The nodes of an ONNX graph that compute y = x + sin²(a x) / a.
extension Snake: ONNXLayer {
    func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let factor = graph.constant([frequency])
        let sine = graph.node("Sin", [graph.node("Mul", [input, factor])])
        return graph.node("Add", [input, graph.node("Div", [graph.node("Mul", [sine, sine]), factor])])
    }
}
