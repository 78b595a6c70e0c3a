import CoupletEvaluation
import CoupletPairs
import CoupletTensors

extension ModelEvaluation {
    /// How much of what an evaluation can measure is measured.
    public enum Extent: Sendable {
        /// All that the config asks for: at a run's end, and by `couplet evaluate`.
        case full
        /// What costs little beside training, for evaluations on the way (`train.evaluate_every`): of `identifiability` the linear regressor alone,
        /// whichever the config names.
        case brief
    }

    /// The samples that the regressors of `identifiability` see.
    public struct IdentifiabilitySamples: Sendable {
        public let fitting: LatentSamples
        public let scoring: LatentSamples
    }

    /// - Parameter keep: is given what the regressors see, before they start; on worker 0 alone.
    func identifiability(_ extent: Extent, keep: ((IdentifiabilitySamples) throws -> Void)?) throws
        -> IdentifiabilityResult?
    {
        guard let settings = configuration.evaluation.identifiability else {
            if keep == nil { return nil }
            throw DataError(
                place: "--encodings",
                reason: "the run's config has no evaluation.identifiability, whose samples would be written",
                remedy: source is any LatentFactorSource
                    ? "set it and train again" : "it needs a source that knows its latent factors")
        }
        guard let source = source as? any LatentFactorSource else {
            throw DataError(
                place: "evaluation.identifiability",
                reason: "is measured against latent factors, which the run's source does not know",
                remedy: "leave it out")
        }
        let samples = try self.samples(settings.samples, of: source)
        if communicator.rank == 0 { try keep?(samples) }
        return try Identifiability(
            regressors: extent == .full ? settings.regressors : [.linear], seed: configuration.seed
        )
        .evaluate(fitting: samples.fitting, scoring: samples.scoring, communicator: communicator)
    }

    /// Of a finite source the regressors are fitted on training samples, as many as there are of the fewer kind.
    private func samples(_ wanted: Int, of source: any LatentFactorSource) throws -> IdentifiabilitySamples {
        let held = source.count(of: .heldOut),
            count = min(wanted, held ?? .max, held == nil ? .max : source.count(of: .training) ?? .max)
        let shards = SampleShards(samples: count, minimum: configuration.batch.shards)
        return IdentifiabilitySamples(
            fitting: try latentSamples(
                held == nil ? .heldOut : .training, from: held == nil ? Sampler.secondStreamStart : 0, shards,
                of: source),
            scoring: try latentSamples(.heldOut, from: 0, shards, of: source))
    }

    /// Encodes the samples from a number on, each worker its shards, and hands all of them to all. In the swapped views sample i has the content of
    /// sample i + 1, the last one that of the first.
    private func latentSamples(
        _ split: Split, from start: UInt64, _ shards: SampleShards, of source: any LatentFactorSource
    ) throws -> LatentSamples {
        let factors = source.latentFactors.enumerated().filter { $0.element.classes == nil }
        let content = factors.first { $0.element.name == LatentSamples.contentName && $0.element.columns > 0 }
        let count = UInt64(shards.samples)
        let passes = Modality.allCases.map {
            BatchEncoder(model.encoder($0), parameters: model.parameters($0), rows: shards.size)
        }
        let widths = passes.map(\.encoder.outputCount)
        let encoded = try ShardedEncoding(shards).run(
            rank: communicator.rank, workers: communicator.size, widths: content == nil ? widths : widths + widths
        ) { places, outputs in
            let numbers = places.map { start + $0 }
            try source.read(split, numbers, first: passes[0].input, second: passes[1].input)
            for (pass, output) in zip(passes, outputs) { pass.run(pass.input, into: output) }
            if content == nil { return }
            try source.readSwappingContent(
                split, numbers, contentOf: places.map { start + ($0 + 1) % count }, first: passes[0].input,
                second: passes[1].input)
            for (pass, output) in zip(passes, outputs[2...]) { pass.run(pass.input, into: output) }
        }
        let encodings = try encoded.map { try gathered($0, shards) }
        let numbers = (0..<count).map { start + $0 }, latents = try source.latents(split, numbers).map { Matrix($0) }
        let swapped = content.map { content in
            let values = latents[content.offset], columns = values.columns
            return LatentSamples.Swapped(
                first: encodings[2], second: encodings[3],
                content: Matrix(
                    rows: values.rows, columns: columns,
                    elements: Array(values.elements[columns...] + values.elements[..<columns])))
        }
        return LatentSamples(
            first: encodings[0], second: encodings[1],
            factors: factors.map { .init(name: $0.element.name, values: latents[$0.offset]) }, swapped: swapped)
    }

    /// All workers' shards, filling left out, on every worker.
    private func gathered(_ own: Tensor, _ shards: SampleShards) throws -> Matrix {
        let block = shards.shards(of: communicator.rank, workers: communicator.size)
        let values = own.values.withUnsafeBytes { raw in
            block.enumerated().flatMap { place, shard in
                let rows = place * shards.size..<(place * shards.size + shards.samples(of: shard).count)
                return Array(raw[(rows.lowerBound * own.columns * 4)..<(rows.upperBound * own.columns * 4)])
            }
        }
        let numbers = try communicator.allGather(bytes: values).flatMap { bytes in
            bytes.withUnsafeBytes { raw in
                (0..<raw.count / 4).map { Double(raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
            }
        }
        return Matrix(rows: shards.samples, columns: own.columns, elements: numbers)
    }
}
