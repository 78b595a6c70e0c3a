import CoupletInference
import CoupletModelExport
import CoupletNetworks
import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTensors
import CoupletTraining
import SwiftProtobuf
import TestSupport
import Testing

/// The structure of ONNX files. That their numbers are right is tested with onnxruntime (ONNXExportTests).
@Suite struct ONNXGraphTests {
    private func model(_ run: TrainedRun, _ modality: Modality = .first) throws -> Onnx_ModelProto {
        let folder = TemporaryFolder(), path = folder.file("a.onnx")
        try ExportedModel(run, modalities: [modality]).write(.onnx, to: path)
        return try Onnx_ModelProto(serializedBytes: folder.bytes(of: "a.onnx"))
    }

    @Test func aGraphIsWellFormed() throws {
        let exported = try ExportedRun(), run = try TrainedRun(exported.path("base"))
        for modality in Modality.allCases {
            let model = try model(run, modality), graph = model.graph
            #expect(model.irVersion == 8 && model.opsetImport.map(\.version) == [17])
            #expect(graph.input.map(\.name) == [modality.rawValue] && graph.output.map(\.name) == ["encodings"])
            for value in graph.input + graph.output {
                #expect(value.type.tensorType.shape.dim.first?.dimParam == "batch")
            }
            #expect(graph.output[0].type.tensorType.shape.dim.last?.dimValue == 3)
            // Every name has one definition, before its first use.
            var known = graph.initializer.map(\.name) + graph.input.map(\.name)
            for node in graph.node {
                #expect(node.input.allSatisfy(known.contains), "\(node.name)")
                known += node.output
            }
            #expect(Set(known).count == known.count && known.contains("encodings"))
            let facts = Dictionary(uniqueKeysWithValues: model.metadataProps.map { ($0.key, $0.value) })
            #expect(facts["step"] == "5" && facts["digest"] == run.digest)
        }
    }

    @Test func initializersAreTheParameters() throws {
        let exported = try ExportedRun(), run = try TrainedRun(exported.path("base"))
        let checkpoint = try exported.checkpoint("base", 5), graph = try model(run).graph
        for (path, array) in checkpoint.parameters where path.hasPrefix("first/") {
            let tensor = try #require(graph.initializer.first { $0.name == path })
            #expect(tensor.dims == array.shape.map { Int64($0) } && Array(tensor.rawData) == array.tensor?.bytes)
        }
        // tanh(x W₀ᵀ + b₀) W₁ᵀ + b₁
        #expect(graph.node.map(\.opType) == ["Gemm", "Tanh", "Gemm", "Identity"])
    }

    // MARK: - Layers of one's own

    /// y = x² without an ONNX form.
    struct Square: Layer {
        let inputShape: [Int]
        var outputShape: [Int] { inputShape }
        func forward(
            _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
            context: LayerContext
        ) { for i in 0..<input.count { output[i] = input[i] * input[i] } }
        func backward(
            input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
            inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
        ) {
            guard let inputGradient else { return }
            for i in 0..<input.count { inputGradient[i] = 2 * input[i] * outputGradient[i] }
        }

        struct Kind: LayerKind {
            static let name = "square"
            static let table = ConfigurationTable(Kind(), help: "y = x².", [])
            func layer(inputShape: [Int]) -> any Layer { Square(inputShape: inputShape) }
        }
    }

    /// y = |x| with one.
    struct Magnitude: ONNXLayer {
        let inputShape: [Int]
        var outputShape: [Int] { inputShape }
        func forward(
            _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
            context: LayerContext
        ) { for i in 0..<input.count { output[i] = abs(input[i]) } }
        func backward(
            input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
            inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
        ) {
            guard let inputGradient else { return }
            for i in 0..<input.count { inputGradient[i] = input[i] < 0 ? -outputGradient[i] : outputGradient[i] }
        }
        func onnx(_ input: ONNXValue, _ context: ONNXLayerContext, in graph: ONNXGraph) -> ONNXValue {
            graph.node("Abs", [input])
        }

        struct Kind: LayerKind {
            static let name = "magnitude"
            static let table = ConfigurationTable(Kind(), help: "y = |x|.", [])
            func layer(inputShape: [Int]) -> any Layer { Magnitude(inputShape: inputShape) }
        }
    }

    private func run(_ layers: [any LayerKind]) throws -> (exported: ExportedRun, run: TrainedRun) {
        let exported = try ExportedRun(), registry = Registry.builtIn.adding(Square.Kind.self, Magnitude.Kind.self)
        let configuration = exported.configuration {
            $0.encoders.first = EncoderSpecification(LayerListEncoder(layers))
            $0.train.steps = 1
        }
        let options = TrainingOptions(output: exported.path("own"), threads: 1, progress: .none)
        try Trainer(options: options, registry: registry).run { configuration }
        return (exported, try TrainedRun(exported.path("own"), registry: registry))
    }

    @Test func aLayerWithoutAFormIsNamed() throws {
        let (_, run) = try run([Residual.Kind([Square.Kind()]), Linear.Kind(width: 3)])
        let error = #expect(throws: ExportError.self) { try model(run) }
        let text = error?.description ?? ""
        #expect(
            text.contains("encoders.first: layer 0.0 (Square): Square has no ONNX form; give the layer one")
                && text.contains("--format safetensors"), "\(text)")
    }

    @Test func aLayerOfOnesOwnHasAForm() throws {
        let (_, run) = try run([Magnitude.Kind(), Linear.Kind(width: 3)])
        #expect(try model(run).graph.node.map(\.opType) == ["Abs", "Gemm", "Identity"])
    }

    /// A source that prepares rows by code of its own would be left out of the graph.
    @Test func aPreparationWithoutAFormIsAnError() throws {
        let folder = TemporaryFolder()
        // The tracks of drifters become differences and frequencies.
        let configuration = try Configuration.parse(
            text: """
                data: {source: ocean, drifters: 2, times: 2, grid: 8}
                encoders: {embedding: 4, first: {kind: linear}, second: {kind: linear}}
                batch: {size: 16, shards: 2}
                evaluation: {pairs: 16}
                train: {steps: 0}
                """, name: "ocean")
        try Trainer(options: TrainingOptions(output: folder.file("ocean"), threads: 1, progress: .none)).run {
            configuration
        }
        let run = try TrainedRun(folder.file("ocean"))
        #expect(try model(run, .first).graph.node.count > 0)
        let error = #expect(throws: ExportError.self) { try model(run, .second) }
        #expect(
            error?.description.contains("prepares rows of the second modality in a way that has no ONNX form") == true)
    }
}
