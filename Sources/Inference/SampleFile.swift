import CoupletEvaluation
import CoupletFiles
import CoupletStorage
import CoupletTensors

/// The file of `couplet sample --output`: samples, mode, moments and diagnostics of each query, and the closed form if
/// there is one.
package enum SampleFile {
    /// Checks that the file does not exist.
    /// - Throws: `FileError` if the file exists.
    package static func requireNew(_ path: String) throws {
        try FileSystem.requireAbsent(path)
    }

    /// Writes the file completely or not at all. It replaces an existing file.
    /// - Throws: `FileError` if the system refuses.
    package static func write(_ result: SamplingResult, to path: String, run: TrainedRun) throws {
        try HDF5File.create(path) { try write(result, $0, run) }
    }

    private static func write(_ result: SamplingResult, _ file: HDF5File, _ run: TrainedRun) throws {
        let queries = result.queries, shape = Array(queries[0].samples.shape.dropFirst())
        let objective = run.configuration.objective
        for (name, value) in [
            ("run", AttributeValue.string(run.folder.path)), ("step", .integer(result.step)),
            ("sampled", .string(result.sampled)),
            ("given", .string(result.given)), ("method", .string(result.method.name)), ("seed", .unsigned(result.seed)),
            ("similarity", .string(objective.similarity.rawValue)), ("temperature", .double(run.temperature)),
        ] { try file.setAttribute(name, value) }

        // Labels are written as integers, one per sample, so that a reader of the file recognizes them.
        if result.classes != nil {
            try file.write(
                "/samples", queries.flatMap { $0.samples.values.map(result.label) },
                shape: [queries.count, result.count])
            try file.write("/mode", queries.map { result.label($0.mode[0]) }, shape: [queries.count])
        } else {
            try file.create("/samples", .float32, shape: [queries.count, result.count] + shape)
            for (row, query) in queries.enumerated() {
                try file.writeRows("/samples", from: row, query.samples.reshaped([1, result.count] + shape))
            }
            try file.write("/mode", Tensor([queries.count] + shape, queries.flatMap(\.mode)))
        }
        func write(_ name: String, _ inner: [Int], _ values: (SamplingResult.Query) -> [Double]?) throws {
            let all = queries.compactMap(values)
            if all.count == queries.count { try file.write(name, all.flatMap { $0 }, shape: [queries.count] + inner) }
        }
        let d = queries[0].moments.mean.count
        if result.classes != nil {
            if let table = result.labelTable { try file.write("/labels", table.labels, shape: [table.count]) }
            try write("/probabilities", [d]) { $0.moments.mean }
            try write("/standard_errors/probabilities", [d]) { $0.moments.meanError }
        } else {
            try write("/mean", [d]) { $0.moments.mean }
            try write("/standard_errors/mean", [d]) { $0.moments.meanError }
            try write("/covariance", [d, d]) { $0.moments.covariance?.elements }
            try write("/standard_errors/covariance", [d, d]) { $0.moments.covarianceError?.elements }
            if queries[0].moments.covariance == nil { try write("/variance", [d]) { $0.moments.variance } }
        }
        try write("/diagnostics/effective_sample_size", []) { [$0.quality.effectiveSampleSize] }
        try write("/diagnostics/largest_weight", []) {
            if case .weights(_, let largest) = $0.quality { [largest] } else { nil }
        }
        try write("/diagnostics/r_hat", []) {
            if case .chains(let rHat, _, _, _, _, _) = $0.quality { [rHat] } else { nil }
        }
        try write("/diagnostics/acceptance", []) {
            if case .chains(_, _, _, let acceptance, _, _) = $0.quality { [acceptance] } else { nil }
        }
        try write("/diagnostics/step_size", []) {
            if case .chains(_, _, _, _, let size, _) = $0.quality { [size] } else { nil }
        }
        try write("/diagnostics/thinning", []) {
            if case .chains(_, _, _, _, _, let thinning) = $0.quality { [Double(thinning)] } else { nil }
        }
        if queries[0].galleryRows != nil {
            try file.write(
                "/diagnostics/gallery_rows", queries.flatMap { $0.galleryRows ?? [] },
                shape: [queries.count, result.count])
        }
        try write("/closed_form/mean", [d]) { $0.comparison?.mean }
        try write("/closed_form/covariance", [d, d]) { $0.comparison?.covariance.elements }
    }
}
