/// A source of pairs and its options, as the `data` block of a config sets them.
public enum SourceSpecification: Equatable, Sendable {
    /// Jointly Gaussian pairs with given canonical correlations, transformed by random well-conditioned linear maps.
    case gaussian(dimensions: [Int], correlations: [Double])
    /// Jointly Gaussian pairs with the covariances /uu, /uv, /vv of an HDF5 file.
    case gaussianFromFile(path: String)
    /// Pairs that are mixed from latent factors.
    case latent(LatentSpecification)
    /// MNIST: image and label, from a folder with the four IDX files.
    case mnist(path: String)
    /// The user's HDF5 file with /first, /second and, optionally, /labels and /split.
    case hdf5(path: String, heldOut: Double)
    /// A `PairSource` that the program defines. The name distinguishes runs.
    case program(name: String)
    /// Another source, reduced to `perClass` labelled training samples of each class.
    indirect case fewShot(SourceSpecification, perClass: Int)

    /// Opens the source.
    /// - Parameter seed: determines the parameters and samples of Gaussian and latent sources, and the choice of
    ///   held-out and few-shot samples.
    /// - Throws: `DataError` if the options are impossible or the data are wrong, `FileError` if an HDF5 file cannot be
    ///   read, `LinearAlgebraError` if a decomposition does not converge.
    public func makeSource(seed: UInt64) throws -> any PairSource {
        switch self {
        case .gaussian(let dimensions, let correlations):
            try GaussianSource(dimensions: dimensions, correlations: correlations, seed: seed)
        case .gaussianFromFile(let path): try GaussianSource(covarianceFile: path, seed: seed)
        case .latent(let specification): try LatentSource(specification, seed: seed)
        case .mnist(let path): try MNISTSource(path: path)
        case .hdf5(let path, let heldOut): try HDF5Source(path: path, heldOut: heldOut, seed: seed)
        case .fewShot(let base, let perClass):
            try FewShotSource(base.makeSource(seed: seed), perClass: perClass, seed: seed)
        case .program(let name):
            throw DataError(
                at: "data.source program",
                reason: "the source '\(name)' is part of the program that uses it, not of a config",
                remedy: "pass it to Trainer.run or TrainedRun in that program, or export its pairs to an HDF5 file")
        }
    }
}
