import CoupletFiles
import CoupletStorage
import CoupletTraining
import Glibc

/// The file of `couplet evaluate --encodings`: what the regressors see, for whoever wants to do the same with other tools.
///
/// Two groups, /fitting and /scoring, in each /first and /second (encodings, N × e, not yet standardised), /latents/NAME (N × columns) and, where
/// there is content, /swapped: first and second encodings of the views with other samples' content, and that content, c. Float64, row i everywhere
/// the same sample.
package struct EncodingsFile {
    let path: String

    package init(path: String) {
        self.path = path
    }

    /// - Throws: `FileError` where something of this name exists.
    package func check() throws {
        if access(path, F_OK) == 0 {
            throw FileError(
                .inputOutput, place: path, reason: "exists already", remedy: "give another name, or delete it first")
        }
    }

    package func write(_ samples: ModelEvaluation.IdentifiabilitySamples) throws {
        try HDF5File.create(path) { file in
            for (group, samples) in [("/fitting", samples.fitting), ("/scoring", samples.scoring)] {
                try file.write("\(group)/first", samples.first)
                try file.write("\(group)/second", samples.second)
                for factor in samples.factors { try file.write("\(group)/latents/\(factor.name)", factor.values) }
                guard let swapped = samples.swapped else { continue }
                try file.write("\(group)/swapped/first", swapped.first)
                try file.write("\(group)/swapped/second", swapped.second)
                try file.write("\(group)/swapped/c", swapped.content)
            }
        }
    }
}
