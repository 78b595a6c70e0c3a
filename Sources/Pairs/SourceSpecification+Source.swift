extension SourceSpecification {
    /// Opens the source.
    /// - Parameter seed: what the source's own draws are functions of: maps and samples of Gaussians, the choice of held-out
    ///   and of few labelled samples.
    /// - Throws: `DataError` where the values are impossible or the data wrong, `FileError` where an HDF5 file cannot be read.
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
                place: "data.source program",
                reason: "the source '\(name)' is part of the program that uses it, not of a config",
                remedy: "pass it to Trainer.run or TrainedRun by that program, or export its pairs to an HDF5 file")
        }
    }
}
