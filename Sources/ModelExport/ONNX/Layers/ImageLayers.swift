import CoupletNetworks

// The ONNX forms of layers of images. ONNX has channels first: a convolution or pooling stands between two transposes,
// which runtimes cancel where they meet.

extension ONNXGraph {
    /// Applies an operator for channels first to images [height, width, channels].
    fileprivate func channelsFirst(_ x: ONNXValue, shape: [Int], _ body: (ONNXValue, [Int]) -> ONNXValue) -> ONNXValue {
        transpose(body(transpose(x, [2, 0, 1]), [shape[2], shape[0], shape[1]]), [1, 2, 0])
    }
}

/// [begin, …, end, …] of the padding of windows.
private func pads(_ padding: Extents) -> ONNXAttribute {
    .integers([padding.height, padding.width, padding.height, padding.width])
}

private func integers(_ extents: Extents) -> ONNXAttribute { .integers([extents.height, extents.width]) }

extension Conv2d: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let z = graph.channelsFirst(input, shape: outputShape) { x, shape in
            graph.node(
                "Conv", [x] + context.parameters, shape: shape,
                [
                    "kernel_shape": integers(kernel), "strides": integers(stride), "pads": pads(padding),
                    "group": .integer(groups),
                ])
        }
        return graph.activation(activation, z)
    }
}

extension MaxPool2d: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.channelsFirst(input, shape: outputShape) { x, shape in
            graph.node(
                "MaxPool", [x], shape: shape,
                ["kernel_shape": integers(kernel), "strides": integers(stride), "pads": pads(padding)])
        }
    }
}

extension AveragePool2d: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        graph.channelsFirst(input, shape: outputShape) { x, shape in
            graph.node(
                "AveragePool", [x], shape: shape,
                [
                    "kernel_shape": integers(kernel), "strides": integers(stride), "pads": pads(padding),
                    "count_include_pad": .integer(1),
                ])
        }
    }
}

extension PooledConvolution: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let channels = inputShape[0], outputs = outputShape[0]
        let x =
            inputLayout == .channelsFirst
            ? input : graph.transpose(graph.reshape(input, to: Array(inputShape[1...]) + [channels]), [2, 0, 1])
        let z = graph.node(
            "Conv", [x] + context.parameters, shape: [outputs] + inputShape[1...],
            ["kernel_shape": .integers([3, 3]), "pads": .integers([1, 1, 1, 1])])
        let y = graph.node(
            "MaxPool", [graph.node("Relu", [z])], shape: outputShape,
            ["kernel_shape": .integers([2, 2]), "strides": .integers([2, 2])])
        return outputLayout == .channelsFirst ? y : graph.transpose(y, [1, 2, 0])
    }
}

extension PatchEmbedding: ONNXLayer {
    public func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
        let x = layout == .channelsFirst ? input : graph.transpose(input, [2, 0, 1]), width = outputShape[1]
        let across = [x.shape[1] / patch, x.shape[2] / patch]
        let y = graph.node(
            "Conv", [x] + context.parameters, shape: [width] + across,
            ["kernel_shape": .integers([patch, patch]), "strides": .integers([patch, patch])])
        return graph.transpose(graph.reshape(y, to: [width, outputShape[0]]), [1, 0])
    }
}
