import CoupletNetworks
import CoupletTensors
import Testing

/// Recomputation by blocks, and outputs that backward does not read.
@Suite struct RecomputationTests {
    // MARK: - Cuts

    /// All cuts of a few layers: weight · Σ inputs + the largest block.
    private func smallest(inputs: [Int], kept: [Int], saved: [Int], weight: Int) -> Int {
        let count = kept.count
        return (0..<(1 << (count - 1))).map { mask -> Int in
            var stored = 0, largest = 0, block = 0
            for layer in 0..<count {
                block += saved[layer]
                let isEnd = layer == count - 1 || mask >> layer & 1 == 1
                if isEnd {
                    largest = max(largest, block)
                    block = 0
                    if layer < count - 1 { stored += inputs[layer] }
                } else {
                    block += kept[layer]
                }
            }
            return weight * stored + largest
        }.min() ?? 0
    }

    @Test func cutsAreTheSmallest() {
        var philox: UInt64 = 7
        func random(_ limit: Int) -> Int {
            philox = philox &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(philox >> 40) % limit
        }
        for layers in 1...9 {
            for _ in 0..<30 {
                let inputs = (0..<(layers - 1)).map { _ in 1 + random(40) }
                let kept = (0..<layers).map { $0 < layers - 1 && random(4) > 0 ? inputs[$0] : 0 }
                let saved = (0..<layers).map { _ in random(60) }
                let cut = BlockCut(inputs: inputs, kept: kept, saved: saved)
                for weight in [1, 3, 8] {
                    let found = cut.smallest(weight: weight)
                    #expect(
                        found.count == smallest(inputs: inputs, kept: kept, saved: saved, weight: weight),
                        "\(inputs) \(kept) \(saved)")
                    #expect(found.blocks.flatMap { Array($0) } == Array(0..<layers))
                }
            }
        }
    }

    /// Twelve equal blocks with the input w and 12 w inside, as in a transformer.
    @Test func deepEncodersAreCut() {
        let width = 100, depth = 12
        let cut = BlockCut(
            inputs: [Int](repeating: width, count: depth - 1),
            kept: [Int](repeating: width, count: depth - 1) + [0], saved: [Int](repeating: 12 * width, count: depth))
        let one = cut.best(slots: 1)
        #expect(one.keepsBlockInputs && one.blocks.count == depth)
        // Four blocks of three layers: 8 · 3 w + 3 · 12 w + 2 w = 62 w, at most four times 11 w + 12 w.
        let eight = cut.best(slots: 8)
        #expect(eight.keepsBlockInputs && eight.blocks == [0..<3, 3..<6, 6..<9, 9..<12])
        // Two blocks take 64 w + 6 · 12 w + 5 w = 141 w.
        let many = cut.best(slots: 64)
        #expect(!many.keepsBlockInputs && many.blocks.count == depth)
        // Two layers stay together.
        let shallow = BlockCut(inputs: [100], kept: [100, 0], saved: [0, 0]).best(slots: 4)
        #expect(shallow.blocks == [0..<2] && shallow.keepsBlockInputs)
    }

    @Test func manyLayersAreCutInTime() {
        let layers = 600
        let cut = BlockCut(
            inputs: (0..<(layers - 1)).map { 10 + $0 % 7 },
            kept: (0..<layers).map { $0 < layers - 1 ? 10 + $0 % 7 : 0 },
            saved: (0..<layers).map { 30 + $0 % 11 })
        let started = ContinuousClock.now, (blocks, _) = cut.best(slots: 1)
        #expect(blocks.count > 10 && ContinuousClock.now - started < .seconds(5))
    }

    // MARK: - Bits

    /// Dropouts, normalisations with statistics, residual layers whose sum the next layer reads, and outputs that
    /// nobody reads.
    private static let deep: Encoder = {
        var layers: [any Layer] = [Linear(inputShape: [6], outputs: 16)]
        for block in 0..<12 {
            layers += [
                Residual(
                    [
                        OwnNormalisation(inputShape: [16]), Linear(inputShape: [16], outputs: 40, activation: .gelu),
                        OwnDropout(inputShape: [40], probability: 0.3), Linear(inputShape: [40], outputs: 16),
                    ], activation: block % 2 == 0 ? .identity : .relu),
                ActivationLayer(block % 3 == 0 ? .gelu : .relu, shape: [16]),
                ActivationLayer(.tanh, shape: [16]),
            ]
        }
        return Encoder(layers: layers + [Linear(inputShape: [16], outputs: 5)], shards: 4)
    }()

    private struct Step: Equatable {
        var outputs: [[Float]] = []
        var gradients: [[Float]] = []
        var statistics: [[Float]] = []
    }

    /// Forward of all shards, then backward from the last to the first, as a training step has it.
    private func step(_ encoder: Encoder, slots: Int, recomputes: Bool) -> Step {
        let rows = 8, flat = EncoderCheck.initial(encoder), parameters = encoder.views(of: flat)
        let workspace = EncoderWorkspace(encoder, rows: rows, slots: slots, recomputes: recomputes)
        #expect(workspace.recomputes == recomputes)
        let running = encoder.statisticsViews(of: encoder.initialStatistics())
        func context(_ slot: Int, _ statistics: [[Tensor]] = []) -> EncoderContext {
            .training(
                philox: Philox(seed: 3), encoderNumber: 0, input: 0, firstDraw: UInt64(slot * rows),
                statistics: running, shardStatistics: statistics)
        }
        let inputs = (0..<slots).map { GradientCheck.normal([rows] + encoder.inputShape, 100 + $0) }
        let outputs = (0..<slots).map { _ in Tensor([rows, encoder.outputCount]) }
        var result = Step()
        for slot in 0..<slots {
            let statistics = Tensor([encoder.statisticsLayout.count])
            encoder.forward(
                inputs[slot], parameters: parameters, workspace: workspace, slot: slot, output: outputs[slot],
                context: context(slot, encoder.statisticsViews(of: statistics)))
            result.statistics.append(statistics.values)
        }
        for slot in (0..<slots).reversed() {
            let gradient = Tensor([encoder.layout.count])
            encoder.backward(
                input: inputs[slot], output: outputs[slot],
                outputGradient: GradientCheck.normal(outputs[slot].shape, 200 + slot), parameters: parameters,
                workspace: workspace, slot: slot, gradients: encoder.views(of: gradient), context: context(slot),
                followsForward: slot == slots - 1
            ) { _ in }
            result.gradients.append(gradient.values)
            result.outputs.append(outputs[slot].values)
        }
        return result
    }

    /// One slot, block inputs of all slots, and block inputs of one slot with a second forward pass.
    @Test(arguments: [1, 2, 4, 16, 64]) func recomputedActivationsHaveTheBitsOfKeptOnes(_ slots: Int) {
        let kept = step(Self.deep, slots: slots, recomputes: false)
        let recomputed = step(Self.deep, slots: slots, recomputes: true)
        #expect(kept == recomputed)
        #expect(kept.gradients.allSatisfy { $0.allSatisfy(\.isFinite) && $0.contains { $0 != 0 } })
        #expect(kept.statistics.allSatisfy { $0.contains { $0 != 0 } })
    }

    @Test func bothWaysOfRecomputationOccur() {
        func workspace(_ slots: Int) -> EncoderWorkspace {
            EncoderWorkspace(Self.deep, rows: 8, slots: slots, recomputes: true)
        }
        #expect(workspace(2).keepsBlockInputs && !workspace(64).keepsBlockInputs)
        #expect(workspace(2).blocks.count > 1 && workspace(64).blocks.count > 1)
        let kept = Self.deep.memory(rows: 8, slots: 64).activations
        let recomputed = Self.deep.memory(rows: 8, slots: 64, recomputes: true).activations
        let single = Self.deep.memory(rows: 8, slots: 1).activations
        #expect(recomputed < single / 2 && single < kept / 32)
        #expect(Self.deep.memory(rows: 8, slots: 1, backward: false).activations < recomputed)
    }

    /// A shallow encoder keeps the activations of one shard, as gradient caching does.
    @Test func shallowEncodersStayOneBlock() throws {
        let encoder = try Encoder(
            .multilayerPerceptron(widths: [10, 20], activation: .gelu, bias: true), inputShape: [5], classes: nil,
            embedding: 7, initialScale: 1, shards: 2)
        let workspace = EncoderWorkspace(encoder, rows: 8, slots: 3, recomputes: true)
        #expect(workspace.blocks == [0..<3])
        #expect(step(encoder, slots: 3, recomputes: true) == step(encoder, slots: 3, recomputes: false))
    }

    // MARK: - Outputs that backward does not read

    /// The relu layer reads its output alone, so the linear layer's output only passes.
    @Test func unreadOutputsAreNotKept() {
        let encoder = Encoder(
            layers: [
                Linear(inputShape: [4], outputs: 32), ActivationLayer(.relu, shape: [32]),
                Linear(inputShape: [32], outputs: 3),
            ], shards: 1)
        let memory = encoder.memory(rows: 16, slots: 5)
        #expect(memory.activations == 5 * 16 * 32 * 4)
        #expect(memory.activationGradients == 2 * 16 * 32 * 4)
        // An evaluation keeps one output and its successor.
        #expect(encoder.memory(rows: 16, slots: 1, backward: false).activations == 2 * 16 * 32 * 4)
    }

    /// f(x) is not kept where the last layer of f does not read it.
    @Test func residualLayersKeepWhatBackwardReads() {
        func saved(_ layer: Residual) -> Int { layer.savedForBackwardCount(rows: 16) }
        let linear = Linear(inputShape: [16], outputs: 16),
            relu = Linear(
                inputShape: [16], outputs: 16, activation: .relu)
        #expect(saved(Residual([linear])) == 0 && saved(Residual([relu])) == 256)
        #expect(saved(Residual([linear], projection: linear)) == 0)
        #expect(saved(Residual([linear], projection: relu)) == 256)
        #expect(saved(Residual([relu, linear])) == 256)
        #expect(!Residual([linear]).backwardReadsOutput && Residual([linear], activation: .relu).backwardReadsOutput)
    }

    /// The activation in the same pass has the bits of an activation layer, and the right gradients.
    @Test(arguments: [Activation.relu, .leakyRelu(slope: 0.2)]) func residualAppliesActivations(
        _ activation: Activation
    ) throws {
        let body: [any Layer] = [
            Linear(inputShape: [5], outputs: 7, activation: .tanh), Linear(inputShape: [7], outputs: 5),
        ]
        for projection in [nil, Linear(inputShape: [5], outputs: 5, activation: .tanh)] {
            let plain = Residual(body, projection: projection)
            let folded = try #require(plain.applying(activation) as? Residual)
            #expect(folded.applying(activation) == nil && plain.applying(.gelu) == nil)
            func gradients(_ layers: [any Layer]) -> Step {
                step(
                    Encoder(layers: layers + [Linear(inputShape: [5], outputs: 3)], shards: 1), slots: 2,
                    recomputes: false)
            }
            #expect(gradients([folded]) == gradients([plain, ActivationLayer(activation, shape: [5])]))
            GradientCheck.check(folded, rows: 3) { x, p in
                let hidden = ReferenceLayers.linear(x, rows: 3, weight: p[0], bias: p[1], outputs: 7, .tanh)
                let f = ReferenceLayers.linear(hidden, rows: 3, weight: p[2], bias: p[3], outputs: 5, .identity)
                let other =
                    projection == nil
                    ? x : ReferenceLayers.linear(x, rows: 3, weight: p[4], bias: p[5], outputs: 5, .tanh)
                return zip(f, other).map { ReferenceLayers.activate(activation, $0 + $1) }
            }
        }
    }

    /// `afterLayer` sees every output before a later layer overwrites it.
    @Test func layersAreSeenInOrder() {
        let encoder = Self.deep, rows = 8, parameters = encoder.views(of: EncoderCheck.initial(encoder))
        let input = GradientCheck.normal([rows, 6], 1), output = Tensor([rows, 5])
        let statistics = encoder.statisticsViews(of: encoder.initialStatistics())
        func outputs(_ workspace: EncoderWorkspace) -> [[Float]] {
            var seen: [[Float]] = []
            encoder.forward(
                input, parameters: parameters, workspace: workspace, slot: 0, output: output,
                context: .evaluation(statistics: statistics)
            ) {
                #expect($0 == seen.count)
                seen.append($1.values)
            }
            return seen
        }
        let kept = outputs(EncoderWorkspace(encoder, rows: rows, slots: 1))
        #expect(kept.count == encoder.layers.count && kept.last == output.values)
        #expect(outputs(EncoderWorkspace(encoder, rows: rows, slots: 1, backward: false)) == kept)
        #expect(outputs(EncoderWorkspace(encoder, rows: rows, slots: 3, recomputes: true)) == kept)
    }
}
