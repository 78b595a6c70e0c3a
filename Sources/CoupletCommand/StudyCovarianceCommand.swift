import ArgumentParser
import CoupletFiles
import CoupletStorage
import CoupletStudies

#if canImport(Glibc)
    import Glibc
#endif

struct StudyCovarianceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "covariance",
        abstract: "Write the nearly singular covariances of the Gaussian study.",
        discussion: """
            8 and 6 dimensions; variances from 1 down to a millionth, along directions that are no axes; canonical correlations 0.9, 0.7, 0.5, 0.3, 0.15. As data:

              data: {source: gaussian, covariance: nearly_singular.h5}
            """)

    @Argument(help: ArgumentHelp("The file to make.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var output: String

    func run() throws {
        if access(output, F_OK) == 0 {
            throw FileError(
                .inputOutput, place: output, reason: "exists already", remedy: "give another name, or delete it first")
        }
        let covariance = IllConditionedGaussian.covariance
        try HDF5File.create(output) { file in
            try file.write("/uu", covariance.uu)
            try file.write("/uv", covariance.uv)
            try file.write("/vv", covariance.vv)
        }
        print(output)
    }
}
