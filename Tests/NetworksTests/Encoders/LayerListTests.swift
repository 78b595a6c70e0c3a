import CoupletNetworks
import CoupletSchema
import CoupletTensors
import Testing

/// Lists of layers: what they build, and the errors of layers that do not fit.
@Suite struct LayerListTests {
    /// A linear layer on vectors.
    struct Dense: LayerKind {
        var outputs = 0
        var activation = false

        static let name = "dense"
        static let shortKey: String? = "outputs"
        static let table = ConfigurationTable(
            Dense(), help: "A linear layer.",
            [
                .required("outputs", \.outputs, .integer(1...1_000, example: 64), "Numbers of the output."),
                .key("activation", \.activation, .flag, "Whether relu follows."),
            ])

        func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            guard inputShape.count == 1 else {
                throw NetworkError(
                    reason: "dense wants vectors; found the shape \(inputShape)", remedy: "put flat before")
            }
            return Linear(inputShape: inputShape, outputs: outputs, activation: activation ? .relu : .identity)
        }
    }

    /// relu
    struct Rectifier: LayerKind {
        static let name = "rectifier"
        static let table = ConfigurationTable(Rectifier(), help: "relu.", [])
        func layer(inputShape: [Int]) throws(NetworkError) -> any Layer { ActivationLayer(.relu, shape: inputShape) }
    }

    private func layers(_ list: [any LayerKind], from shape: [Int] = [4], embedding: Int = 3) throws -> [any Layer] {
        try LayerListEncoder(list).layers(inputShape: shape, classes: nil, embedding: embedding)
    }

    private func error(_ list: [any LayerKind], from shape: [Int] = [4], embedding: Int = 3) -> NetworkError? {
        do {
            _ = try layers(list, from: shape, embedding: embedding)
            return nil
        } catch { return error as? NetworkError }
    }

    @Test func layersFollowEachOther() throws {
        let built = try layers([
            Dense(outputs: 8), Rectifier(), Residual.Kind([Dense(outputs: 8), Rectifier(), Dense(outputs: 8)]),
            Rectifier(),
            Residual.Kind([Dense(outputs: 5)], projection: [Dense(outputs: 6), Dense(outputs: 5)]), Dense(outputs: 3),
        ])
        #expect(built.map(\.outputShape).last == [3])
        // relu belongs to the residual layer before it.
        let residual = try #require(built.compactMap { $0 as? Residual }.first)
        #expect(residual.activation == .relu)
        #expect(built.compactMap { $0 as? Residual }.last?.projection is Sequential)
    }

    @Test func errorsNameTheLayerInItsList() {
        let flat = error([Dense(outputs: 8), Dense(outputs: 3)], from: [2, 3])
        #expect(flat?.key == "layers[0].dense" && flat?.reason == "dense wants vectors; found the shape [2, 3]")
        let inner = error([Dense(outputs: 4), Residual.Kind([Rectifier(), Dense(outputs: 5)]), Dense(outputs: 3)])
        #expect(inner?.key == "layers[1].residual")
        #expect(inner?.reason.contains("return the shape [5], but what they are added to has the shape [4]") == true)
        #expect(inner?.remedy.contains("projection") == true)
        let nested = error(
            [Residual.Kind([Residual.Kind([Dense(outputs: 3)], projection: [Dense(outputs: 3)])])], from: [2, 2])
        #expect(nested?.key == "layers[0].residual.layers[0].residual.layers[0].dense")
        #expect(
            nested?.description
                == "layers[0].residual.layers[0].residual.layers[0].dense: dense wants vectors; found the shape "
                + "[2, 2]; put flat before")
        let projection = error([
            Residual.Kind([Dense(outputs: 3)], projection: [Dense(outputs: 4)])
        ])
        #expect(projection?.remedy == "make the projection return the shape [3]")
    }

    /// The error says what the last layer returns, and what leads to the embedding.
    @Test func theLastLayerReturnsTheEmbedding() {
        let vector = error([Dense(outputs: 8)])
        #expect(vector?.key == "layers[0].dense")
        #expect(vector?.reason == "the last layer returns 8 numbers, but encoders.embedding is 3")
        #expect(vector?.remedy == "append {linear: 3}, or set encoders.embedding to 8")
        func remedy(_ shape: [Int]) -> String? { error([Rectifier()], from: shape)?.remedy }
        #expect(remedy([10, 8])?.hasPrefix("append mean_pool, {linear: 3}, or") == true)
        #expect(remedy([10, 3])?.hasPrefix("append mean_pool, or") == true)
        #expect(remedy([2, 2, 2, 2])?.hasPrefix("append flatten, {linear: 3}, or") == true)
    }

    /// The parameters of a hand-counted encoder, and its operations.
    @Test func summaryEqualsTheClosedForm() throws {
        let encoder = Encoder(
            layers: try layers([
                Dense(outputs: 8, activation: true), Residual.Kind([Dense(outputs: 6), Dense(outputs: 8)]),
                Dense(outputs: 3),
            ]), shards: 1)
        let summary = LayerTable(encoder, rows: 16)
        #expect(summary.parameters == 4 * 8 + 8 + (8 * 6 + 6) + (6 * 8 + 8) + 8 * 3 + 3)
        #expect(summary.forwardFLOPs == 2 * (4 * 8 + 8 * 6 + 6 * 8 + 8 * 3))
        // Backward takes twice as many, but for the gradient of the samples.
        #expect(summary.stepFLOPs == 3 * summary.forwardFLOPs - 2 * 4 * 8)
        #expect(summary.rows.map(\.path) == [[0], [1], [1, 0], [1, 1], [2]])
        #expect(summary.rows.map(\.outputShape) == [[8], [8], [6], [8], [3]])
        #expect(summary.rows.map(\.parameters) == [40, 110, 54, 56, 27])
        // The output of the first layer, the inner output of the second, and its sum.
        #expect(summary.rows.map(\.activationBytes) == [8 * 4, (6 + 8) * 4, nil, nil, 0])
        #expect(summary.activationBytes * 16 == encoder.memory(rows: 16, slots: 1).activations)
    }

    /// torchvision's ResNet-18 has 11,689,512 parameters and 1,814,073,344 multiplications for an image of 224 × 224.
    @Test func residualNetworkHasItsWellKnownSize() throws {
        let layers = try ResNet18().layers(inputShape: [3, 224, 224], classes: nil, embedding: 1_000)
        let summary = LayerTable(Encoder(layers: layers, shards: 1), rows: 1)
        #expect(summary.parameters == 11_689_512)
        #expect(summary.forwardFLOPs == 2 * 1_814_073_344)
        // 20 batch normalisations with a mean and a variance for each channel.
        #expect(summary.statistics == 2 * (5 * 64 + 5 * (128 + 256 + 512)))
        // The images have no gradient.
        #expect(summary.stepFLOPs == 3 * summary.forwardFLOPs - 2 * 112 * 112 * 64 * 3 * 49)
        let deeper = try ResNet34().layers(inputShape: [3, 224, 224], classes: nil, embedding: 1_000)
        #expect(LayerTable(Encoder(layers: deeper, shards: 1), rows: 1).parameters == 21_797_672)
    }
}
