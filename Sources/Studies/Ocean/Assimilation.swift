import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletTensors
import CoupletTraining

/// Compares a run on the source `ocean` with the exact answers (Baptista, Stuart, Tran 2025, arXiv 2505.24134, on
/// Lagrangian data assimilation).
///
/// The source integrates drifters, so the likelihood p(tracks | flow) is computable, and with it:
/// - given tracks, the posterior on a gallery of flows, the softmax of the log-likelihoods;
/// - given a flow, the posterior on a gallery of tracks, the softmax of log p(tracks | flow) - log p(tracks)
///   (`TrackEvidence`);
/// - posterior means and samples of the flow by pCN.
///
/// The run answers the same questions with its score S. Every query is computed by one thread, from random numbers that
/// are functions of the seed and the query, so results do not depend on the number of threads.
public struct Assimilation: Sendable {
    public struct Options: Sendable {
        /// N, the number of held-out pairs in the gallery.
        public var gallery = 1_000
        /// Q, the number of flows that are estimated.
        public var queries = 64
        /// Number of flows in the estimate of each log p(tracks).
        public var evidenceFlows = 1_024
        /// Rows of the gallery that are kept for each query.
        public var top = 8
        /// L, the number of posterior samples that are kept for each query; L + 1 is a multiple of 20.
        public var samples = 199
        /// pCN: chains of a query, steps that adapt the step size, draws of each chain, and the largest number of steps
        /// of a chain.
        public var chains = 8, burnIn = 500, draws = 100, maximumSteps = 20_000
        /// Nil: the run's seed.
        public var seed: UInt64?
        public var threads = 1

        public init() {}
    }

    private let run: TrainedRun
    private let source: OceanSource
    private let options: Options
    private let seed: UInt64
    private let score: PairScore
    private let estimator: FlowEstimator
    /// z of the gallery, N × m, and its tracks.
    private let flows: Tensor, tracks: Tensor

    /// Queries whose chains run as one batch. The last block is padded, so a query's bits do not depend on Q.
    private static let queriesPerBlock = 4

    /// With a larger R-hat, chains of the exact posterior run again with the prior as their reference.
    private static let largestRHat = 1.05

    /// - Throws: `DataError` if the run has another source.
    public init(_ run: TrainedRun, options: Options) throws {
        precondition(
            options.gallery >= options.queries && options.queries > 0 && options.evidenceFlows > 1,
            "\(options.queries) queries of \(options.gallery) pairs, \(options.evidenceFlows) flows")
        precondition(
            (options.samples + 1) % FlowEstimator.rankBins == 0 && options.samples <= options.chains * options.draws,
            "\(options.samples) samples of \(options.chains) chains of \(options.draws) draws")
        guard let source = run.source.unwrapped as? OceanSource else {
            throw DataError(
                at: run.folder.path, reason: "a run on another source than ocean",
                remedy: "the exact answers are known for data.source ocean only")
        }
        self.run = run
        self.source = source
        self.options = options
        seed = options.seed ?? run.configuration.seed
        score = PairScore(similarity: run.configuration.objective.similarity, temperature: run.temperature)
        estimator = FlowEstimator(source.prior)
        let numbers = Array(0..<UInt64(options.gallery))
        flows = source.flows(.heldOut, numbers)
        tracks = source.tracks(.heldOut, numbers)
    }

    /// - Throws: `SamplingError` if a score of the run is not finite; `LinearAlgebraError`; `DataError`.
    public func record() throws -> AssimilationRecord {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let n = options.gallery
        // Row k: log p(v_k | u_j) of all flows j.
        let likelihoods = try map(n) { model.logLikelihoods(tracks: track($0), flows: flows) }
        let gaussians = try map(n, gaussianEstimates)
        let evidence = try map(n) { k in
            try TrackEvidence(
                track(k), of: model, near: gaussians[k].variational, count: options.evidenceFlows,
                philox: Philox(seed: seed).derived(1), number: UInt64(k))
        }
        let encodedFlows = try run.encode(.first, source.fields(of: flows))
        let encodedTracks = try run.encode(.second, tracks)
        let flowSquares = PairScore.squares(encodedFlows), trackSquares = PairScore.squares(encodedTracks)
        // Row k: S(u_j, v_k) of all flows j; then row j: S(u_j, v_k) of all tracks k.
        let scores = try map(n) {
            try finite(score.scores(of: $0, in: encodedTracks, trackSquares, with: encodedFlows, flowSquares))
        }
        func posteriors(_ row: @Sendable (Int) -> [Double]) throws -> [GalleryPosterior] {
            try map(n) { GalleryPosterior(scores: row($0), truth: $0, top: options.top) }
        }
        let retrieval: [AssimilationRecord.Direction: [AssimilationRecord.Scorer: [GalleryPosterior]]] = [
            .flowGivenTracks: [
                .likelihood: try posteriors { likelihoods[$0] }, .learned: try posteriors { scores[$0] },
            ],
            .tracksGivenFlow: [
                .likelihood: try posteriors { j in (0..<n).map { likelihoods[$0][j] - evidence[$0].logEvidence } },
                .learned: try posteriors { j in (0..<n).map { scores[$0][j] } },
            ],
        ]
        return AssimilationRecord(
            setting: setting, flows: flows, tracks: tracks, retrieval: retrieval,
            pointwiseInformation: (0..<n).map { likelihoods[$0][$0] - evidence[$0].logEvidence },
            evidenceFlows: evidence.map(\.effectiveFlows),
            estimates: try estimates(
                gaussians: gaussians, likelihoods: likelihoods, scores: scores, encodedTracks: encodedTracks))
    }

    // MARK: - Parts

    private var model: DrifterModel { source.drifterModel }

    private var setting: AssimilationRecord.Setting {
        let configuration = run.configuration
        return .init(
            run: run.folder.path, name: configuration.name, loss: configuration.objective.loss.title,
            similarity: configuration.objective.similarity.rawValue, temperature: run.temperature, step: run.step,
            batch: configuration.batch.size, embedding: configuration.encoders.embedding, seed: seed,
            ocean: source.specification)
    }

    /// Computes independent results on the threads.
    private func map<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) throws -> Result) throws -> [Result] {
        try parallelMap(count: count, threads: options.threads, body)
    }

    private func track(_ k: Int) -> Tensor { tracks.rows(k..<k + 1) }

    private func truth(_ k: Int) -> [Double] { flows.rows(k..<k + 1).values.map(Double.init) }

    private func finite(_ scores: [Double]) throws -> [Double] {
        guard let wrong = scores.first(where: { !$0.isFinite }) else { return scores }
        throw SamplingError(reason: "the run gives the score \(wrong)", remedy: "train it with a smaller learning rate")
    }

    /// The better of two variational estimates, from the kriging mean and from no flow.
    private func gaussianEstimates(_ k: Int) throws -> (
        kriging: GaussianFlowEstimate, variational: GaussianFlowEstimate
    ) {
        let kriging = try TrackKriging.estimate(track(k), of: model)
        let search = VariationalFlowEstimate(track(k), of: model)
        let found = try [kriging.mean, [Double](repeating: 0, count: kriging.mean.count)].map(search.estimate)
        return (kriging, found[found[1].logDensity > found[0].logDensity ? 1 : 0].estimate)
    }

    private func estimates(
        gaussians: [(kriging: GaussianFlowEstimate, variational: GaussianFlowEstimate)], likelihoods: [[Double]],
        scores: [[Double]], encodedTracks: Tensor
    ) throws -> [AssimilationRecord.Estimates] {
        let truths = (0..<options.queries).map(truth), m = source.prior.dimension
        let gallery = Matrix(flows), fields = estimator.fields(gallery)
        let noFlow = GaussianFlowEstimate(mean: [Double](repeating: 0, count: m), covariance: .identity(m))
        func estimates(_ method: AssimilationRecord.Method) throws -> [FlowEstimate] {
            switch method {
            case .prior: try map(truths.count) { estimator.estimate(noFlow, truth: truths[$0]) }
            case .kriging: try map(truths.count) { estimator.estimate(gaussians[$0].kriging, truth: truths[$0]) }
            case .variational:
                try map(truths.count) { estimator.estimate(gaussians[$0].variational, truth: truths[$0]) }
            case .galleryLikelihood, .galleryLearned:
                try map(truths.count) { q in
                    // The true flow is not a candidate: its weight would hide how far the others are.
                    var row = method == .galleryLearned ? scores[q] : likelihoods[q]
                    row[q] = -.infinity
                    return estimator.estimate(
                        gallery, fields: fields, weights: GalleryResampling.weights(row), truth: truths[q])
                }
            case .likelihood:
                try map(truths.count) { q in
                    let track = track(q)
                    func draws(_ reference: ReferenceGaussian) throws -> ChainDraws {
                        try sampler(reference.marginal, seed: 2).draws(queries: [q], count: options.samples) { z in
                            zip(model.logLikelihoods(tracks: track, flows: z), reference.logPriorRatios(z)).map(+)
                        }[0]
                    }
                    // Chains rarely cross to a mode far from the Gaussian; those from all over the prior find it.
                    var best = try draws(ReferenceGaussian(gaussians[q].variational))
                    if !(best.rHat <= Self.largestRHat) {
                        let wide = try draws(.prior(m))
                        if !(best.rHat <= wide.rHat) { best = wide }
                    }
                    return estimator.estimate(best, samples: options.samples, truth: truths[q])
                }
            case .learned:
                try learnedChains { queries in
                    let rows = queries.count * options.chains
                    let given = encodedTracks.rows(at: (0..<rows).map { queries[$0 / options.chains] })
                    let encoder = run.model.batchEncoder(.first, rows: rows)
                    let output = Tensor([rows, encodedTracks.columns])
                    return { z in
                        encoder.run(source.fields(of: z), into: output)
                        return score.scores(output, given)
                    }
                }
            }
        }
        return try AssimilationRecord.Method.allCases.map {
            estimator.summary($0, try estimates($0), truths: truths)
        }
    }

    /// Runs the chains of the learned score, in blocks of queries.
    /// - Parameter logLikelihood: returns S of rows z for the queries of a block.
    private func learnedChains(
        _ logLikelihood: @Sendable (_ queries: [Int]) -> (Tensor) throws -> [Double]
    ) throws -> [FlowEstimate] {
        let size = Self.queriesPerBlock, count = options.queries
        let sampler = sampler(.standard(source.prior.dimension), seed: 3)
        return try map((count + size - 1) / size) { block in
            let queries = (0..<size).map { min(block * size + $0, count - 1) }
            let draws = try sampler.draws(
                queries: queries, count: options.samples, logLikelihood: logLikelihood(queries))
            return zip(queries, draws).prefix(count - block * size).map { q, draws in
                estimator.estimate(draws, samples: options.samples, truth: truth(q))
            }
        }.flatMap { $0 }
    }

    private func sampler(_ marginal: GaussianMarginal, seed number: UInt64) -> PreconditionedCrankNicolson {
        var sampler = PreconditionedCrankNicolson(marginal, seed: Philox(seed: seed).derived(number).seed)
        sampler.chains = options.chains
        sampler.burnIn = options.burnIn
        sampler.minimumDraws = options.draws
        sampler.maximumSteps = options.maximumSteps
        sampler.findsMode = false
        return sampler
    }
}
