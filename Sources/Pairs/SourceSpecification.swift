/// Which source of pairs: what a config's `data` block says.
public enum SourceSpecification: Equatable, Sendable {
    /// Jointly Gaussian pairs: the given canonical correlations behind random well-conditioned maps.
    case gaussian(dimensions: [Int], correlations: [Double])
    /// Jointly Gaussian pairs of given covariances: an HDF5 file with /uu, /uv, /vv.
    case gaussianFromFile(path: String)
    /// Pairs mixed from latent factors.
    case latent(LatentSpecification)
    /// MNIST: image and label, from a folder with the four IDX files.
    case mnist(path: String)
    /// The user's own HDF5 file with /first, /second and, if given, /labels and /split.
    case hdf5(path: String, heldOut: Double)
    /// One that the program brings itself, a `PairSource` of its own; the name tells runs apart.
    case program(name: String)
    /// Another source with only so many labelled training samples of each class.
    indirect case fewShot(SourceSpecification, perClass: Int)
}
