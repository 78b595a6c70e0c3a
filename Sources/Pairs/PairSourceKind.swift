import CoupletSchema

extension KindCategory {
    /// The kinds of sources, which `data.source` of a config names.
    public static let source = KindCategory("source")
}

/// A kind of source of pairs, with its keys in the block `data` of a config. Its values make sources.
///
/// Couplet has gaussian, latent, ocean, mnist, hdf5, multimodal3dident and program. Another program adds its own kinds
/// to a `Registry`:
///
///     struct Circle: PairSourceKind {
///         static let name = "circle"
///         static let table = ConfigurationTable(Circle(), help: "Points of a circle.", [
///             .key("noise", \.noise, .number(.nonNegative, example: 0.1), "Standard deviation of the noise.")
///         ])
///         var noise = 0.1
///         func makeSource(seed: UInt64) throws -> any PairSource { CircleSource(noise: noise, seed: seed) }
///     }
public protocol PairSourceKind: ConfigurableKind {
    /// Opens the source. Equal values with equal seeds must give sources with the same samples, bit for bit.
    /// - Parameter seed: the seed of the run.
    /// - Throws: `DataError` if the options are impossible or the data are wrong, `FileError` if a file cannot be read,
    ///   `LinearAlgebraError` if a decomposition does not converge.
    func makeSource(seed: UInt64) throws -> any PairSource

    /// The same kind with validation samples, for a run in which something is chosen by a metric. A kind whose data
    /// have none takes a part of the training samples, unless its keys say otherwise. The default changes nothing.
    /// - Throws: as `makeSource` does, if the data must be read.
    func withValidation() throws -> Self

    /// A source without its data, for encoding rows where the data are not: it describes samples as given, and
    /// `prepare` converts rows as the source does. Nil, the default, opens the source for that.
    /// - Parameter descriptions: those of the source, as a checkpoint names them.
    func detachedSource(_ descriptions: PerModality<ModalityDescription>) -> (any PairSource)?

    /// Whether the sources may have labels, so that the key `per_class` applies. The default is false.
    static var hasLabels: Bool { get }
    /// Whether the sources know latent factors (`LatentFactorSource`). Nil: only the program that provides the source
    /// can tell. The default is false.
    var hasLatentFactors: Bool? { get }
    /// Whether the source is a function of the seed. If not, trials of a sweep with different seeds share one source.
    /// The default is true.
    var dependsOnSeed: Bool { get }
}

extension PairSourceKind {
    public static var category: KindCategory { .source }
    public static var hasLabels: Bool { false }
    public func withValidation() throws -> Self { self }
    public func detachedSource(_ descriptions: PerModality<ModalityDescription>) -> (any PairSource)? { nil }
    public var hasLatentFactors: Bool? { false }
    public var dependsOnSeed: Bool { true }
}

/// A kind whose sources take a fraction of the training samples for validation.
package protocol ValidationFraction: PairSourceKind {
    /// The fraction; nil if the config does not say, and 0 for none.
    var validation: Double? { get set }
}

extension ValidationFraction {
    /// The fraction that is taken where something is chosen by a metric and neither config nor data say what to choose
    /// on.
    package static var usualValidation: Double { 0.1 }

    /// The key `data.validation`.
    static func validationKey(_ help: String) -> ConfigurationKey<Self> {
        .key(
            "validation", \.validation,
            .optional(.number(.belowOne, example: Self.usualValidation), isOmitted: true), help)
    }
}

/// The kinds of sources that Couplet has, in the order of error messages.
package let sourceKinds: [any ConfigurableKind.Type] = [
    GaussianSpecification.self, LatentSpecification.self, OceanSpecification.self, MNISTSpecification.self,
    HDF5Specification.self, SceneSpecification.self, ProgramSpecification.self,
]
