import CoupletNetworks
import CoupletTensors
import Testing

@Suite struct WeightInitializationTests {
    typealias Law = WeightInitialization.Law

    /// A map with its sizes as the papers count them, and what PyTorch's module has in place of nn.Linear's start.
    struct Map: Sendable, CustomTestStringConvertible {
        enum Own: Sendable {
            /// √(6 / (in + out))
            case glorotUniform
            /// N(0, 2 / n)
            case normal(Double)
        }

        let name: String
        let layer: any Layer
        let weight: Int
        let bias: Int?
        let fanIn: Double
        let fanOut: Double
        var activation = Activation.identity
        var own: Own?
        var hasOwnBias = false

        var testDescription: String { "\(name), \(activation)" }
    }

    private static func linear(_ activation: Activation) -> Map {
        Map(
            name: "linear", layer: Linear(inputShape: [300], outputs: 200, activation: activation), weight: 0, bias: 1,
            fanIn: 300, fanOut: 200, activation: activation)
    }

    private static let attention = SelfAttention(inputShape: [5, 160], heads: 4)
    private static let block = TransformerBlock(inputShape: [5, 160], heads: 4, hidden: 320)
    private static let residual = Conv2d(
        inputShape: [8, 8, 32], channels: 64, kernel: 3, padding: 1, bias: false, initialization: .normalFanOut)

    static let maps: [Map] =
        [Activation.identity, .relu, .leakyRelu(slope: 0.5), .gelu, .tanh].map(linear) + [
            Map(
                name: "conv2d in groups",
                layer: Conv2d(inputShape: [6, 6, 64], channels: 96, kernel: 3, groups: 2, activation: .relu),
                weight: 0, bias: 1, fanIn: 32 * 9, fanOut: 48 * 9, activation: .relu),
            Map(
                name: "conv1d", layer: Conv1d(inputShape: [9, 40], channels: 300, kernel: 5), weight: 0, bias: 1,
                fanIn: 200, fanOut: 1_500),
            Map(
                name: "pooled convolution", layer: PooledConvolution(inputShape: [32, 4, 4], channels: 200), weight: 0,
                bias: 1, fanIn: 288, fanOut: 1_800, activation: .relu),
            Map(
                name: "patches", layer: PatchEmbedding(inputShape: [3, 16, 16], patch: 8, width: 256), weight: 0,
                bias: 1, fanIn: 192, fanOut: 256),
            Map(
                name: "attention pool", layer: AttentionPool(positions: 4, width: 400, heads: 20), weight: 0, bias: nil,
                fanIn: 400, fanOut: 20),
            Map(
                name: "q, k, v", layer: attention, weight: 0, bias: 1, fanIn: 160, fanOut: 480, own: .glorotUniform,
                hasOwnBias: true),
            Map(
                name: "attention's output", layer: attention, weight: 2, bias: 3, fanIn: 160, fanOut: 160,
                hasOwnBias: true),
            Map(
                name: "q, k, v of a block", layer: block, weight: 2, bias: 3, fanIn: 160, fanOut: 480,
                own: .glorotUniform, hasOwnBias: true),
            Map(
                name: "first map of a block", layer: block, weight: 8, bias: 9, fanIn: 160, fanOut: 320,
                activation: .gelu),
            Map(name: "second map of a block", layer: block, weight: 10, bias: 11, fanIn: 320, fanOut: 160),
            Map(
                name: "convolution of a residual network", layer: residual, weight: 0, bias: nil, fanIn: 288,
                fanOut: 576, own: .normal(576)),
        ]

    private static func parameters(_ layer: any Layer, _ initialization: WeightInitialization) -> [[Double]] {
        let encoder = Encoder(layers: [layer], initialization: initialization, shards: 1)
        let flat = encoder.initialParameters(philox: Philox(seed: 3), encoderNumber: 1)
        return encoder.views(of: flat)[0].map { $0.values.map(Double.init) }
    }

    /// Variance and fourth moment of a sample against those of the distribution, within five standard errors, and for a
    /// uniform one that it fills its bounds and does not leave them.
    private static func check(
        _ values: [Double], variance: Double, isNormal: Bool, _ location: SourceLocation = #_sourceLocation
    ) {
        let count = Double(values.count), fourth = isNormal ? 3.0 : 9.0 / 5
        // The variances of x² and x⁴, from the moments of order 8.
        let eighth = isNormal ? 105.0 : 9
        let squares = values.reduce(0) { $0 + $1 * $1 / variance } / count
        let fourths = values.reduce(0) { $0 + $1 * $1 * $1 * $1 / (variance * variance) } / count
        let mean = values.reduce(0, +) / count
        #expect(abs(mean) <= 5 * (variance / count).squareRoot(), sourceLocation: location)
        #expect(abs(squares - 1) <= 5 * ((fourth - 1) / count).squareRoot(), sourceLocation: location)
        let error = ((eighth - fourth * fourth) / count).squareRoot()
        #expect(abs(fourths - fourth) <= 5 * error, sourceLocation: location)
        if !isNormal {
            let bound = (3 * variance).squareRoot(), largest = values.map(abs).max() ?? 0
            // The largest of n is above 1 - 12 / n of the bound but for e⁻¹² of the samples.
            #expect(largest <= bound * (1 + 1e-6) && largest >= bound * (1 - 12 / count), sourceLocation: location)
        }
    }

    @Test(arguments: Law.allCases, maps)
    func variance(_ law: Law, _ map: Map) {
        for (biases, gain) in [(WeightInitialization.Biases.zero, Float(1)), (.uniform, 0.5)] {
            let parameters = Self.parameters(map.layer, WeightInitialization(law: law, gain: gain, biases: biases))
            let (fanIn, fanOut) = (map.fanIn, map.fanOut), square = Double(gain * gain)
            let isOwn = law == .pytorch || law == .byActivation
            var variance: Double, isNormal: Bool
            switch (law, map.activation) {
            case (.pytorch, _): variance = 1 / (3 * fanIn)
            case (.heUniform, _), (.heNormal, _): variance = 2 / fanIn
            case (.glorotUniform, _), (.glorotNormal, _): variance = 2 / (fanIn + fanOut)
            case (.lecunUniform, _), (.lecunNormal, _): variance = 1 / fanIn
            case (.byActivation, .identity): variance = 1 / fanIn
            case (.byActivation, .relu), (.byActivation, .gelu): variance = 2 / fanIn
            case (.byActivation, .leakyRelu(let slope)): variance = 2 / (fanIn * (1 + Double(slope * slope)))
            case (.byActivation, .tanh): variance = 2 / (fanIn + fanOut)
            }
            switch law {
            case .heNormal, .glorotNormal, .lecunNormal: isNormal = true
            default: isNormal = false
            }
            switch map.own {
            case .glorotUniform? where isOwn: variance = 2 / (fanIn + fanOut)
            case .normal(let count)? where isOwn: (variance, isNormal) = (2 / count, true)
            default: break
            }
            Self.check(parameters[map.weight], variance: variance * square, isNormal: isNormal)
            guard let bias = map.bias else { continue }
            if biases == .zero || isOwn && map.hasOwnBias {
                #expect(parameters[bias].allSatisfy { $0 == 0 })
            } else {
                Self.check(parameters[bias], variance: square / (3 * fanIn), isNormal: false)
            }
        }
    }

    /// The law of runs before the key: w = b (2 u - 1) with the uniform numbers of the stream, in single precision.
    @Test func lawBeforeTheKeyHasItsBits() {
        let layer = Linear(inputShape: [30], outputs: 20, activation: .leakyRelu(slope: 0.2)), philox = Philox(seed: 3)
        let encoder = Encoder(
            layers: [layer], initialScale: 0.1, initialization: WeightInitialization(law: .byActivation), shards: 1)
        let views = encoder.views(of: encoder.initialParameters(philox: philox, encoderNumber: 1))[0]
        let numbers = Tensor([600])
        philox.fillUniform(numbers, .initialization, number: 1 << 32)
        let bound = (6 / ((1 + Float(0.2) * Float(0.2)) * Float(30))).squareRoot() * Float(0.1)
        #expect(views[0].values == numbers.values.map { (2 * $0 - 1) * bound })
        #expect(views[1].values.allSatisfy { $0 == 0 })
    }

    /// A layer alone starts as one in an encoder with the default.
    @Test func layersStartByTheDefault() {
        for map in Self.maps {
            let own = map.layer.parameterShapes.map { Tensor($0.shape) }
            map.layer.initialize(own, philox: Philox(seed: 3), firstNumber: 1 << 32, scale: 1)
            #expect(
                own.map { $0.values.map(Double.init) } == Self.parameters(map.layer, WeightInitialization()),
                "\(map.name)")
        }
    }

    /// The factor of the last layer scales weights and biases of its last maps, also inside other layers.
    @Test func scaleAppliesToLastMaps() {
        func linear() -> Linear { Linear(inputShape: [4], outputs: 4) }
        func parameters(_ scale: Float) -> [(path: String, values: [Float])] {
            let encoder = Encoder(
                layers: [
                    linear(),
                    Parallel([
                        Sequential([linear(), Residual([linear(), linear()], projection: linear())]), linear(),
                    ]),
                ], initialScale: scale, initialization: WeightInitialization(law: .heNormal, biases: .uniform),
                shards: 1)
            let flat = encoder.initialParameters(philox: Philox(seed: 2), encoderNumber: 0)
            return encoder.layout.entries.map { ($0.path, flat.flat($0.range).values) }
        }
        let whole = parameters(1), half = parameters(0.5)
        #expect(Set(whole.map(\.values)).count == whole.count)
        let scaled = zip(whole, half).filter { $0.values.map { $0 * 0.5 } == $1.values }.map { $0.0.path }
        let kept = zip(whole, half).filter { $0.values == $1.values }.map { $0.0.path }
        #expect(
            scaled.map { $0.split(separator: "/").dropFirst().joined(separator: "/") } == [
                "0/1/1/weight", "0/1/1/bias", "0/1/projection/weight", "0/1/projection/bias", "1/weight", "1/bias",
            ])
        #expect(kept.count + scaled.count == whole.count)
    }

    /// Embeddings, positions and normalisations have laws of their own.
    @Test func otherParametersKeepTheirLaw() {
        let layers: [any Layer] = [
            LabelEmbedding(classes: 7, embedding: 5), TokenEmbedding(positions: 3, vocabulary: 9, width: 5),
            EmbeddingBag(positions: 3, vocabulary: 9, width: 5), PositionalEmbedding(inputShape: [3, 5]),
            ClassToken(inputShape: [3, 5]), BatchNorm(inputShape: [4]), LayerNorm(inputShape: [4]),
        ]
        for layer in layers {
            let own = layer.parameterShapes.map { Tensor($0.shape) }
            layer.initialize(own, philox: Philox(seed: 3), firstNumber: 1 << 32, scale: 1)
            #expect(
                own.map { $0.values.map(Double.init) }
                    == Self.parameters(layer, WeightInitialization(law: .heNormal, gain: 3)), "\(layer.tableName)")
        }
    }
}
