import CoupletFiles
import CoupletStorage
import CoupletTraining

/// The file of `couplet evaluate --encodings`: the samples of the regressors of `identifiability`, for use with other
/// tools.
///
/// The groups /fitting and /scoring have the same datasets, all Float64, in which row i is always the same sample:
/// - /first and /second: encodings, N × e, not standardised;
/// - /latents/NAME: latent factors, N × columns;
/// - /swapped/first, /swapped/second and /swapped/c, if the source has content: encodings of the views with the content
///   of other samples, and that content.
package struct EncodingsFile {
    let path: String

    package init(path: String) {
        self.path = path
    }

    /// Checks that the file does not exist.
    /// - Throws: `FileError` if a file of this name exists.
    package func check() throws {
        try FileSystem.requireAbsent(path)
    }

    /// Writes the file completely or not at all. It replaces an existing file.
    /// - Throws: `FileError` if the system refuses.
    package func write(_ samples: ModelEvaluation.IdentifiabilitySamples) throws {
        try HDF5File.create(path) { file in
            for (group, samples) in [("/fitting", samples.fitting), ("/scoring", samples.scoring)] {
                try file.write("\(group)/first", samples.encodings.first)
                try file.write("\(group)/second", samples.encodings.second)
                for factor in samples.factors { try file.write("\(group)/latents/\(factor.name)", factor.values) }
                guard let swapped = samples.swapped else { continue }
                try file.write("\(group)/swapped/first", swapped.encodings.first)
                try file.write("\(group)/swapped/second", swapped.encodings.second)
                try file.write("\(group)/swapped/c", swapped.content)
            }
        }
    }
}
