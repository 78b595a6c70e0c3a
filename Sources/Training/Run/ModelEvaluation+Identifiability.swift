import CoupletEvaluation
import CoupletPairs
import CoupletTensors

extension ModelEvaluation {
    /// The samples on which the regressors of `identifiability` are fitted and scored.
    public struct IdentifiabilitySamples: Sendable {
        public let fitting: LatentSamples
        public let scoring: LatentSamples
    }

    /// Regresses the latent factors of the source on the encodings. Every worker calls it.
    /// - Parameter exportSamples: receives the samples before the regressions start, on worker 0 only.
    /// - Returns: the scores of the regressors; nil if the config has no `evaluation.identifiability`, or if there are
    ///   no samples to score them on.
    /// - Throws: `DataError` if the source has no latent factors, or if `exportSamples` needs samples that the config
    ///   does not have; `IdentifiabilityError` if there is too little memory.
    func identifiability(
        _ extent: Extent, on split: Split, exportSamples: ((IdentifiabilitySamples) throws -> Void)?
    ) throws -> IdentifiabilityResult? {
        guard let settings = configuration.evaluation.identifiability else {
            if exportSamples == nil { return nil }
            throw DataError(
                at: "--encodings",
                reason: "the run's config has no evaluation.identifiability, whose samples would be written",
                remedy: source.latentFactorSource != nil
                    ? "set it and train again" : "it needs a source that knows its latent factors")
        }
        guard let factorSource = source.latentFactorSource else {
            throw DataError(
                at: "evaluation.identifiability",
                reason: "is measured against latent factors, which the run's source does not know",
                remedy: "leave it out")
        }
        // Like all other figures, it needs pairs that the run does not train on.
        if source.count(of: split) == 0, exportSamples == nil { return nil }
        let samples = try self.samples(settings.samples, of: factorSource, split)
        if communicator.rank == 0 { try exportSamples?(samples) }
        let identifiability = Identifiability(
            regressors: extent == .full ? settings.regressors : [.linear], seed: configuration.seed)
        return try identifiability.evaluate(
            fitting: samples.fitting, scoring: samples.scoring, communicator: communicator)
    }

    /// Encodes equal numbers of samples for fitting and for scoring. The samples for scoring are of a split that is not
    /// for training. The samples for fitting are training samples of a finite source, and the second stream of an
    /// endless one.
    /// - Parameters:
    ///   - wanted: number of samples of each; fewer if a split of a finite source has fewer.
    ///   - factorSource: knows the factors of the source's samples.
    private func samples(
        _ wanted: Int, of factorSource: any LatentFactorSource, _ split: Split
    ) throws -> IdentifiabilitySamples {
        let heldOut = source.count(of: split)
        let count = min(wanted, heldOut ?? .max, heldOut == nil ? .max : source.count(of: .training) ?? .max)
        let shards = SampleShards(samples: count, minimum: configuration.batch.shards)
        let fitting =
            heldOut == nil
            ? try latentSamples(split, from: Sampler.secondStreamStart, shards, of: factorSource)
            : try latentSamples(.training, from: 0, shards, of: factorSource)
        return IdentifiabilitySamples(
            fitting: fitting, scoring: try latentSamples(split, from: 0, shards, of: factorSource))
    }

    /// Encodes samples, each worker its shards, and gathers all of them on every worker. In the swapped views, sample i
    /// has the content of sample i + 1, and the last sample has the content of the first.
    /// - Parameter start: number of the first sample.
    private func latentSamples(
        _ split: Split, from start: UInt64, _ shards: SampleShards, of factorSource: any LatentFactorSource
    ) throws -> LatentSamples {
        let factors = factorSource.latentFactors.enumerated()
        let swapping = source as? any ContentSwappingSource
        let content =
            swapping == nil
            ? nil
            : factors.first {
                $0.element.name == LatentSamples.contentName && $0.element.columns > 0 && $0.element.classes == nil
            }
        let count = UInt64(shards.samples)
        let encoders = PerModality { batchEncoder($0, shards) }
        let widths = [encoders.first.encoder.outputCount, encoders.second.encoder.outputCount]
        let encoded = try ShardedEncoding(shards).run(
            rank: communicator.rank, workers: communicator.size, widths: content == nil ? widths : widths + widths
        ) { offsets, outputs in
            let numbers = offsets.map { start + $0 }
            try source.read(split, numbers, first: encoders.first.input, second: encoders.second.input)
            encoders.first.run(encoders.first.input, into: outputs[0])
            encoders.second.run(encoders.second.input, into: outputs[1])
            guard content != nil, let swapping else { return }
            try swapping.readSwappingContent(
                split, numbers, contentOf: offsets.map { start + ($0 + 1) % count }, first: encoders.first.input,
                second: encoders.second.input)
            encoders.first.run(encoders.first.input, into: outputs[2])
            encoders.second.run(encoders.second.input, into: outputs[3])
        }
        let encodings = try encoded.map { try gather($0, shards) }
        let numbers = (0..<count).map { start + $0 },
            latents = try factorSource.latents(split, numbers).map { Matrix($0) }
        let swapped = content.map { content in
            let values = latents[content.offset], columns = values.columns
            return LatentSamples.Swapped(
                encodings: PerModality(first: encodings[2], second: encodings[3]),
                content: Matrix(
                    rows: values.rows, columns: columns,
                    elements: Array(values.elements[columns...] + values.elements[..<columns])))
        }
        return LatentSamples(
            encodings: PerModality(first: encodings[0], second: encodings[1]),
            factors: factors.map {
                .init(name: $0.element.name, values: latents[$0.offset], classes: $0.element.classes)
            }, swapped: swapped)
    }

    /// Gathers the rows of all workers' shards, without padding, on every worker.
    private func gather(_ local: Tensor, _ shards: SampleShards) throws -> Matrix {
        let localShards = shards.shards(of: communicator.rank, workers: communicator.size)
        let rowBytes = local.columns * MemoryLayout<Float>.stride
        let bytes = local.values.withUnsafeBytes { raw in
            localShards.enumerated().flatMap { index, shard in
                let start = index * shards.size, end = start + shards.samples(of: shard).count
                return Array(raw[(start * rowBytes)..<(end * rowBytes)])
            }
        }
        let elements = try communicator.allGather(bytes: bytes).flatMap { bytes in
            bytes.withUnsafeBytes { raw in
                (0..<raw.count / 4).map { Double(raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
            }
        }
        return Matrix(rows: shards.samples, columns: local.columns, elements: elements)
    }
}
