import CoupletEvaluation
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTensors

/// The HDF5 file of a record. N = gallery, Q = queries, m = numbers of a flow.
///
///     /                              attributes: kind, version, run, name, loss, similarity, temperature, step, …
///     /source/wavenumbers            m/2 × 2; attributes of /source: the keys of the source
///     /source/deviations             m/2: standard deviation of the coefficients of each wavenumber
///     /gallery/flows                 N × m: z of each flow
///     /gallery/tracks                N × D × (T + 1) × 2
///     /retrieval/DIRECTION/SCORER/   rank N, log_probability N, best N × top, best_probability N × top;
///                                    attributes: recall_at_1, recall_at_5, recall_at_10, log_probability, …
///     /information/pointwise         N; /information/evidence_flows N
///     /estimates/METHOD/             mean Q × m, samples Q × L × m, rank_histogram, chains Q × 3
///                                    (R-hat, effective sample size, acceptance); attributes: error, …
extension AssimilationRecord {
    private static let kind = "couplet assimilation", version = 1

    /// Writes the file completely or not at all.
    /// - Throws: `FileError` if the system refuses.
    public func write(to path: String) throws {
        try HDF5File.create(path) { file in
            try writeSetting(file)
            try file.write("/gallery/flows", flows)
            try file.write("/gallery/tracks", tracks)
            try file.write("/information/pointwise", pointwiseInformation, shape: [galleryCount])
            try file.write("/information/evidence_flows", evidenceFlows, shape: [galleryCount])
            for direction in Direction.allCases {
                for scorer in Scorer.allCases { try write(direction, scorer, file) }
            }
            for estimates in estimates { try Self.write(estimates, file) }
        }
    }

    private func writeSetting(_ file: HDF5File) throws {
        let ocean = setting.ocean, prior = prior
        for (name, value) in [
            ("kind", AttributeValue.string(Self.kind)), ("version", .integer(Self.version)),
            ("run", .string(setting.run)), ("name", .string(setting.name)), ("loss", .string(setting.loss)),
            ("similarity", .string(setting.similarity)), ("temperature", .double(setting.temperature)),
            ("step", .integer(setting.step)), ("batch", .integer(setting.batch)),
            ("embedding", .integer(setting.embedding)), ("seed", .unsigned(setting.seed)),
        ] { try file.setAttribute(name, value) }
        try file.write(
            "/source/wavenumbers", prior.wavenumbers.flatMap { [$0.x, $0.y] }, shape: [prior.wavenumbers.count, 2])
        try file.write("/source/deviations", prior.deviations, shape: [prior.deviations.count])
        for (name, value) in [
            ("grid", AttributeValue.integer(ocean.grid)), ("field", .string(ocean.field.rawValue)),
            ("largest_wavenumber", .integer(ocean.largestWavenumber)), ("smoothness", .double(ocean.smoothness)),
            ("inverse_length", .double(ocean.inverseLength)), ("speed", .double(ocean.speed)),
            ("drifters", .integer(ocean.drifters)), ("times", .integer(ocean.times)), ("noise", .double(ocean.noise)),
            ("steps_per_time", .integer(ocean.stepsPerTime)),
        ] { try file.setAttribute(name, value, of: "/source") }
    }

    private func write(_ direction: Direction, _ scorer: Scorer, _ file: HDF5File) throws {
        let group = "/retrieval/\(direction.rawValue)/\(scorer.rawValue)", posteriors = posteriors(direction, scorer)
        let top = posteriors[0].best.count, figures = figures(direction, scorer)
        try file.write("\(group)/rank", posteriors.map(\.rank), shape: [posteriors.count])
        try file.write("\(group)/log_probability", posteriors.map(\.logProbability), shape: [posteriors.count])
        try file.write("\(group)/best", posteriors.flatMap(\.best), shape: [posteriors.count, top])
        try file.write(
            "\(group)/best_probability", posteriors.flatMap(\.bestProbabilities), shape: [posteriors.count, top])
        for (name, value) in [
            ("recall_at_1", figures.recallAt1), ("recall_at_5", figures.recallAt5),
            ("recall_at_10", figures.recallAt10), ("log_probability", figures.logProbability),
            ("log_probability_error", figures.logProbabilityError),
            ("mutual_information_bound", figures.mutualInformationBound),
            ("calibration_error", reliability(direction, scorer).error),
        ] { try file.setAttribute(name, .double(value), of: group) }
    }

    private static func write(_ estimates: Estimates, _ file: HDF5File) throws {
        let group = "/estimates/\(estimates.method.rawValue)", figures = estimates.figures
        try file.write("\(group)/mean", estimates.means)
        for (name, value) in [
            ("error", figures.error), ("velocity_error", figures.velocityError), ("spread", figures.spread),
            ("ranked_probability_score", figures.rankedProbabilityScore),
        ] { try file.setAttribute(name, .double(value), of: group) }
        if let samples = estimates.samples { try file.write("\(group)/samples", samples) }
        if !estimates.chains.isEmpty {
            try file.write(
                "\(group)/chains", estimates.chains.flatMap { [$0.rHat, $0.effectiveSampleSize, $0.acceptance] },
                shape: [estimates.chains.count, 3])
        }
        if let ranks = estimates.ranks {
            let name = "\(group)/rank_histogram"
            try file.write(name, ranks.counts, shape: [ranks.counts.count])
            try file.setAttribute("band_low", .integer(ranks.band.lowerBound), of: name)
            try file.setAttribute("band_high", .integer(ranks.band.upperBound), of: name)
            try file.setAttribute("p_value", .double(ranks.pValue), of: name)
        }
    }

    // MARK: - Reading

    /// - Throws: `FileError` if there is no such file or it is not the file of a record.
    public init(reading path: String) throws {
        let file = AttributedFile(file: try HDF5File(reading: path), path: path)
        guard try file.file.attribute("kind") == .string(Self.kind) else {
            throw FileError(
                .badData, at: path, reason: "not a file of couplet study assimilate",
                remedy: "couplet study assimilate RUN --output \(path) makes one")
        }
        guard try file.integer("version") == Self.version else {
            throw FileError(
                .badData, at: path, reason: "of version \(try file.integer("version")), not \(Self.version)",
                remedy: "make it again by couplet study assimilate")
        }
        let source = "/source"
        guard let field = StreamFunctionPrior.Field(rawValue: try file.string("field", of: source)) else {
            throw FileError(.badData, at: path, reason: "field \(try file.string("field", of: source))")
        }
        let ocean = OceanSpecification(
            grid: try file.integer("grid", of: source), field: field,
            largestWavenumber: try file.integer("largest_wavenumber", of: source),
            smoothness: try file.number("smoothness", of: source),
            inverseLength: try file.number("inverse_length", of: source), speed: try file.number("speed", of: source),
            drifters: try file.integer("drifters", of: source), times: try file.integer("times", of: source),
            noise: try file.number("noise", of: source), stepsPerTime: try file.integer("steps_per_time", of: source))
        let seed: UInt64 =
            if case .unsigned(let value) = try file.file.attribute("seed") { value } else {
                UInt64(try file.integer("seed"))
            }
        let setting = Setting(
            run: try file.string("run"), name: try file.string("name"), loss: try file.string("loss"),
            similarity: try file.string("similarity"), temperature: try file.number("temperature"),
            step: try file.integer("step"), batch: try file.integer("batch"),
            embedding: try file.integer("embedding"), seed: seed, ocean: ocean)
        var retrieval: [Direction: [Scorer: [GalleryPosterior]]] = [:]
        for direction in Direction.allCases {
            for scorer in Scorer.allCases {
                retrieval[direction, default: [:]][scorer] = try Self.posteriors(
                    "/retrieval/\(direction.rawValue)/\(scorer.rawValue)", file.file)
            }
        }
        let groups = try file.file.children(of: "/estimates")
        self.init(
            setting: setting, flows: try file.file.readFloats("/gallery/flows"),
            tracks: try file.file.readFloats("/gallery/tracks"), retrieval: retrieval,
            pointwiseInformation: try file.file.readDoubles("/information/pointwise"),
            evidenceFlows: try file.file.readDoubles("/information/evidence_flows"),
            estimates: try Method.allCases.filter { method in groups.contains(method.rawValue) }.map {
                try Self.estimates($0, file)
            })
    }

    private static func posteriors(_ group: String, _ file: HDF5File) throws -> [GalleryPosterior] {
        let ranks = try file.readIntegers("\(group)/rank"), logs = try file.readDoubles("\(group)/log_probability")
        let best = try file.readIntegers("\(group)/best")
        let probabilities = try file.readDoubles("\(group)/best_probability"), top = best.count / max(ranks.count, 1)
        return ranks.indices.map { k in
            GalleryPosterior(
                logProbability: logs[k], rank: ranks[k], best: Array(best[k * top..<(k + 1) * top]),
                bestProbabilities: Array(probabilities[k * top..<(k + 1) * top]))
        }
    }

    private static func estimates(_ method: Method, _ file: AttributedFile) throws -> Estimates {
        let group = "/estimates/\(method.rawValue)", names = try file.file.datasetNames(under: group)
        func has(_ name: String) -> Bool { names.contains { $0.hasSuffix("/\(name)") } }
        let chains = has("chains") ? try file.file.readDoubles("\(group)/chains") : []
        var ranks: RankFigures?
        if has("rank_histogram") {
            let name = "\(group)/rank_histogram"
            let low = try file.integer("band_low", of: name), high = try file.integer("band_high", of: name)
            ranks = RankFigures(
                counts: try file.file.readIntegers(name), band: low...max(low, high),
                pValue: try file.number("p_value", of: name))
        }
        return Estimates(
            method: method, means: try file.file.readMatrix("\(group)/mean"),
            samples: has("samples") ? try file.file.readFloats("\(group)/samples") : nil,
            chains: (0..<chains.count / 3).map {
                ChainFigures(
                    rHat: chains[3 * $0], effectiveSampleSize: chains[3 * $0 + 1], acceptance: chains[3 * $0 + 2])
            },
            figures: Figures(
                error: try file.number("error", of: group), velocityError: try file.number("velocity_error", of: group),
                spread: try file.number("spread", of: group),
                rankedProbabilityScore: try file.number("ranked_probability_score", of: group)),
            ranks: ranks)
    }
}

/// Reads attributes that must be there.
private struct AttributedFile {
    let file: HDF5File
    let path: String

    private func missing(_ name: String, _ object: String) -> FileError {
        FileError(.badData, at: path, reason: "\(object) lacks the attribute \(name), or it has another type")
    }

    func integer(_ name: String, of object: String = "/") throws -> Int {
        guard case .integer(let value) = try file.attribute(name, of: object) else { throw missing(name, object) }
        return value
    }

    func number(_ name: String, of object: String = "/") throws -> Double {
        guard case .double(let value) = try file.attribute(name, of: object) else { throw missing(name, object) }
        return value
    }

    func string(_ name: String, of object: String = "/") throws -> String {
        guard case .string(let value) = try file.attribute(name, of: object) else { throw missing(name, object) }
        return value
    }
}
