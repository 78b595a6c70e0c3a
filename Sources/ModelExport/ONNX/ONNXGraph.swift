import CoupletTensors
import SwiftProtobuf

/// A value of an ONNX graph, by its name. Every value of a graph has one row for each sample of the batch, but for
/// parameters and constants.
public struct ONNXValue: Sendable {
    public let name: String
    /// Shape of one sample: the extents without the batch. For a parameter or a constant, all extents.
    public let shape: [Int]
}

/// An attribute of an ONNX node.
public enum ONNXAttribute: Sendable {
    case integer(Int)
    case number(Float)
    case text(String)
    case integers([Int])
}

/// Builds an ONNX graph, node after node. Operators are those of opset 17 (https://onnx.ai/onnx/operators).
///
///     let doubled = graph.node("Mul", [x, graph.constant([2])])
public final class ONNXGraph {
    /// The version of the operators.
    package static let opset = 17
    /// The version of the format that came with that opset.
    static let formatVersion = 8

    private var graph = Onnx_GraphProto()
    private var names: Set<String> = []
    private var constants: [String: ONNXValue] = [:]

    init(name: String) { graph.name = name }

    // MARK: - Nodes

    /// Adds a node with one output.
    /// - Parameters:
    ///   - operator: the type of the operator, such as "MatMul".
    ///   - shape: shape of one sample of the output; nil for that of the first input.
    public func node(
        _ operator: String, _ inputs: [ONNXValue], shape: [Int]? = nil,
        _ attributes: KeyValuePairs<String, ONNXAttribute> = [:]
    ) -> ONNXValue {
        precondition(!inputs.isEmpty, "a node \(`operator`) without inputs")
        let output = ONNXValue(name: unusedName(`operator`), shape: shape ?? inputs[0].shape)
        var node = Onnx_NodeProto()
        node.opType = `operator`
        node.name = output.name
        node.input = inputs.map(\.name)
        node.output = [output.name]
        node.attribute = attributes.map { Self.attribute($0.key, $0.value) }
        graph.node.append(node)
        return output
    }

    /// The same numbers with another shape of the samples; the value itself if it has that shape.
    public func reshape(_ value: ONNXValue, to shape: [Int]) -> ONNXValue {
        value.shape == shape ? value : node("Reshape", [value, constant(integers: [-1] + shape)], shape: shape)
    }

    /// The same samples with their axes in another order.
    /// - Parameter order: the axes of a sample, from 0.
    public func transpose(_ value: ONNXValue, _ order: [Int]) -> ONNXValue {
        node(
            "Transpose", [value], shape: order.map { value.shape[$0] },
            ["perm": .integers([0] + order.map { $0 + 1 })])
    }

    // MARK: - Parameters and constants

    /// A constant of some numbers. Equal constants are stored once.
    public func constant(_ numbers: [Float], shape: [Int]? = nil) -> ONNXValue {
        let shape = shape ?? [numbers.count]
        return shared("\(shape) \(numbers.map(\.bitPattern))") {
            parameter(unusedName("constant"), shape, numbers.withUnsafeBytes { Array($0) }, .float)
        }
    }

    /// A constant of integers of 64 bits, such as a shape.
    public func constant(integers: [Int], shape: [Int]? = nil) -> ONNXValue {
        let shape = shape ?? [integers.count]
        return shared("\(shape) integers \(integers)") {
            parameter(
                unusedName("constant"), shape, integers.map { Int64($0) }.withUnsafeBytes { Array($0) }, .int64)
        }
    }

    private func shared(_ key: String, _ make: () -> ONNXValue) -> ONNXValue {
        if let value = constants[key] { return value }
        let value = make()
        constants[key] = value
        return value
    }

    /// A tensor of parameters or running statistics under the name that it has in a checkpoint.
    func parameter(_ name: String, _ tensor: Tensor) -> ONNXValue {
        names.insert(name)
        return parameter(name, tensor.shape, tensor.bytes, .float)
    }

    private func parameter(
        _ name: String, _ shape: [Int], _ bytes: [UInt8], _ type: Onnx_TensorProto.DataType
    ) -> ONNXValue {
        var tensor = Onnx_TensorProto()
        tensor.name = name
        tensor.dims = shape.map { Int64($0) }
        tensor.dataType = Int32(type.rawValue)
        tensor.rawData = .init(bytes)
        graph.initializer.append(tensor)
        return ONNXValue(name: name, shape: shape)
    }

    // MARK: - Inputs and outputs

    enum ElementType {
        case float, int64
        fileprivate var tensorType: Onnx_TensorProto.DataType { self == .float ? .float : .int64 }
    }

    /// The input of the graph. Its first extent is the symbolic batch.
    /// - Parameter about: what the numbers are, for readers of the file.
    func input(_ name: String, _ type: ElementType, shape: [Int], about: String) -> ONNXValue {
        names.insert(name)
        graph.input.append(Self.information(name, type, shape, about))
        return ONNXValue(name: name, shape: shape)
    }

    /// The output of the graph.
    func output(_ value: ONNXValue, named name: String, about: String) {
        var node = Onnx_NodeProto()
        node.opType = "Identity"
        node.name = name
        node.input = [value.name]
        node.output = [name]
        graph.node.append(node)
        graph.output.append(Self.information(name, .float, value.shape, about))
    }

    private static func information(
        _ name: String, _ type: ElementType, _ shape: [Int], _ about: String
    ) -> Onnx_ValueInfoProto {
        var batch = Onnx_TensorShapeProto.Dimension()
        batch.dimParam = "batch"
        var tensor = Onnx_TypeProto.Tensor()
        tensor.elemType = Int32(type.tensorType.rawValue)
        tensor.shape.dim =
            [batch]
            + shape.map { extent in
                var dimension = Onnx_TensorShapeProto.Dimension()
                dimension.dimValue = Int64(extent)
                return dimension
            }
        var information = Onnx_ValueInfoProto()
        information.name = name
        information.type.tensorType = tensor
        information.docString = about
        return information
    }

    // MARK: - Model

    /// The model of the graph.
    func model(producer: String, facts: [(name: String, text: String)]) -> Onnx_ModelProto {
        var opset = Onnx_OperatorSetIdProto()
        opset.domain = ""
        opset.version = Int64(Self.opset)
        var model = Onnx_ModelProto()
        model.irVersion = Int64(Self.formatVersion)
        model.opsetImport = [opset]
        model.producerName = producer
        model.graph = graph
        model.metadataProps = facts.map { name, text in
            var entry = Onnx_StringStringEntryProto()
            entry.key = name
            entry.value = text
            return entry
        }
        return model
    }

    private func unusedName(_ stem: String) -> String {
        var number = names.count
        while !names.insert("\(stem)_\(number)").inserted { number += 1 }
        return "\(stem)_\(number)"
    }

    private static func attribute(_ name: String, _ value: ONNXAttribute) -> Onnx_AttributeProto {
        var attribute = Onnx_AttributeProto()
        attribute.name = name
        switch value {
        case .integer(let number):
            attribute.type = .int
            attribute.i = Int64(number)
        case .number(let number):
            attribute.type = .float
            attribute.f = number
        case .text(let text):
            attribute.type = .string
            attribute.s = .init(text.utf8)
        case .integers(let numbers):
            attribute.type = .ints
            attribute.ints = numbers.map { Int64($0) }
        }
        return attribute
    }
}
