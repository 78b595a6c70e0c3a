import CoupletEvaluation
import CoupletFiles
import CoupletInference
import CoupletPairs
import CoupletStudies
import CoupletTensors
import CoupletTraining
import TestSupport
import Testing

@Suite struct AssimilationTests {
    /// A short run on small flows, in `run`.
    private static func trained(_ data: String, similarity: String = "inner_product") throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        let path = try folder.write(
            "c.yaml",
            """
            name: tiny
            seed: 2
            data: \(data)
            encoders: {embedding: 16, first: {kind: mlp, widths: [32]}, second: {kind: mlp, widths: [32]}}
            objective: {similarity: \(similarity), temperature: 1, loss: conditional}
            batch: {size: 64, shards: 2}
            optimizer: {kind: adam, learning_rate: 0.003}
            train: {steps: 60}

            """)
        try Trainer(options: TrainingOptions(output: folder.file("run"), progress: .none)).run {
            try Configuration.load(path: path)
        }
        return folder
    }

    private static let ocean = """
        {source: ocean, grid: 8, largest_wavenumber: 1, smoothness: 1, inverse_length: 0, speed: 0.3, drifters: 4, \
        times: 3, noise: 0.15}
        """

    private static func options(threads: Int = 1) -> Assimilation.Options {
        var options = Assimilation.Options()
        options.gallery = 60
        options.queries = 12
        options.evidenceFlows = 256
        options.burnIn = 200
        options.draws = 50
        options.maximumSteps = 5_000
        options.threads = threads
        return options
    }

    @Test func recordHasTheExactAnswers() throws {
        let folder = try Self.trained(Self.ocean), run = try TrainedRun(folder.file("run"))
        let record = try Assimilation(run, options: Self.options(threads: 3)).record()
        let source = try #require(run.source as? OceanSource), model = source.drifterModel

        // A naive posterior on the gallery, in Double.
        let posteriors = record.posteriors(.flowGivenTracks, .likelihood)
        let noise = source.specification.noise
        for k in [0, 17, 59] {
            let starts = Tensor([60, 4, 2])
            for row in 0..<60 {
                for drifter in 0..<4 {
                    for axis in 0..<2 {
                        starts[(row * 4 + drifter) * 2 + axis] = record.tracks[(k * 4 + drifter) * 8 + axis]
                    }
                }
            }
            let positions = model.positions(flows: record.flows, starts: starts)
            let logs = (0..<60).map { row in
                (0..<32).reduce(0.0) { sum, i in
                    let d = Double(positions[row * 32 + i]) - Double(record.tracks[k * 32 + i])
                    return sum - d * d / (2 * noise * noise)
                }
            }
            let total = log(logs.reduce(0) { $0 + exp($1) })
            #expect(abs(posteriors[k].logProbability - (logs[k] - total)) <= 1e-5)
            #expect(posteriors[k].rank == 1 + logs.count { $0 > logs[k] })
        }
        // The learned posterior, from the encodings.
        let scores = try Self.scores(run, record), learned = record.posteriors(.flowGivenTracks, .learned)
        let reverse = record.posteriors(.tracksGivenFlow, .learned)
        for k in [3, 40] {
            let row = (0..<60).map { scores[$0][k] }, column = scores[k]
            #expect(abs(learned[k].logProbability - (row[k] - log(row.reduce(0) { $0 + exp($1) }))) <= 1e-4)
            #expect(abs(reverse[k].logProbability - (column[k] - log(column.reduce(0) { $0 + exp($1) }))) <= 1e-4)
            #expect(learned[k].best.count == 8 && learned[k].best[0] == row.firstIndex(of: row.max()!))
        }
        // The exact answers are better than learned ones after few steps, and the prior's figures are known.
        for direction in AssimilationRecord.Direction.allCases {
            #expect(
                record.figures(direction, .likelihood).logProbability
                    > record.figures(direction, .learned).logProbability)
        }
        #expect(record.estimates.map(\.method) == AssimilationRecord.Method.allCases && record.queryCount == 12)
        let prior = try #require(record.estimates(.prior)), exact = try #require(record.estimates(.likelihood))
        #expect(prior.figures.error == 1 && prior.means.elements.allSatisfy { $0 == 0 })
        #expect(abs(prior.figures.rankedProbabilityScore - 1) <= 0.3)
        #expect(exact.figures.error < 0.8 && exact.figures.rankedProbabilityScore < 0.8)
        #expect(abs(exact.figures.spread / exact.figures.error - 1) <= 0.4)
        #expect(exact.samples?.shape == [12, 199, 4] && exact.chains.count == 12)
        #expect(exact.chains.allSatisfy { $0.rHat < 1.2 && $0.effectiveSampleSize > 30 }, "\(exact.chains)")
        let ranks = try #require(exact.ranks)
        #expect(ranks.counts.reduce(0, +) == 48 && ranks.pValue > 0.02)
        // The bound of a gallery does not exceed the information, up to its error, nor log N.
        let information = record.mutualInformation, bound = record.figures(.flowGivenTracks, .likelihood)
        #expect(bound.mutualInformationBound <= log(60))
        #expect(
            bound.mutualInformationBound
                <= information.value + 4 * (information.standardError + bound.logProbabilityError))
    }

    /// S of each pair, by first and second rows, from the run's encodings in Double.
    private static func scores(_ run: TrainedRun, _ record: AssimilationRecord) throws -> [[Double]] {
        let source = try #require(run.source as? OceanSource)
        func encode(_ modality: Modality, _ rows: Tensor) throws -> [[Double]] {
            var result: [[Double]] = []
            try run.encode(modality, count: rows.rows, read: { rows.rows($0) }) { encodings, _ in
                let values = encodings.values.map(Double.init)
                result += (0..<encodings.rows).map { Array(values[$0 * 16..<($0 + 1) * 16]) }
            }
            return result
        }
        let first = try encode(.first, source.fields(of: record.flows)), second = try encode(.second, record.tracks)
        return first.map { g in second.map { h in zip(g, h).reduce(0) { $0 + $1.0 * $1.1 } } }
    }

    /// The posterior mean by chains with the exact likelihood, against a plain mean over many flows of the prior.
    @Test func chainsHaveThePosteriorMean() throws {
        let folder = try Self.trained(Self.ocean), run = try TrainedRun(folder.file("run"))
        let record = try Assimilation(run, options: Self.options(threads: 2)).record()
        let source = try #require(run.source as? OceanSource), flows = source.flows(.training, Array(0..<100_000))
        let exact = try #require(record.estimates(.likelihood))
        for k in 0..<4 {
            let logs = source.drifterModel.logLikelihoods(tracks: record.tracks.rows(k..<k + 1), flows: flows)
            let weights = GalleryResampling.weights(logs), size = GalleryResampling.effectiveSampleSize(weights)
            for i in 0..<4 {
                let mean = weights.enumerated().reduce(0.0) { $0 + $1.element * Double(flows[$1.offset * 4 + i]) }
                let variance = weights.enumerated().reduce(0.0) {
                    $0 + $1.element * (Double(flows[$1.offset * 4 + i]) - mean)
                        * (Double(flows[$1.offset * 4 + i]) - mean)
                }
                let error = (variance * (1 / size + 1 / exact.chains[k].effectiveSampleSize)).squareRoot()
                #expect(size > 100 && abs(exact.means[k, i] - mean) <= 4.5 * error)
            }
        }
    }

    /// Threads do not change a bit, and the file keeps all.
    @Test func recordIsReproducibleAndReadable() throws {
        let folder = try Self.trained(Self.ocean, similarity: "cosine"), run = try TrainedRun(folder.file("run"))
        for threads in [1, 3] {
            try Assimilation(run, options: Self.options(threads: threads)).record().write(
                to: folder.file("\(threads).h5"))
        }
        #expect(try folder.bytes(of: "1.h5") == folder.bytes(of: "3.h5"))
        let record = try Assimilation(run, options: Self.options(threads: 2)).record()
        let read = try AssimilationRecord(reading: folder.file("1.h5"))
        #expect(read.setting == record.setting && read.retrieval == record.retrieval && read.table == record.table)
        #expect(read.flows.values == record.flows.values && read.tracks.shape == [60, 4, 4, 2])
        #expect(read.pointwiseInformation == record.pointwiseInformation)
        for (a, b) in zip(read.estimates, record.estimates) {
            #expect(a.means == b.means && a.samples?.values == b.samples?.values && a.figures == b.figures)
            #expect(a.ranks == b.ranks && a.chains == b.chains)
        }
        #expect(throws: FileError.self) { try AssimilationRecord(reading: folder.file("run/checkpoints")) }
    }

    @Test func otherSourcesAreRefused() throws {
        let folder = try Self.trained("{source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}")
        let error = thrownError(DataError.self) {
            _ = try Assimilation(try TrainedRun(folder.file("run")), options: Self.options())
        }
        #expect(error?.description.contains("another source than ocean") == true)
    }
}
