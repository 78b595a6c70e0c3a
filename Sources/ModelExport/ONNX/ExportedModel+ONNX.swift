import CoupletInference
import CoupletNetworks
import CoupletPairs
import CoupletTensors
import CoupletTraining
import SwiftProtobuf

extension ExportedModel {
    /// The name of the graph's output.
    static let outputName = "encodings"
    /// Protocol buffers hold at most 2 GiB; the rest is for the graph itself.
    private static let mostParameterBytes = 0x7f00_0000

    /// The bytes of the ONNX file. The input has the modality's name, "first" or "second".
    /// - Throws: `ExportError` if a layer or the preparation of inputs has no ONNX form.
    func onnx() throws -> [UInt8] {
        let modality = modalities[0], encoder = run.model.encoders[modality]
        precondition(modalities.count == 1, "an ONNX file of \(modalities.count) encoders")
        let bytes = encoder.parameterCount * MemoryLayout<Float>.stride
        guard bytes <= Self.mostParameterBytes else {
            throw ExportError(
                at: "encoders.\(modality.rawValue)",
                reason: "its parameters have \(bytes) bytes, and an ONNX file holds less than 2 GiB",
                remedy: "use --format safetensors")
        }
        let graph = ONNXGraph(name: modality.rawValue)
        let input = try ONNXInput(run.source, modality, encoder).nodes(in: graph)
        let lengths = try ONNXLengths(of: input, encoder, modality, in: graph)
        func values(_ flat: Tensor, _ layout: ParameterLayout) -> [ONNXValue] {
            layout.entries.map {
                graph.parameter(RunState.path(modality, $0), flat.flat($0.range).reshaped($0.shape))
            }
        }
        let context = ONNXLayerContext(
            parameters: values(run.model.parameters[modality], encoder.layout),
            statistics: values(run.model.statistics[modality], encoder.statisticsLayout), lengths: lengths,
            encoder: "encoders.\(modality.rawValue)")
        let encodings = try graph.layers(encoder.layers, input, context)
        graph.output(
            graph.reshape(encodings, to: [encoder.outputCount]), named: Self.outputName,
            about: "encodings as couplet encode writes them")
        let model = graph.model(producer: Version.program, facts: facts)
        return try model.serializedBytes()
    }
}

extension ONNXLengths {
    /// The valid positions in the encoder's input; nil if its first layer does not look for padding.
    fileprivate init?(
        of input: ONNXValue, _ encoder: Encoder, _ modality: Modality, in graph: ONNXGraph
    ) throws {
        guard encoder.layers[0].readsTokens else { return nil }
        guard Self.endsInZeros(encoder.layers[0]) else {
            throw ExportError(
                at: "encoders.\(modality.rawValue): layer 0 (\(encoder.layers[0].tableName))",
                reason: "its way to count positions has no ONNX form",
                remedy: "begin with token_embedding, embedding_bag or masking, or export --format safetensors")
        }
        let positions = input.shape[0]
        // The number of the last position that holds another number than 0, counted from 1.
        let magnitudes = graph.node("Abs", [graph.node("Cast", [input], ["to": .integer(1)])])
        let largest =
            input.shape.count == 1
            ? magnitudes
            : graph.node(
                "ReduceMax", [magnitudes], shape: [positions], ["axes": .integers([2]), "keepdims": .integer(0)])
        let isValid = graph.node(
            "Cast", [graph.node("Greater", [largest, graph.constant([0])])], ["to": .integer(1)])
        let numbers = graph.node(
            "Mul", [isValid, graph.constant((1...positions).map { Float($0) }, shape: [1, positions])])
        self.init(
            counts: graph.node(
                "ReduceMax", [numbers], shape: [1], ["axes": .integers([1]), "keepdims": .integer(1)]),
            added: 0)
    }

    /// Whether the padding that a layer finds is the zeros at the end of a sample.
    private static func endsInZeros(_ layer: any Layer) -> Bool {
        switch layer {
        case is TokenEmbedding, is EmbeddingBag, is Masking: true
        case let sequence as Sequential: endsInZeros(sequence.layers[0])
        case let parallel as Parallel: endsInZeros(parallel.branches[0])
        default: false
        }
    }
}
