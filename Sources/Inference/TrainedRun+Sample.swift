import CoupletEvaluation
import CoupletPairs
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

extension TrainedRun {
    /// Draws of the other modality's rows from the learned conditional given each row of one (Baptista, Stuart, Tran 2025, on generation).
    ///
    /// The same seed gives the same bits for any number of threads, and a query's draws do not depend on which others are asked for.
    /// - Parameters:
    ///   - given: whose rows are given.
    ///   - queries: Q rows, at most `SamplingDrawNumber.queryLimit`.
    /// - Throws: `DataError` where rows are none of their modality's; `SamplingError` where the method does not suit the source, or scores are
    ///   not finite.
    public func sample(given: Modality, queries: SamplingRows, options: SamplingOptions) throws -> SamplingResult {
        precondition(options.count > 0, "\(options.count) samples")
        guard (1...SamplingDrawNumber.queryLimit).contains(queries.rows.rows) else {
            throw DataError(
                place: queries.place, reason: "has \(queries.rows.rows) rows",
                remedy: "give 1 to \(SamplingDrawNumber.queryLimit) rows at a time")
        }
        let sampled = given.other, seed = options.seed ?? configuration.seed
        try requireMemory(rows: queries.rows.rows, count: options.count, sampled)
        let law = try ClosedFormConditional(self, given: given, queries: queries)
        let encodings = try encode(given, queries)
        let automatic: SamplingOptions.Method =
            source.gaussianCovariance == nil
            ? .resampleSource(size: nil) : .pcn(chains: nil, burnIn: nil, thinning: nil, maximumSteps: nil)
        switch options.method ?? automatic {
        case .resample(let gallery):
            return try resample(gallery, sampled, encodings, law, seed, options)
        case .resampleSource(let size):
            return try resample(try gallery(sampled, size: size, seed: seed), sampled, encodings, law, seed, options)
        case .pcn(let chains, let burnIn, let thinning, let maximumSteps):
            var sampler = try crankNicolson(sampled, seed: seed)
            if let chains { sampler.chains = chains }
            if let burnIn { sampler.burnIn = burnIn }
            if let maximumSteps { sampler.maximumSteps = maximumSteps }
            sampler.thinning = thinning
            return try runChains(sampler, sampled, encodings, law, seed, options)
        }
    }

    private var score: PairScore { PairScore(similarity: configuration.objective.similarity, temperature: temperature) }

    /// All rows at once, so that an error tells the row's number.
    private func encode(_ modality: Modality, _ rows: SamplingRows) throws -> Tensor {
        let prepared = try rows.within { try source.prepare(modality, raw: $0) }
        let size = 256, pass = BatchEncoder(model.encoder(modality), parameters: model.parameters(modality), rows: size)
        let result = Tensor([prepared.rows, configuration.encoders.embedding]),
            output = Tensor([size, configuration.encoders.embedding])
        for start in stride(from: 0, to: prepared.rows, by: size) {
            let count = min(size, prepared.rows - start)
            pass.input.rows(0..<count).copy(from: prepared.rows(start..<start + count))
            for row in count..<max(size, count) {
                pass.input.rows(row..<row + 1).copy(from: prepared.rows(start..<start + 1))
            }
            pass.run(pass.input, into: output)
            result.rows(start..<start + count).copy(from: output.rows(0..<count))
        }
        return result
    }

    /// Told here, rather than by the system when it ends the process.
    private func requireMemory(rows: Int, count: Int, _ sampled: Modality) throws {
        let memory = sysconf(CInt(_SC_PHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE))
        let numbers = Double(rows) * Double(count) * Double(source.description(of: sampled).shape.reduce(1, *))
        if numbers * Double(MemoryLayout<Float>.stride) > 0.5 * Double(memory) {
            throw SamplingError(
                reason:
                    "\(count) samples for each of \(rows) rows take more than half of this machine's \(memory >> 20) MiB",
                remedy: "give fewer query rows at a time, or a smaller --count")
        }
    }

    // MARK: - Gallery

    /// Draws of the source that have nothing to do with any query: held-out ones of an endless source, training samples in an order of the
    /// seed's of a finite one.
    private func gallery(_ modality: Modality, size: Int?, seed: UInt64) throws -> SamplingRows {
        let place = "the gallery drawn from data.source"
        guard let available = source.count(of: .training) else {
            let numbers = (0..<UInt64(size ?? SamplingOptions.defaultGallery)).map { $0 }
            return SamplingRows(try source.readRaw(.heldOut, numbers, modality), place: place)
        }
        if let size, size > available {
            throw SamplingError(
                reason: "a gallery of \(size) rows, but the source has \(available) training samples",
                remedy: "ask for at most so many")
        }
        let permutation = Permutation(
            count: UInt64(available), seed: seed, stream: .evaluation, number: SamplingDrawNumber.gallery)
        let numbers = (0..<UInt64(size ?? min(available, SamplingOptions.defaultGallery))).map { permutation[$0] }
        return SamplingRows(try source.readRaw(.training, numbers, modality), place: place)
    }

    private func resample(
        _ gallery: SamplingRows, _ sampled: Modality, _ queries: Tensor, _ law: ClosedFormConditional, _ seed: UInt64,
        _ options: SamplingOptions
    ) throws -> SamplingResult {
        guard gallery.rows.rows > 0 else { throw DataError(place: gallery.place, reason: "has no rows") }
        let description = source.description(of: sampled)
        let resampling = GalleryResampling(gallery: try encode(sampled, gallery), score: score, seed: seed)
        let rows = gallery.rows.reshaped([gallery.rows.rows, description.shape.reduce(1, *)])
        let labels = description.classes.map { _ in rows.values.map { Int($0) } }
        let results = try ParallelWork.map(count: queries.rows, threads: options.threads) { query in
            let draws = try resampling.draws(options.count, query: query, of: queries)
            let moments =
                if let labels, let classes = description.classes {
                    ConditionalMoments(labels: labels, weights: draws.weights, classes: classes)
                } else {
                    ConditionalMoments(rows: rows, weights: draws.weights)
                }
            let samples = Tensor([options.count] + description.shape)
            for (sample, row) in draws.rows.enumerated() {
                samples.rows(sample..<sample + 1).copy(from: rows.rows(row..<row + 1))
            }
            return SamplingResult.Query(
                samples: samples, moments: moments, mode: rows.rows(draws.mode..<draws.mode + 1).values,
                quality: .weights(effectiveSampleSize: draws.effectiveSampleSize, largest: draws.weights[draws.mode]),
                galleryRows: draws.rows,
                comparison: law.comparison(moments, query: query))
        }
        return result(.resample(gallery: rows.rows), sampled, seed, options, classes: description.classes, results)
    }

    // MARK: - Chains

    private func crankNicolson(_ sampled: Modality, seed: UInt64) throws -> PreconditionedCrankNicolson {
        guard let covariance = source.gaussianCovariance else {
            throw SamplingError(
                reason: "method pcn needs a modality with a known Gaussian marginal, and this run's source knows none",
                remedy: "take --method resample")
        }
        let pair = try GaussianPair(covariance), root = sampled == .first ? pair.first.root : pair.second.root
        return PreconditionedCrankNicolson(mean: [Double](repeating: 0, count: root.rows), root: root, seed: seed)
    }

    private func runChains(
        _ sampler: PreconditionedCrankNicolson, _ sampled: Modality, _ queries: Tensor, _ law: ClosedFormConditional,
        _ seed: UInt64,
        _ options: SamplingOptions
    ) throws -> SamplingResult {
        let score = score, size = sampler.queriesPerBlock(count: options.count),
            blocks = (queries.rows + size - 1) / size
        let encoder = model.encoder(sampled), parameters = model.parameters(sampled), source = source
        let draws = try ParallelWork.map(count: blocks, threads: options.threads) { block in
            // The last block is filled up by its last query, to the size that all have.
            let numbers = (0..<size).map { min(block * size + $0, queries.rows - 1) }
            let given = Tensor([size * sampler.chains, queries.columns])
            for row in 0..<given.rows {
                let number = numbers[row / sampler.chains]
                given.rows(row..<row + 1).copy(from: queries.rows(number..<number + 1))
            }
            let pass = BatchEncoder(encoder, parameters: parameters, rows: given.rows)
            let output = Tensor([given.rows, encoder.outputCount])
            let draws = try sampler.draws(queries: numbers, count: options.count) { points in
                pass.run(try source.prepare(sampled, raw: points), into: output)
                return score.scores(output, given)
            }
            return Array(draws.prefix(queries.rows - block * size))
        }.flatMap { $0 }
        let shape = source.description(of: sampled).shape
        let results = try ParallelWork.map(count: queries.rows, threads: options.threads) { query in
            let draws = draws[query], moments = ConditionalMoments(draws: draws.draws)
            return SamplingResult.Query(
                samples: draws.samples(options.count).reshaped([options.count] + shape), moments: moments,
                mode: draws.mode,
                quality: .chains(
                    rHat: draws.rHat, effectiveSampleSize: draws.effectiveSampleSize, draws: draws.count,
                    acceptance: draws.acceptance,
                    stepSize: draws.stepSize, thinning: draws.thinning),
                comparison: law.comparison(moments, query: query))
        }
        return result(
            .pcn(chains: sampler.chains, burnIn: sampler.burnIn), sampled, seed, options, classes: nil, results)
    }

    private func result(
        _ method: SamplingResult.Method, _ sampled: Modality, _ seed: UInt64, _ options: SamplingOptions, classes: Int?,
        _ queries: [SamplingResult.Query]
    ) -> SamplingResult {
        SamplingResult(
            step: step, sampled: sampled.rawValue, given: sampled.other.rawValue, method: method, seed: seed,
            count: options.count,
            classes: classes, queries: queries)
    }
}
