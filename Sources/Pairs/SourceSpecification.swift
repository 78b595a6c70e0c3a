import CoupletSchema

/// The block `data` of a config: a kind of source with its keys, and the number of labelled samples for few-shot
/// learning.
public struct SourceSpecification: Sendable {
    public var kind: any PairSourceKind
    /// Number of labelled training samples of each class to which `FewShotSource` reduces the source; nil for all
    /// samples.
    public var perClass: Int?
    /// How samples of numbers are scaled by the training samples; nil: not at all.
    public var standardize: Standardization?
    /// How training samples are changed at random; nil: not at all. A run does it, not `makeSource`.
    public var augment: AugmentationSpecification?

    /// - Parameters:
    ///   - perClass: at least 1, for a kind with labels only; nil for all samples.
    ///   - standardize: how samples are scaled.
    ///   - augment: how training samples are changed at random.
    public init(
        _ kind: any PairSourceKind, perClass: Int? = nil, standardize: Standardization? = nil,
        augment: AugmentationSpecification? = nil
    ) {
        self.kind = kind
        self.perClass = perClass
        self.standardize = standardize == Standardization.none ? nil : standardize
        self.augment = augment
    }

    /// Opens the source.
    /// - Parameter seed: determines the parameters and samples of Gaussian and latent sources, and the choice of
    ///   held-out and few-shot samples.
    /// - Throws: the errors of the kind; `DataError` if the source has too few labelled samples for `perClass`.
    public func makeSource(seed: UInt64) throws -> any PairSource {
        let source = try kind.makeSource(seed: seed)
        guard let perClass else { return source }
        return try FewShotSource(source, perClass: perClass, seed: seed)
    }

    /// The same source with validation samples, for a run in which something is chosen by a metric.
    /// - Throws: the errors of `PairSourceKind.withValidation`.
    package func withValidation() throws -> SourceSpecification {
        var specification = self
        specification.kind = try kind.withValidation()
        return specification
    }

    /// Whether the source knows latent factors. Nil: only the program that provides the source can tell.
    package var hasLatentFactors: Bool? {
        // A few-shot source hides everything but the labels.
        perClass == nil ? kind.hasLatentFactors : false
    }

    /// The names of Couplet's kinds of sources with labels.
    private static let labelledKinds: String = {
        let names = sourceKinds.compactMap { $0 as? any PairSourceKind.Type }.filter { $0.hasLabels }.map { $0.name }
        return names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
    }()

    package static let table = ConfigurationTable(
        SourceSpecification(GaussianSpecification()), help: "The pairs: which source they come from.",
        [
            .kind("source", \.kind, of: .source, "The kind of source.", isRequired: true) { $0 },
            .key(
                "per_class", \.perClass,
                .optional(.integer(1...ConfigurationLimits.extent, example: 10), isOmitted: true),
                "Labelled training samples of each class, for few-shot learning; null for all.",
                .when(
                    "source", { type(of: $0.kind).hasLabels },
                    otherwise: { "the source \($0.kind.kindName) has no labels; \(labelledKinds) may have them" })),
            .key(
                "standardize", \.standardize, .optional(.choice("standardization"), isOmitted: true),
                "Scales inputs to mean 0 and standard deviation 1 of the training pairs, by feature or by channel."),
            .key(
                "augment", \.augment,
                .optional(
                    .block(AugmentationSpecification.table, example: "{first: {flip: 0.5}}"), isOmitted: true),
                "Random changes of training samples: of pictures, or of token ids."),
        ],
        complete: { specification, _ in
            if specification.standardize == Standardization.none { specification.standardize = nil }
        })
}

extension SourceSpecification: Equatable {
    public static func == (a: SourceSpecification, b: SourceSpecification) -> Bool {
        a.kind.isEqual(to: b.kind) && a.perClass == b.perClass && a.standardize == b.standardize
            && a.augment == b.augment
    }
}

// MARK: - Couplet's own kinds

extension SourceSpecification {
    /// Jointly Gaussian pairs with given canonical correlations, transformed by random well-conditioned linear maps.
    /// - Parameter dimensions: two numbers, for the first and the second modality.
    public static func gaussian(dimensions: [Int], correlations: [Double]) -> SourceSpecification {
        precondition(dimensions.count == 2, "\(dimensions.count) dimensions for two modalities")
        return SourceSpecification(
            GaussianSpecification(
                dimensions: PerModality(first: dimensions[0], second: dimensions[1]), correlations: correlations))
    }

    /// Jointly Gaussian pairs with the covariances /uu, /uv, /vv of an HDF5 file.
    public static func gaussianFromFile(path: String) -> SourceSpecification {
        SourceSpecification(GaussianSpecification(covariance: path))
    }

    /// Pairs that are mixed from latent factors.
    public static func latent(_ specification: LatentSpecification) -> SourceSpecification {
        SourceSpecification(specification)
    }

    /// MNIST: image and label, from a folder with the four IDX files.
    public static func mnist(path: String) -> SourceSpecification {
        SourceSpecification(MNISTSpecification(path: path))
    }

    /// The user's HDF5 file with /first, /second and, optionally, /labels and /split.
    public static func hdf5(path: String, heldOut: Double) -> SourceSpecification {
        SourceSpecification(HDF5Specification(path: path, heldOut: heldOut))
    }

    /// A `PairSource` that the program passes to the trainer. The name distinguishes runs.
    public static func program(name: String) -> SourceSpecification {
        SourceSpecification(ProgramSpecification(name: name))
    }

    /// Another source, reduced to `perClass` labelled training samples of each class.
    public static func fewShot(_ base: SourceSpecification, perClass: Int) -> SourceSpecification {
        precondition(base.perClass == nil, "the source has \(base.perClass ?? 0) samples a class already")
        return SourceSpecification(base.kind, perClass: perClass)
    }
}

/// `data: {source: program, name: …}`: a `PairSource` that the program passes to `Trainer.run` or `TrainedRun`. The
/// name distinguishes runs.
///
/// A `PairSourceKind` in the program's registry is better where it is possible: commands and sweeps then open the
/// source themselves, and its options are keys of the config.
public struct ProgramSpecification: PairSourceKind {
    public static let name = "program"
    public static let table = ConfigurationTable(
        ProgramSpecification(name: ""), help: "A source that the program passes to the trainer.",
        [.required("name", \.name, .text(example: "circle"), "Name of the source, which distinguishes runs.")])

    public var name: String

    public init(name: String) { self.name = name }

    public var hasLatentFactors: Bool? { nil }

    /// - Throws: `DataError` always: only the program has the source.
    public func makeSource(seed: UInt64) throws -> any PairSource {
        throw DataError(
            at: "data.source program",
            reason: "the source '\(name)' is part of the program that uses it, not of a config",
            remedy: "pass it to Trainer.run or TrainedRun in that program, add its kind to that program's registry, or "
                + "export its pairs to an HDF5 file")
    }
}
