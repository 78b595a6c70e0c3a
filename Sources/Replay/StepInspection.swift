import CCoupletKernels
import CoupletEvaluation
import CoupletNetworks
import CoupletPairs
import CoupletTensors
import CoupletTraining

/// Looks into a replayed step: forward once more, shard by shard, for what a training step keeps no copy of; figures of every tensor; and
/// every tensor into the dump, where one is wanted.
struct StepInspection {
    private let replay: StepReplay
    private let step: ReplayedStep
    private let dump: StepDump?
    private let draws: [UInt64]
    /// The samples of the batch, for `PairSource.read`.
    private let numbers: [UInt64]

    init(_ replay: StepReplay, _ step: ReplayedStep, _ dump: StepDump?) throws {
        self.replay = replay
        self.step = step
        self.dump = dump
        let batch = replay.configuration.batch.size
        let sampler = try Sampler(
            batchSize: batch, sampleCount: replay.source.count(of: .training), seed: replay.configuration.seed)
        draws = sampler.draws(step: replay.step - 1, positions: 0..<batch)
        numbers = sampler.numbers(step: replay.step - 1, positions: 0..<batch)
    }

    /// The indices of the batch's samples among a finite source's training samples.
    private var indices: [UInt64]? { replay.source.count(of: .training) == nil ? nil : numbers }

    func report(worst: Int, threads: Int) throws -> ReplayReport {
        let configuration = replay.configuration, similarity = configuration.objective.similarity
        var first = try side(.first), second = try side(.second)
        try look(&first, &second)
        let report = ReplayReport(
            run: replay.folder.path, step: replay.step, startStep: replay.start.step,
            startCheckpoint: replay.start.checkpoint?.path,
            skippedCheckpoints: replay.start.skipped, threads: threads, runKernels: replay.kernels, checks: step.checks,
            digests: step.digests,
            loss: step.report.loss, learningRate: step.report.learningRate, gradientNorm: step.report.gradientNorm,
            temperature: step.report.temperature, clipScale: clipScale, digest: step.after.digest,
            logEvery: configuration.train.logEvery,
            draws: draws, indices: indices,
            scores: ScoreStatistics(
                first: step.firstEncodings, second: step.secondEncodings, similarity: similarity,
                temperature: scoreTemperature),
            pairLosses: step.pairLosses, worst: try worstPairs(worst), first: summary(first), second: summary(second),
            nonFinite: step.report.nonFinite)
        try writeDump(report)
        return report
    }

    /// τ; of `lp_simclr` with squares, -|g - h|² / τ is the quadratic similarity over τ/2. Its other distances are told by the quadratic similarity too.
    private var scoreTemperature: Double {
        replay.configuration.objective.loss.scoreTemperature(step.report.temperature)
    }

    /// What clipping multiplied the gradient by.
    private var clipScale: Double {
        guard let most = replay.configuration.optimizer.clipNorm, step.report.gradientNorm > most else { return 1 }
        return most / step.report.gradientNorm
    }

    // MARK: - Forward once more

    /// One encoder on its way through the shards.
    private struct Side {
        let modality: Modality
        let pass: BatchEncoder
        var inputs = TensorSummary()
        var outputs: [TensorSummary]

        var hidden: ArraySlice<any Layer> { pass.encoder.layers.dropLast() }
    }

    private func side(_ modality: Modality) throws -> Side {
        let encoder = replay.encoder(modality), flat = Tensor([encoder.layout.count])
        for entry in encoder.layout.entries {
            if let tensor = step.before.parameter("\(modality.rawValue)/\(entry.path)")?.tensor {
                flat.flat(entry.range).copy(from: tensor)
            }
        }
        let batch = replay.configuration.batch
        let side = Side(
            modality: modality, pass: BatchEncoder(encoder, parameters: flat, rows: batch.size / batch.shards),
            outputs: [TensorSummary](repeating: TensorSummary(), count: encoder.layers.count))
        try dump?.create("/inputs/\(modality.rawValue)", count: batch.size, shape: encoder.inputShape)
        for (number, layer) in side.hidden.enumerated() {
            try dump?.create("/activations/\(modality.rawValue)/\(number)", count: batch.size, shape: layer.outputShape)
        }
        return side
    }

    private func look(_ first: inout Side, _ second: inout Side) throws {
        let batch = replay.configuration.batch, rows = batch.size / batch.shards
        for start in stride(from: 0, to: batch.size, by: rows) {
            try replay.source.read(
                .training, Array(numbers[start..<(start + rows)]), first: first.pass.input, second: second.pass.input)
            try look(&first, from: start)
            try look(&second, from: start)
        }
    }

    private func look(_ side: inout Side, from start: Int) throws {
        let name = side.modality.rawValue, last = side.outputs.count - 1
        let output = side.pass.run(side.pass.input)
        side.inputs.add(side.pass.input)
        try dump?.writeRows("/inputs/\(name)", from: start, side.pass.input)
        for (number, activations) in side.pass.activations.enumerated() {
            side.outputs[number].add(activations)
            try dump?.writeRows(
                "/activations/\(name)/\(number)", from: start,
                Self.channelsFirst(activations, of: side.pass.encoder.layers[number]))
        }
        side.outputs[last].add(output)
    }

    /// A layer's output as its shape says, where images lie channels last between layers.
    private static func channelsFirst(_ output: Tensor, of layer: any Layer) -> Tensor {
        guard let layer = layer as? PooledConvolution, layer.outputLayout == .channelsLast else { return output }
        let result = Tensor(output.shape), channels = layer.outputShape[0], pixels = layer.outputCount / channels
        for row in 0..<output.rows {
            let place = row * layer.outputCount
            couplet_transpose(pixels, channels, output.pointer + place, channels, result.pointer + place, pixels)
        }
        return result
    }

    // MARK: - Figures

    private func summary(_ side: Side) -> EncoderSummary {
        let name = side.modality.rawValue
        let layers = zip(side.pass.encoder.layers, side.outputs).map { layer, output in
            EncoderSummary.Layer(kind: "\(type(of: layer))", shape: layer.outputShape, output: output)
        }
        let parameters = side.pass.encoder.layout.entries.map { entry -> EncoderSummary.Parameter in
            let path = "\(name)/\(entry.path)"
            let before = step.before.parameter(path)!.tensor!, after = step.after.parameter(path)!.tensor!
            let update = (0..<before.count).reduce(0.0) { sum, place in
                let change = Double(after.pointer[place]) - Double(before.pointer[place])
                return sum + change * change
            }
            return EncoderSummary.Parameter(
                path: entry.path, shape: entry.shape, before: TensorSummary(before),
                gradient: TensorSummary(gradient(path) ?? Tensor(entry.shape)),
                after: TensorSummary(after), updateNorm: update.squareRoot())
        }
        return EncoderSummary(
            modality: side.modality, inputs: side.inputs, layers: layers,
            encodingGradients: TensorSummary(
                side.modality == .first ? step.firstEncodingGradients : step.secondEncodingGradients),
            parameters: parameters,
            gradientNorm: side.modality == .first ? step.report.firstGradientNorm : step.report.secondGradientNorm)
    }

    /// Nil where the parameter is frozen.
    private func gradient(_ path: String) -> Tensor? { step.gradients.first { $0.path == path }?.array.tensor }

    private func worstPairs(_ count: Int) throws -> [WorstPair] {
        let losses = step.pairLosses
        // One that is no number is the worst of all.
        let order = losses.indices.sorted { a, b in
            let (x, y) = (losses[a].isNaN ? .infinity : losses[a], losses[b].isNaN ? .infinity : losses[b])
            return x == y ? a < b : x > y
        }.prefix(count)
        let labels = try replay.source.labels(.training, order.map { numbers[$0] })
        let scores = PairScores(
            first: step.firstEncodings, second: step.secondEncodings,
            similarity: replay.configuration.objective.similarity,
            temperature: scoreTemperature)
        return order.enumerated().map { place, position in
            WorstPair(
                position: position, draw: draws[position], index: indices?[position], label: labels?[place],
                loss: losses[position],
                score: scores[position, position], row: scores.standing(of: position, inRow: true),
                column: scores.standing(of: position, inRow: false))
        }
    }

    // MARK: - The dump

    private func writeDump(_ report: ReplayReport) throws {
        guard let dump else { return }
        try dump.setAttributes([
            ("step", .integer(report.step)), ("loss", .double(report.loss)),
            ("learning_rate", .double(report.learningRate)),
            ("gradient_norm", .double(report.gradientNorm)), ("clip_scale", .double(report.clipScale)),
            ("temperature", .double(report.temperature)), ("seed", .unsigned(replay.configuration.seed)),
            ("shards", .integer(replay.configuration.batch.shards)), ("digest_before", .string(step.before.digest)),
            ("digest_after", .string(report.digest)), ("verdict", .string(report.verdict.rawValue)),
            ("written_by", .string(Version.program)), ("cpu_kernels", .string(OpenBLAS.coreType)),
            ("config", .string(step.before.configuration)),
        ])
        try dump.write("/samples/draws", draws)
        if let indices { try dump.write("/samples/indices", indices) }
        try dump.write("/encodings/first", step.firstEncodings)
        try dump.write("/encodings/second", step.secondEncodings)
        try dump.write("/encoding_gradients/first", step.firstEncodingGradients)
        try dump.write("/encoding_gradients/second", step.secondEncodingGradients)
        try dump.write("/pair_losses", step.pairLosses)
        try dump.write("parameters_before", step.before.parameters)
        try dump.write("optimizer_before", step.before.optimizer)
        try dump.write("parameter_gradients", step.gradients)
        try dump.write("parameters_after", step.after.parameters)
        try dump.write("optimizer_after", step.after.optimizer)
    }
}
