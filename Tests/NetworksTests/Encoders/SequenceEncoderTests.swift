import CoupletNetworks
import CoupletSchema
import CoupletTensors
import Testing

/// `set`, `text_cnn`, `parallel`, and lists of layers over sequences.
@Suite struct SequenceEncoderTests {
    /// Compares forward and all parameter gradients of an encoder with a reference in Double, and a second slot with
    /// the first.
    private func check(_ encoder: Encoder, input: Tensor, reference: ([Double], [[Double]]) -> [Double]) {
        let rows = input.rows, flat = EncoderCheck.initial(encoder), parameters = encoder.views(of: flat)
        let entries = encoder.layout.entries, weights = GradientCheck.normal([rows, encoder.outputCount], 2)
        let workspace = EncoderWorkspace(encoder, rows: rows, slots: 2)
        var outputs: [[Float]] = [], gradients: [[Float]] = []
        for slot in 0..<2 {
            let output = Tensor([rows, encoder.outputCount]), gradient = Tensor([encoder.layout.count])
            encoder.forward(input, parameters: parameters, workspace: workspace, slot: slot, output: output)
            let outputGradient = Tensor(weights.shape, weights.values)
            encoder.backward(
                input: input, output: output, outputGradient: outputGradient, parameters: parameters,
                workspace: workspace, slot: slot, gradients: encoder.views(of: gradient)
            ) { _ in }
            outputs.append(output.values)
            gradients.append(gradient.values)
        }
        #expect(outputs[0] == outputs[1] && gradients[0] == gradients[1])
        let x = input.values.map(Double.init), w = weights.values.map(Double.init)
        let p = entries.map { flat.flat($0.range).values.map(Double.init) }
        #expect(GradientCheck.close(outputs[0], reference(x, p), limit: 2e-5))
        for (index, entry) in entries.enumerated() {
            let isCorrect = GradientCheck.isGradient(Array(gradients[0][entry.range]), p[index], limit: 2e-5) { moved in
                var all = p
                all[index] = moved
                return GradientCheck.dot(reference(x, all), w)
            }
            #expect(isCorrect, "\(entry.path)")
        }
    }

    private func encoder(
        _ architecture: some EncoderArchitecture, inputShape: [Int]
    ) throws -> Encoder {
        try Encoder(
            EncoderSpecification(architecture), inputShape: inputShape, classes: nil, embedding: 3, initialScale: 1,
            shards: 2)
    }

    @Test(arguments: [DeepSetsEncoder.Pool.mean, .sum], [false, true])
    func setEqualsReference(_ pool: DeepSetsEncoder.Pool, _ hasTokens: Bool) throws {
        let lengths = [4, 1, 3, 0, 2], positions = 4
        let encoder = try encoder(
            DeepSetsEncoder(
                elementWidths: [6, 5], pool: pool, widths: [7], activation: .gelu, vocabulary: hasTokens ? 7 : nil,
                width: 3), inputShape: hasTokens ? [positions] : [positions, 3])
        let input: Tensor
        if hasTokens {
            input = SequenceLayerTests.ids(lengths, positions: positions)
        } else {
            input = GradientCheck.normal([5, positions, 3], 1)
            for (row, length) in lengths.enumerated() {
                input.rows(row..<(row + 1)).flat((length * 3)..<(positions * 3)).fill(0)
            }
        }
        let paths = ["weight", "bias"].flatMap { name in (0..<4).map { "\($0 + (hasTokens ? 1 : 0))/\(name)" } }
        #expect(Set(encoder.layout.entries.map(\.path)) == Set(paths + (hasTokens ? ["0/weight"] : [])))
        check(encoder, input: input) { x, all in
            let p = Array(hasTokens ? all.dropFirst() : all[...])
            let elements = hasTokens ? ReferenceSequences.embedding(x, all[0], width: 3) : x
            let first = ReferenceLayers.linear(
                elements, rows: 5 * positions, weight: p[0], bias: p[1], outputs: 6, .gelu)
            let second = ReferenceLayers.linear(
                first, rows: 5 * positions, weight: p[2], bias: p[3], outputs: 5, .gelu)
            let pooled = ReferenceSequences.pool(
                second, lengths: lengths, positions: positions, width: 5,
                pool == .mean ? ReferenceSequences.mean : ReferenceSequences.sum)
            let hidden = ReferenceLayers.linear(pooled, rows: 5, weight: p[4], bias: p[5], outputs: 7, .gelu)
            return ReferenceLayers.linear(hidden, rows: 5, weight: p[6], bias: p[7], outputs: 3, .identity)
        }
    }

    /// The kernels 2 and 4 reach beyond short texts.
    @Test func textConvolutionEqualsReference() throws {
        let lengths = [6, 1, 3, 0, 5], positions = 6, width = 4, kernels = [2, 3, 4], channels = 5
        let encoder = try encoder(
            TextConvolutionalEncoder(vocabulary: 7, width: width, kernels: kernels, channels: channels),
            inputShape: [positions])
        #expect(
            encoder.layout.entries.map(\.path) == ["0/weight"]
                + (0..<3).flatMap { ["1/\($0)/0/weight", "1/\($0)/0/bias"] } + ["2/weight", "2/bias"])
        check(encoder, input: SequenceLayerTests.ids(lengths, positions: positions)) { x, p in
            let embedded = ReferenceSequences.embedding(x, p[0], width: width)
            let parts = kernels.enumerated().map { index, kernel in
                ReferenceSequences.pool(
                    ReferenceSequences.convolution(
                        embedded, weight: p[1 + 2 * index], bias: p[2 + 2 * index], lengths: lengths,
                        positions: positions, width: width, outputs: positions, channels: channels, kernel: kernel,
                        stride: 1, front: (kernel - 1) / 2, outputLengths: nil
                    ) { max(0, $0) }, lengths: lengths, positions: positions, width: channels,
                    ReferenceSequences.largest)
            }
            return ReferenceLayers.linear(
                ReferenceSequences.joined(parts, rows: 5), rows: 5, weight: p[7], bias: p[8], outputs: 3, .identity)
        }
    }

    /// Branches of different widths over positions, with the input's gradient.
    @Test func parallelEqualsReference() {
        let layer = Parallel([
            Linear(inputShape: [2, 4], outputs: 3, activation: .tanh, overLastAxis: true),
            ActivationLayer(.gelu, shape: [2, 4]),
            Sequential([
                Linear(inputShape: [2, 4], outputs: 5, bias: false, overLastAxis: true),
                ActivationLayer(.gelu, shape: [2, 5]),
            ]),
        ])
        #expect(
            layer.outputShape == [2, 12] && layer.parameterShapes.map(\.name) == ["0/weight", "0/bias", "2/0/weight"])
        GradientCheck.check(layer, rows: 3) { x, p in
            ReferenceSequences.joined(
                [
                    ReferenceLayers.linear(x, rows: 6, weight: p[0], bias: p[1], outputs: 3, .tanh),
                    x.map { ReferenceLayers.activate(.gelu, $0) },
                    ReferenceLayers.linear(x, rows: 6, weight: p[2], bias: nil, outputs: 5, .gelu),
                ], rows: 6)
        }
    }

    private func read(_ yaml: String) throws -> (specification: EncoderSpecification, problems: [String]) {
        let node = try ConfigurationNode(yaml: yaml) { .file(name: "c", line: $0, column: $1) }
        let problems = ConfigurationBlock.Problems()
        let block = ConfigurationBlock(
            node, path: "", location: .file(name: "c", line: 1, column: 1), problems: problems,
            registry: Registry(encoderKinds + layerKinds))
        return (EncoderSpecification.table.read(block), problems.all.map(\.description))
    }

    private func made(_ yaml: String, _ inputShape: [Int], embedding: Int = 2) throws -> Encoder {
        let (specification, problems) = try read(yaml)
        #expect(problems == [], "\(yaml)")
        // What is written is read again.
        let written = YAMLValue.text(of: EncoderSpecification.table.entries(of: specification))
        let again = try read(written)
        #expect(again.problems == [] && again.specification == specification, "\(written)")
        return try Encoder(
            specification, inputShape: inputShape, classes: nil, embedding: embedding, initialScale: 1, shards: 1)
    }

    @Test func configsListTheLayers() throws {
        let tokens = "kind: layers\nlayers: [{token_embedding: {vocabulary: 9, width: 4}}, "
        func shapes(_ yaml: String, _ inputShape: [Int]) throws -> [[Int]] {
            try made(yaml, inputShape).layers.map(\.outputShape)
        }
        #expect(
            try shapes(tokens + "{conv1d: 6}, {linear: 5}, {attention_pool: {}}, {linear: 2}]", [7])
                == [[7, 4], [7, 6], [7, 5], [5], [2]])
        #expect(
            try shapes(
                tokens + "{conv1d: {channels: 6, kernel: 3, stride: 2, padding: 1, bias: false}}, first_token, "
                    + "{linear: {width: 2, bias: false}}]", [7]) == [[7, 4], [4, 6], [6], [2]])
        #expect(
            try shapes(tokens + "{parallel: [[mean_pool], [{conv1d: 3}, sum_pool]]}, {linear: 2}]", [7])
                == [[7, 4], [7], [2]])
        #expect(
            try shapes("kind: layers\nlayers: [{embedding_bag: {vocabulary: 9, width: 2, reduction: sum}}]", [7])
                == [[2]])
        #expect(
            try shapes("kind: layers\nlayers: [masking, {attention_pool: 2}, {linear: 2}]", [7, 4])
                == [[7, 4], [4], [2]])
        #expect(
            try shapes("kind: set\nelement_widths: [8, 6]\nwidths: [5]\npool: sum", [7, 4])
                == [[7, 4], [7, 8], [7, 6], [6], [5], [2]])
        #expect(
            try shapes("kind: set\nvocabulary: 12\nwidth: 3\nelement_widths: []", [7]) == [[7, 3], [3], [2]])
        #expect(
            try shapes("kind: text_cnn\nvocabulary: 12\nkernels: [2, 3]\nchannels: 4", [7]) == [[7, 128], [8], [2]])
    }

    private func message(_ yaml: String, _ inputShape: [Int]) throws -> String {
        do {
            _ = try made(yaml, inputShape)
            return ""
        } catch let error as NetworkError {
            return error.description
        }
    }

    @Test func errorsSayWhatToDo() throws {
        func layers(_ list: String, _ inputShape: [Int]) throws -> String {
            try message("kind: layers\nlayers: [\(list)]", inputShape)
        }
        #expect(
            try layers("{linear: 4}, {token_embedding: {vocabulary: 9, width: 2}}", [3, 2]).contains(
                "layers[1].token_embedding: token_embedding needs token ids, one whole number a position, but the "
                    + "samples have the shape [3, 4]"))
        #expect(
            try layers("mean_pool", [3]).contains(
                "mean_pool needs an image or a sequence, a shape of at least two extents, but it follows a "
                    + "layer with output shape [3]"))
        #expect(try layers("{attention_pool: 3}", [3, 4]).contains("divides 4 features between 3 heads"))
        #expect(try layers("first_token", [3, 4, 5]).contains("needs sequences of shape [positions, width]"))
        #expect(
            try layers("{conv1d: {channels: 4, stride: 2}}", [3, 4]).contains("give padding as a number, such as 1"))
        #expect(
            try layers("{conv1d: {channels: 4, kernel: 5, padding: 0}}", [3, 4]).contains(
                "a kernel of 5 positions, but the sequence has only 3"))
        #expect(
            try layers("{parallel: [[{linear: 4}], [{conv1d: {channels: 2, padding: 0}}]]}", [5, 4]).contains(
                "layers[0].parallel: the branches of parallel return the shapes [5, 4], [3, 2]"))
        #expect(
            try layers("{parallel: [[{linear: 4}], [{linear: 3}, mean_pool, mean_pool]]}", [5, 4]).contains(
                "layers[0].parallel.branches[1][2].mean_pool: mean_pool needs an image"))
        #expect(
            try message("kind: set\nelement_widths: [4]", [7]).contains("give vocabulary if the samples are token ids"))
        #expect(try message("kind: text_cnn\nvocabulary: 9", [7, 2]).contains("kind text_cnn needs token ids"))
        func problem(_ yaml: String) throws -> String { try read(yaml).problems.joined(separator: "\n") }
        #expect(
            try problem("kind: layers\nlayers: [{conv1d: {channels: 2, padding: some}}]").contains(
                "wanted same, or a whole number from 0; found"))
        #expect(try problem("kind: set\nelement_widths: [2]\nwidth: 3").contains("only sets of token ids embed them"))
    }

    /// A tokenizer's number of ids takes the place of a missing vocabulary, and of no other.
    @Test func tokenizerGivesTheVocabulary() throws {
        let found = try message("kind: text_cnn", [7])
        #expect(found.contains("kind text_cnn has no vocabulary, and the data name no tokenizer"), "\(found)")
        #expect(TextConvolutionalEncoder().completed(vocabulary: 9).vocabulary == 9)
        #expect(TextConvolutionalEncoder(vocabulary: 5).completed(vocabulary: 9).vocabulary == 5)
        #expect(TextTransformerEncoder().completed(vocabulary: 9).vocabulary == 9)
        #expect(SetTransformerEncoder().completed(vocabulary: 9).vocabulary == 9)
        #expect(DeepSetsEncoder(elementWidths: []).completed(vocabulary: 9).vocabulary == 9)
        #expect(LinearEncoder().completed(vocabulary: 9) == LinearEncoder())
        for kind in [EmbeddingBag.Kind(width: 2), TokenEmbedding.Kind(width: 2)] as [any LayerKind] {
            #expect(throws: NetworkError.self) { try kind.layer(inputShape: [7]) }
            let list = LayerListEncoder([kind]).completed(vocabulary: 9)
            #expect(try list.list.layers(inputShape: [7])[0].tokenVocabulary == 9)
        }
    }

    /// Layers with other parameters beside them, and weights of their own for each.
    @Test func innerParametersDiffer() throws {
        let encoder = try encoder(
            TextConvolutionalEncoder(vocabulary: 9, kernels: [3, 3], channels: 4), inputShape: [6])
        let flat = encoder.initialParameters(philox: Philox(seed: 3), encoderNumber: 0)
        let weights = encoder.layout.entries.filter { $0.path.hasPrefix("1/") && $0.path.hasSuffix("weight") }
            .map { flat.flat($0.range).values }
        #expect(weights.count == 2 && weights[0] != weights[1])
    }
}
