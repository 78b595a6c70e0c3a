import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletLosses
import CoupletPairs
import CoupletTensors
import CoupletTraining

/// How `TrainedRun.sample` draws.
public struct SamplingOptions: Sendable {
    public enum Method: Sendable {
        /// Resamples the given rows of the sampled modality.
        case resample(gallery: SamplingRows)
        /// Resamples `size` draws of the source. Nil: `defaultGallery` draws, or all samples if the source has fewer.
        case resampleSource(size: Int?)
        /// Runs Markov chains, if the source knows that the modality is Gaussian. Nil selects the default of
        /// `PreconditionedCrankNicolson`, which also describes `thinning` and `maximumSteps`.
        case pcn(chains: Int?, burnIn: Int?, thinning: Int?, maximumSteps: Int?)
    }

    /// Number of samples of each query row.
    public var count: Int
    /// Nil chooses pCN if the source knows the modality's Gaussian marginal, otherwise resampling of the source.
    public var method: Method?
    /// The seed of all draws; nil selects the run's seed.
    public var seed: UInt64?
    /// Number of threads. Results do not depend on it.
    public var threads: Int

    /// Size of the gallery that is drawn from a source.
    public static let defaultGallery = 10_000

    public init(count: Int, method: Method? = nil, seed: UInt64? = nil, threads: Int = 1) {
        self.count = count
        self.method = method
        self.seed = seed
        self.threads = threads
    }
}

/// Rows that the user gives, in the units of a run's source.
public struct SamplingRows: Sendable {
    /// N × any shape with the modality's number of elements.
    public let rows: Tensor
    /// Where the rows come from, for errors.
    public let place: String

    public init(_ rows: Tensor, place: String) {
        self.rows = rows
        self.place = place
    }

    /// Calls `body` with the rows. It rethrows a `DataError` of `body` with the origin of the rows.
    fileprivate func within<Result>(_ body: (Tensor) throws -> Result) throws -> Result {
        do {
            return try body(rows)
        } catch let error as DataError {
            throw DataError(at: place, reason: error.reason, remedy: error.remedy)
        }
    }
}

extension TrainedRun {
    /// Draws rows of the other modality from the learned conditional given each query row (Baptista, Stuart, Tran 2025,
    /// on generation).
    ///
    /// The same seed gives the same bits for any number of threads. The draws of a query do not depend on the other
    /// queries.
    /// - Parameters:
    ///   - given: modality of the query rows.
    ///   - queries: Q rows, at most `SamplingDrawNumber.queryLimit`.
    /// - Throws: `DataError` if rows are not samples of their modality; `SamplingError` if the method does not suit the
    ///   source, or if scores are not finite.
    public func sample(given: Modality, queries: SamplingRows, options: SamplingOptions) throws -> SamplingResult {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        precondition(options.count > 0, "\(options.count) samples")
        guard (1...SamplingDrawNumber.queryLimit).contains(queries.rows.rows) else {
            throw DataError(
                at: queries.place, reason: "has \(queries.rows.rows) rows",
                remedy: "give 1 to \(SamplingDrawNumber.queryLimit) rows at a time")
        }
        let sampled = given.other, seed = options.seed ?? configuration.seed
        try requireMemory(rows: queries.rows.rows, count: options.count, sampled)
        let closedForm = try ClosedFormConditional(self, given: given, queries: queries)
        let encodings = try encode(given, queries)
        let automatic: SamplingOptions.Method =
            try source.gaussianMarginal(of: sampled) == nil
            ? .resampleSource(size: nil) : .pcn(chains: nil, burnIn: nil, thinning: nil, maximumSteps: nil)
        switch options.method ?? automatic {
        case .resample(let gallery):
            return try resample(gallery, sampled, encodings, closedForm, seed, options)
        case .resampleSource(let size):
            let gallery = try gallery(sampled, size: size, seed: seed)
            return try resample(gallery, sampled, encodings, closedForm, seed, options)
        case .pcn(let chains, let burnIn, let thinning, let maximumSteps):
            var sampler = try crankNicolson(sampled, seed: seed)
            if let chains { sampler.chains = chains }
            if let burnIn { sampler.burnIn = burnIn }
            if let maximumSteps { sampler.maximumSteps = maximumSteps }
            sampler.thinning = thinning
            return try runChains(sampler, sampled, encodings, closedForm, seed, options)
        }
    }

    private var score: PairScore {
        PairScore(similarity: configuration.objective.similarity, temperature: temperature)
    }

    private func encode(_ modality: Modality, _ rows: SamplingRows) throws -> Tensor {
        try rows.within { try encode(modality, $0) }
    }

    /// Checks the memory for the samples, because the system would end the process without a message.
    private func requireMemory(rows: Int, count: Int, _ sampled: Modality) throws {
        let memory = HostMemory.physical
        let elements = Double(rows) * Double(count) * Double(source.description(of: sampled).shape.reduce(1, *))
        if elements * Double(MemoryLayout<Float>.stride) > 0.5 * Double(memory) {
            throw SamplingError(
                reason: """
                    \(count) samples for each of \(rows) rows take more than half of this machine's \
                    \(memory >> 20) MiB
                    """,
                remedy: "give fewer query rows at a time, or a smaller --count")
        }
    }

    // MARK: - Resampling of a gallery

    /// Draws a gallery from the source, independent of the queries: held-out samples of an endless source; training
    /// samples of a finite source, in the order of a seeded permutation.
    private func gallery(_ modality: Modality, size: Int?, seed: UInt64) throws -> SamplingRows {
        let origin = "the gallery drawn from data.source"
        guard let available = source.count(of: .training) else {
            let numbers = Array(0..<UInt64(size ?? SamplingOptions.defaultGallery))
            return SamplingRows(try source.readRaw(.heldOut, numbers, modality), place: origin)
        }
        if let size, size > available {
            throw SamplingError(
                reason: "a gallery of \(size) rows, but the source has \(available) training samples",
                remedy: "ask for at most \(available) rows")
        }
        let permutation = Permutation(
            count: UInt64(available), seed: seed, stream: .evaluation, number: SamplingDrawNumber.gallery)
        let numbers = (0..<UInt64(size ?? min(available, SamplingOptions.defaultGallery))).map { permutation[$0] }
        return SamplingRows(try source.readRaw(.training, numbers, modality), place: origin)
    }

    private func resample(
        _ gallery: SamplingRows, _ sampled: Modality, _ queries: Tensor, _ closedForm: ClosedFormConditional,
        _ seed: UInt64, _ options: SamplingOptions
    ) throws -> SamplingResult {
        guard gallery.rows.rows > 0 else { throw DataError(at: gallery.place, reason: "has no rows") }
        let description = source.description(of: sampled)
        let resampling = GalleryResampling(gallery: try encode(sampled, gallery), score: score, seed: seed)
        // Labels are counted, and given to the result, as rows of their table.
        let given =
            description.labelTable == nil ? gallery.rows : try gallery.within { try source.prepare(sampled, raw: $0) }
        let rows = given.reshaped([gallery.rows.rows, description.shape.reduce(1, *)])
        let labels = description.classes.map { _ in rows.values.map { Int($0) } }
        let results = try parallelMap(count: queries.rows, threads: options.threads) { query in
            let draws = try resampling.draws(options.count, query: query, of: queries)
            let moments =
                if let labels, let classes = description.classes {
                    ConditionalMoments(labels: labels, weights: draws.weights, classes: classes)
                } else {
                    ConditionalMoments(rows: rows, weights: draws.weights)
                }
            let samples = rows.rows(at: draws.rows).reshaped([options.count] + description.shape)
            return SamplingResult.Query(
                samples: samples, moments: moments, mode: rows.rows(draws.mode..<draws.mode + 1).values,
                quality: .weights(effectiveSampleSize: draws.effectiveSampleSize, largest: draws.weights[draws.mode]),
                galleryRows: draws.rows, comparison: closedForm.comparison(moments, query: query))
        }
        return result(.resample(gallery: rows.rows), sampled, seed, options, classes: description.classes, results)
    }

    // MARK: - Markov chains

    private func crankNicolson(_ sampled: Modality, seed: UInt64) throws -> PreconditionedCrankNicolson {
        guard let marginal = try source.gaussianMarginal(of: sampled) else {
            throw SamplingError(
                reason: "method pcn needs a modality with a known Gaussian marginal, and this run's source knows none"
                    + "\(try source.gaussianMarginal(of: sampled.other) == nil ? "" : " of the \(sampled) modality")",
                remedy: "use --method resample")
        }
        return PreconditionedCrankNicolson(marginal, seed: seed)
    }

    private func runChains(
        _ sampler: PreconditionedCrankNicolson, _ sampled: Modality, _ queries: Tensor,
        _ closedForm: ClosedFormConditional, _ seed: UInt64, _ options: SamplingOptions
    ) throws -> SamplingResult {
        let score = score, size = sampler.queriesPerBlock(count: options.count)
        let blocks = (queries.rows + size - 1) / size, shape = source.description(of: sampled).shape
        let results = try parallelMap(count: blocks, threads: options.threads) { block in
            // The last block is padded with its last query to the size of all blocks.
            let numbers = (0..<size).map { min(block * size + $0, queries.rows - 1) }
            let given = queries.rows(at: (0..<size * sampler.chains).map { numbers[$0 / sampler.chains] })
            let encoder = batchEncoder(sampled, rows: given.rows)
            let output = Tensor([given.rows, encoder.encoder.outputCount])
            let draws = try sampler.draws(queries: numbers, count: options.count) { points in
                encoder.run(try source.prepare(sampled, raw: points), into: output)
                return score.scores(output, given)
            }
            return zip(numbers, draws).prefix(queries.rows - block * size).map { query, draws in
                let moments = ConditionalMoments(draws: draws.draws)
                return SamplingResult.Query(
                    samples: draws.samples(options.count).reshaped([options.count] + shape), moments: moments,
                    mode: draws.mode,
                    quality: .chains(
                        rHat: draws.rHat, effectiveSampleSize: draws.effectiveSampleSize, draws: draws.count,
                        acceptance: draws.acceptance, stepSize: draws.stepSize, thinning: draws.thinning),
                    comparison: closedForm.comparison(moments, query: query))
            }
        }.flatMap { $0 }
        return result(
            .pcn(chains: sampler.chains, burnIn: sampler.burnIn), sampled, seed, options, classes: nil, results)
    }

    private func result(
        _ method: SamplingResult.Method, _ sampled: Modality, _ seed: UInt64, _ options: SamplingOptions, classes: Int?,
        _ queries: [SamplingResult.Query]
    ) -> SamplingResult {
        SamplingResult(
            step: step, sampled: sampled.rawValue, given: sampled.other.rawValue, method: method, seed: seed,
            count: options.count, classes: classes,
            labelTable: classes == nil ? nil : source.description(of: sampled).labelTable, queries: queries)
    }
}

/// The closed form of a run's conditional given each query row. It exists for linear encoders of a Gaussian source.
private struct ClosedFormConditional: Sendable {
    /// p(other modality | given modality) in closed form; nil if there is none.
    private let conditional: GaussianConditional?
    /// Q × d, in the form that the encoder takes.
    private let queries: Tensor

    init(_ run: TrainedRun, given: Modality, queries: SamplingRows) throws {
        let tilt = try run.model.gaussianTilt(
            of: run.source, similarity: run.configuration.objective.similarity, temperature: run.temperature)
        conditional = given == .second ? try tilt?.firstGivenSecond() : try tilt?.secondGivenFirst()
        self.queries = try queries.within { try run.source.prepare(given, raw: $0) }
    }

    /// Compares the moments of a query's draws with the exact ones; nil if there is no closed form.
    func comparison(_ moments: ConditionalMoments, query: Int) -> MomentComparison? {
        conditional.map {
            MomentComparison(moments, $0, given: queries.rows(query..<query + 1).values.map(Double.init))
        }
    }
}
