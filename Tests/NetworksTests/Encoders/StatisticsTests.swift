import CoupletNetworks
import CoupletTensors
import Testing

/// Running statistics of layers: their place, who writes them, and who reads them.
@Suite struct StatisticsTests {
    /// A normalisation after a linear layer, and one without parameters inside a residual layer.
    private static let encoder = Encoder(
        layers: [
            Linear(inputShape: [3], outputs: 5), OwnNormalisation(inputShape: [5]),
            Residual([ActivationLayer(.relu, shape: [5]), OwnNormalisation(inputShape: [5])]),
            Linear(inputShape: [5], outputs: 2),
        ], initialScale: 0.5, shards: 4)

    @Test func layoutNamesThem() {
        let layout = Self.encoder.statisticsLayout
        #expect(layout.entries.map(\.path) == ["1/mean", "1/variance", "2/0/mean", "2/0/variance"])
        #expect(layout.parameterCount == 20 && layout.buckets.count == 1 && layout.count % (16 * 4) == 0)
        #expect(Self.encoder.layout.entries.map(\.path) == ["0/weight", "0/bias", "3/weight", "3/bias"])
        let initial = Self.encoder.initialStatistics()
        for entry in layout.entries {
            let expected: Float = entry.path.hasSuffix("variance") ? 1 : 0
            #expect(initial.flat(entry.range).values.allSatisfy { $0 == expected })
        }
        let plain = Encoder(layers: [Linear(inputShape: [3], outputs: 5)], shards: 4)
        #expect(plain.statisticsLayout.count == 0 && plain.statisticsLayout.buckets.isEmpty)
        #expect(plain.initialStatistics().count == 0)
        // A layer with statistics alone has no bucket of parameters.
        let bare = Encoder(layers: [OwnNormalisation(inputShape: [5])], shards: 4)
        #expect(bare.layout.count == 0 && bare.layout.buckets.isEmpty && bare.statisticsLayout.buckets.count == 1)
    }

    /// The statistics of a shard are those of the activations: checked for the first normalisation.
    @Test func trainingWritesThoseOfTheShard() {
        let encoder = Self.encoder, rows = 8, count = encoder.statisticsLayout.count
        let parameters = encoder.views(of: encoder.initialParameters(philox: Philox(seed: 3), encoderNumber: 0))
        let workspace = EncoderWorkspace(encoder, rows: rows, slots: 1), output = Tensor([rows, 2])
        let running = encoder.initialStatistics(), shard = Tensor([count])
        shard.fill(.nan)
        var hidden: [Double] = []
        func forward(_ context: EncoderContext) {
            encoder.forward(
                GradientCheck.normal([rows, 3], 1), parameters: parameters, workspace: workspace, slot: 0,
                output: output, context: context
            ) { if $0 == 0 { hidden = $1.values.map(Double.init) } }
        }
        func training(_ shardStatistics: [[Tensor]]) -> EncoderContext {
            .training(
                philox: Philox(seed: 1), encoderNumber: 0, input: 0, firstDraw: 0,
                statistics: encoder.statisticsViews(of: running), shardStatistics: shardStatistics)
        }
        forward(training(encoder.statisticsViews(of: shard)))
        let views = encoder.statisticsViews(of: shard)
        for column in 0..<5 {
            let values = (0..<rows).map { hidden[$0 * 5 + column] }, mean = values.reduce(0, +) / Double(rows)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rows - 1)
            #expect(abs(Double(views[1][0][column]) - mean) <= 1e-6)
            #expect(abs(Double(views[1][1][column]) - variance) <= 1e-6 * (1 + variance))
        }
        #expect(views[2].allSatisfy { $0.values.allSatisfy(\.isFinite) } && views[0].isEmpty && views[3].isEmpty)

        // A recomputing pass and an evaluation leave all statistics alone; the recomputing pass gives the same output.
        let trained = output.values, written = shard.values
        forward(training([]))
        #expect(output.values == trained)
        forward(.evaluation(statistics: encoder.statisticsViews(of: running)))
        #expect(output.values != trained && running.values == encoder.initialStatistics().values)
        #expect(zip(shard.values, written).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
    }

    /// running ← 0.9 running + 0.1 mean, for the statistics of inner layers as well.
    @Test func updatesOnceAStep() {
        let encoder = Self.encoder, running = encoder.initialStatistics(), means = Tensor([running.count])
        for entry in encoder.statisticsLayout.entries {
            for i in entry.range { means[i] = Float(i) }
        }
        let before = running.values
        encoder.updateStatistics(running, means: means)
        for entry in encoder.statisticsLayout.entries {
            for i in entry.range { #expect(running[i] == 0.9 * before[i] + 0.1 * Float(i)) }
        }
    }

    @Test func normalisationEqualsReference() {
        let context = LayerContext.training(
            philox: Philox(seed: 1), firstDraw: 0, statistics: [Tensor([4]), Tensor([4])])
        GradientCheck.check(OwnNormalisation(inputShape: [4]), rows: 7, limit: 5e-5, context: context) { x, _ in
            OwnNormalisation.reference(x, rows: 7)
        }
        // Inside a residual layer with a projection.
        let layer = Residual(
            [Linear(inputShape: [3], outputs: 4), OwnNormalisation(inputShape: [4])],
            projection: Sequential([
                Linear(inputShape: [3], outputs: 4, bias: false), OwnNormalisation(inputShape: [4]),
            ]))
        #expect(
            layer.statisticShapes.map(\.name) == [
                "1/mean", "1/variance", "projection/1/mean", "projection/1/variance",
            ])
        let statistics = layer.statisticShapes.map { Tensor($0.shape) }
        GradientCheck.check(
            layer, rows: 7, limit: 5e-5,
            context: .training(philox: Philox(seed: 1), firstDraw: 0, statistics: statistics)
        ) { x, p in
            func branch(_ weight: [Double], _ bias: [Double]?) -> [Double] {
                OwnNormalisation.reference(
                    ReferenceLayers.linear(x, rows: 7, weight: weight, bias: bias, outputs: 4, .identity), rows: 7)
            }
            return zip(branch(p[0], p[1]), branch(p[2], nil)).map { $0 + $1 }
        }
    }
}
