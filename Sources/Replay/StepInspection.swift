import CCoupletKernels
import CoupletEvaluation
import CoupletFiles
import CoupletNetworks
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining

/// Makes the report of a replayed step, and writes its dump.
///
/// It runs the encoders forward once more, shard by shard, because a training step keeps no copies of its activations.
/// It summarises every tensor, and writes every tensor to the dump if there is one.
struct StepInspection {
    private let replay: StepReplay
    private let step: ReplayedStep
    private let dump: StepDump?
    private let draws: [UInt64]
    /// Sample numbers of the batch, for `PairSource.read`.
    private let numbers: [UInt64]

    init(_ replay: StepReplay, _ step: ReplayedStep, _ dump: StepDump?) throws {
        self.replay = replay
        self.step = step
        self.dump = dump
        let batch = replay.configuration.batch.size
        let sampler = try Sampler(replay.configuration, source: replay.source)
        draws = sampler.draws(step: replay.step - 1, positions: 0..<batch)
        numbers = sampler.numbers(step: replay.step - 1, positions: 0..<batch)
    }

    /// Indices of the batch's samples among the training samples of a finite source; nil for an endless source.
    private var indices: [UInt64]? { replay.source.count(of: .training) == nil ? nil : numbers }

    /// Makes the report and writes the dump.
    /// - Parameters:
    ///   - worst: number of pairs with the largest losses in the report.
    ///   - threads: number of threads of the replay, for the report.
    func report(worst: Int, threads: Int) throws -> ReplayReport {
        let configuration = replay.configuration
        let similarity = configuration.objective.similarity
        var first = try encoderState(.first)
        var second = try encoderState(.second)
        try runForward(&first, &second)
        let report = ReplayReport(
            run: replay.folder.path, step: replay.step, startStep: replay.start.step,
            startCheckpoint: replay.start.checkpoint?.path, skippedCheckpoints: replay.start.skipped, threads: threads,
            checks: step.checks, digests: step.digests, loss: step.report.loss,
            learningRate: step.report.learningRate, gradientNorm: step.report.gradientNorm,
            temperature: step.report.temperature, clipScale: clipScale, digest: step.after.digest,
            logEvery: configuration.train.logEvery, draws: draws, indices: indices,
            scores: ScoreStatistics(
                first: step.firstEncodings, second: step.secondEncodings, similarity: similarity,
                temperature: scoreTemperature),
            pairLosses: step.pairLosses, worst: try worstPairs(worst), first: summary(first), second: summary(second),
            nonFinite: step.report.nonFinite)
        try writeDump(report)
        return report
    }

    /// The number that divides similarities to give scores. `lp_simclr` with squares has scores -|g - h|² / τ, which is
    /// the quadratic similarity over τ/2; the report uses the quadratic similarity for its other distances too.
    private var scoreTemperature: Double {
        replay.configuration.objective.loss.scoreTemperature(step.report.temperature)
    }

    /// The factor by which clipping multiplied the gradient.
    private var clipScale: Double {
        replay.configuration.optimizer.clipFactor(gradientNorm: step.report.gradientNorm)
    }

    // MARK: - Forward

    /// One encoder with the parameters before the step, and the summaries of its activations.
    private struct EncoderState {
        let modality: Modality
        let batchEncoder: BatchEncoder
        let statistics: [[Tensor]]
        var inputs = TensorSummary()
        var outputs: [TensorSummary]

        var hidden: ArraySlice<any Layer> { batchEncoder.encoder.layers.dropLast() }
    }

    private func encoderState(_ modality: Modality) throws -> EncoderState {
        let encoder = replay.encoder(modality)
        let parameters = Tensor([encoder.layout.count]), statistics = Tensor([encoder.statisticsLayout.count])
        for entry in encoder.layout.entries {
            if let tensor = step.before.parameter(RunState.path(modality, entry))?.tensor {
                parameters.flat(entry.range).copy(from: tensor)
            }
        }
        for entry in encoder.statisticsLayout.entries {
            if let tensor = step.before.statistic(RunState.path(modality, entry))?.tensor {
                statistics.flat(entry.range).copy(from: tensor)
            }
        }
        let batch = replay.configuration.batch
        let state = EncoderState(
            modality: modality,
            batchEncoder: BatchEncoder(
                encoder, parameters: parameters, statistics: statistics, rows: batch.shardSamples(modality)),
            statistics: encoder.statisticsViews(of: statistics),
            outputs: [TensorSummary](repeating: TensorSummary(), count: encoder.layers.count))
        let samples = batch.shards * batch.shardSamples(modality)
        try dump?.create("/inputs/\(modality.rawValue)", count: samples, shape: encoder.inputShape)
        for (number, layer) in state.hidden.enumerated() {
            try dump?.create(
                "/activations/\(modality.rawValue)/\(number)", count: samples, shape: layer.outputShape)
        }
        return state
    }

    private func runForward(_ first: inout EncoderState, _ second: inout EncoderState) throws {
        let batch = replay.configuration.batch
        for shard in 0..<batch.shards {
            for modality in Modality.allCases {
                // Positions of the samples: those of the first modality have `secondPerFirst` pairs each.
                let rows = batch.shardSamples(modality), pairs = batch.size / batch.shards / rows
                let positions = (0..<rows).map { (shard * rows + $0) * pairs }
                let isFirst = modality == .first
                try replay.source.read(
                    training: positions.map { numbers[$0] }, draws: positions.map { draws[$0] },
                    first: isFirst ? first.batchEncoder.input : nil, second: isFirst ? nil : second.batchEncoder.input)
            }
            try runForward(&first, from: shard * batch.shardSamples(.first))
            try runForward(&second, from: shard * batch.shardSamples(.second))
        }
    }

    private func runForward(_ state: inout EncoderState, from start: Int) throws {
        let name = state.modality.rawValue
        let batchEncoder = state.batchEncoder, encoder = batchEncoder.encoder
        state.inputs.add(batchEncoder.input)
        try dump?.writeRows("/inputs/\(name)", from: start, batchEncoder.input)
        var summaries = state.outputs, failure: (any Error)?
        batchEncoder.run(
            batchEncoder.input, into: Tensor([batchEncoder.input.rows, encoder.outputCount]),
            context: context(of: state, from: start)
        ) { [dump] number, output in
            summaries[number].add(output)
            guard number < encoder.layers.count - 1, failure == nil else { return }
            do {
                try dump?.writeRows(
                    "/activations/\(name)/\(number)", from: start,
                    Self.channelsFirst(output, of: encoder.layers[number]))
            } catch { failure = error }
        }
        state.outputs = summaries
        if let failure { throw failure }
    }

    /// The context of the training step for a shard of the batch. The numbers of a dropout depend on it.
    private func context(of state: EncoderState, from start: Int) -> EncoderContext {
        if replay.configuration.frozenEncoders.contains(state.modality) {
            return .evaluation(statistics: state.statistics)
        }
        let isSecondInput = replay.configuration.encoders.shared && state.modality == .second
        return .training(
            philox: Philox(seed: replay.configuration.seed),
            encoderNumber: state.modality == .first || isSecondInput ? 0 : 1,
            input: isSecondInput ? replay.configuration.objective.loss.batchCount : 0,
            firstDraw: replay.configuration.batch.firstSample(ofDraw: draws[0], state.modality) + UInt64(start),
            statistics: state.statistics)
    }

    /// A layer's output in the order of its shape: between convolutions the channels of a pixel are adjacent.
    private static func channelsFirst(_ output: Tensor, of layer: any Layer) -> Tensor {
        guard let layer = layer as? PooledConvolution, layer.outputLayout == .channelsLast else { return output }
        let result = Tensor(output.shape)
        let channels = layer.outputShape[0]
        let pixels = layer.outputCount / channels
        for row in 0..<output.rows {
            let offset = row * layer.outputCount
            couplet_transpose(pixels, channels, output.pointer + offset, channels, result.pointer + offset, pixels)
        }
        return result
    }

    // MARK: - Summaries

    private func summary(_ state: EncoderState) -> EncoderSummary {
        let name = state.modality.rawValue
        let layers = zip(state.batchEncoder.encoder.layers, state.outputs).map { layer, output in
            EncoderSummary.Layer(kind: "\(type(of: layer))", shape: layer.outputShape, output: output)
        }
        let parameters = state.batchEncoder.encoder.layout.entries.map { entry -> EncoderSummary.Parameter in
            let path = "\(name)/\(entry.path)"
            let before = step.before.parameter(path)!.tensor!
            let after = step.after.parameter(path)!.tensor!
            let squaredUpdate = (0..<before.count).reduce(0.0) { sum, index in
                let change = Double(after.pointer[index]) - Double(before.pointer[index])
                return sum + change * change
            }
            // A frozen parameter has no gradient.
            let gradient = step.gradients.first { $0.path == path }?.array.tensor ?? Tensor(entry.shape)
            return EncoderSummary.Parameter(
                path: entry.path, shape: entry.shape, before: TensorSummary(before), gradient: TensorSummary(gradient),
                after: TensorSummary(after), updateNorm: squaredUpdate.squareRoot())
        }
        let isFirst = state.modality == .first
        return EncoderSummary(
            modality: state.modality, inputs: state.inputs, layers: layers,
            encodingGradients: TensorSummary(isFirst ? step.firstEncodingGradients : step.secondEncodingGradients),
            parameters: parameters,
            gradientNorm: isFirst ? step.report.encoderGradientNorms.first : step.report.encoderGradientNorms.second)
    }

    private func worstPairs(_ count: Int) throws -> [WorstPair] {
        let losses = step.pairLosses
        // A loss that is NaN is the worst of all.
        let worst = losses.indices.sorted { a, b in
            let (x, y) = (losses[a].isNaN ? .infinity : losses[a], losses[b].isNaN ? .infinity : losses[b])
            return x == y ? a < b : x > y
        }.prefix(count)
        let labels = try replay.source.labels(.training, worst.map { numbers[$0] })
        let scores = PairScores(
            first: step.firstEncodings, second: step.secondEncodings,
            similarity: replay.configuration.objective.similarity, temperature: scoreTemperature)
        return worst.enumerated().map { order, position in
            WorstPair(
                position: position, draw: draws[position], index: indices?[position], label: labels?[order],
                loss: losses[position], score: scores[position, position],
                row: scores.ranking(of: position, inRow: true), column: scores.ranking(of: position, inRow: false))
        }
    }

    // MARK: - The dump

    private func writeDump(_ report: ReplayReport) throws {
        guard let dump else { return }
        try dump.setAttributes([
            ("step", .integer(report.step)), ("loss", .double(report.loss)),
            ("learning_rate", .double(report.learningRate)), ("gradient_norm", .double(report.gradientNorm)),
            ("clip_scale", .double(report.clipScale)), ("temperature", .double(report.temperature)),
            ("seed", .unsigned(replay.configuration.seed)),
            ("shards", .integer(replay.configuration.batch.shards)), ("digest_before", .string(step.before.digest)),
            ("digest_after", .string(report.digest)), ("verdict", .string(report.verdict.rawValue)),
            ("written_by", .string(Version.program)), ("cpu_kernels", .string(InstructionSet.current.rawValue)),
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
        try dump.write("statistics_before", step.before.statistics)
        try dump.write("parameter_gradients", step.gradients)
        try dump.write("parameters_after", step.after.parameters)
        try dump.write("optimizer_after", step.after.optimizer)
        try dump.write("statistics_after", step.after.statistics)
    }
}

/// The HDF5 file of a replayed step. It has a temporary name until it is complete.
final class StepDump {
    private let target: TemporaryFile
    private let file: HDF5File

    /// - Throws: `FileError` if the file exists or cannot be created.
    init(_ path: String) throws {
        try FileSystem.requireAbsent(path)
        target = try TemporaryFile(for: path)
        file = try HDF5File(creating: target)
    }

    func setAttributes(_ attributes: [(name: String, value: AttributeValue)]) throws {
        for (name, value) in attributes { try file.setAttribute(name, value) }
    }

    func write(_ name: String, _ tensor: Tensor) throws { try file.write(name, tensor) }
    func write(_ name: String, _ numbers: [Double]) throws { try file.write(name, numbers, shape: [numbers.count]) }
    func write(_ name: String, _ numbers: [UInt64]) throws {
        try file.write(name, numbers.map { Int($0) }, shape: [numbers.count])
    }

    /// Writes each array under its path in a group.
    func write(_ group: String, _ arrays: [Checkpoint.NamedArray]) throws {
        for (path, array) in arrays {
            switch array.values {
            case .floats(let tensor): try file.write("/\(group)/\(path)", tensor)
            case .doubles(let doubles): try file.write("/\(group)/\(path)", doubles, shape: array.shape)
            }
        }
    }

    /// Creates a dataset of `count` rows, which `writeRows` fills.
    func create(_ name: String, count: Int, shape: [Int]) throws {
        try file.create(name, .float32, shape: [count] + shape)
    }
    func writeRows(_ name: String, from row: Int, _ rows: Tensor) throws {
        try file.writeRows(name, from: row, rows)
    }

    /// - Throws: `FileError`; also if a file of this name appeared meanwhile.
    func finish() throws {
        try file.close()
        try FileSystem.requireAbsent(target.path)
        try target.commit()
    }

    /// Deletes the incomplete file.
    func discard() { target.discard() }
}
