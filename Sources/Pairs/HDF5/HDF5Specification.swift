import CoupletSchema

/// `data: {source: hdf5, path: …}`.
public struct HDF5Specification: ValidationFraction {
    public static let name = "hdf5"
    public static let hasLabels = true
    public static let table = ConfigurationTable(
        HDF5Specification(path: ""), help: "Pairs from an HDF5 file.",
        [
            .required(
                "path", \.path, .path(example: "pairs.h5"),
                "HDF5 file with /first, /second and, optionally, /pairs, /labels, /split and /groups."),
            nameKey("first", \.names.first, example: "/images", "Dataset of the first modality, if it is not /first."),
            nameKey(
                "second", \.names.second, example: "/captions",
                "Dataset of the second modality, if it is not /second."),
            nameKey(
                "pairs", \.names.pairs, example: "/captions_of_pictures",
                "Dataset of the rows of each pair, N × 2, if it is not /pairs."),
            nameKey("labels", \.names.labels, example: "/classes", "Dataset of the labels, if it is not /labels."),
            nameKey("split", \.names.split, example: "/parts", "Dataset of the splits, if it is not /split."),
            nameKey("groups", \.names.groups, example: "/pictures", "Dataset of the groups, if it is not /groups."),
            nameKey(
                "latents", \.names.latents, example: "/latents",
                "Group with a dataset for each latent factor of the pairs, for evaluation.identifiability."),
            .key(
                "held_out", \.heldOut, .number(.belowOne, example: 0.1),
                "Fraction of the pairs to hold out, if the file has no /split."),
            validationKey("Fraction of the training pairs to choose on, if /split of the file has no 2; 0 for none."),
            .key(
                "split_seed", \.splitSeed, .optional(.unsigned(example: 0), isOmitted: true),
                "Seed that chooses held-out and validation pairs; runs with other seeds are measured on the same pairs."
            ),
            .key(
                "scale_pictures", \.scalesPictures, .flag,
                "Whether pictures of unsigned bytes reach the encoders as x/255, in 0 to 1, and not as 0 to 255."),
            .key(
                "cache_memory", \.cacheMemory, .memorySize,
                "Memory for decompressed pairs; those of larger files are read at each step."),
        ])

    private static func nameKey(
        _ key: String, _ path: WritableKeyPath<HDF5Specification, String?> & Sendable, example: String, _ help: String
    ) -> ConfigurationKey<HDF5Specification> {
        .key(
            key, path,
            .optional(
                .text(example: example).checked { name in
                    guard name.isEmpty || name.hasSuffix("/") else { return nil }
                    return "wanted the name of a \(key == "latents" ? "group" : "dataset"), such as \(example); found "
                        + "the text \"\(name)\""
                }, isOmitted: true), help)
    }

    public var path: String
    public var names = HDF5DatasetNames()
    /// Fraction of the pairs to hold out; 0 if the file has /split.
    public var heldOut: Double
    /// Fraction of the training pairs to choose on; nil if /split has such pairs, or if nothing is chosen.
    public var validation: Double?
    /// Chooses the held-out pairs and the validation pairs. Nil: the rules of runs whose config has no `split_seed`.
    /// The run's seed then chooses rows, whatever their groups, and labels are the rows of a table from 0 to the
    /// largest.
    public var splitSeed: UInt64?
    /// Whether samples of unsigned bytes with two or more extents reach the encoders as x/255. Runs whose config has no
    /// `scale_pictures` take the bytes as they are.
    public var scalesPictures = true
    /// The limit, in bytes, up to which the pairs are held in memory. It changes no number.
    public var cacheMemory: Int

    public init(
        path: String, heldOut: Double = 0, validation: Double? = nil, splitSeed: UInt64? = 0,
        cacheMemory: Int = HDF5Source.memoryLimit
    ) {
        self.path = path
        self.heldOut = heldOut
        self.validation = validation
        self.splitSeed = splitSeed
        self.cacheMemory = cacheMemory
    }

    public var dependsOnSeed: Bool { (heldOut > 0 || (validation ?? 0) > 0) && splitSeed == nil }

    public var hasLatentFactors: Bool? { names.latents != nil }

    public func makeSource(seed: UInt64) throws -> any PairSource {
        try HDF5Source(
            path: path, names: names, heldOut: heldOut, validation: validation, rule: rule(seed: seed),
            memoryLimit: cacheMemory)
    }

    /// - Throws: `FileError` if the file cannot be read.
    public func withValidation() throws -> HDF5Specification {
        guard try validation == nil && !HDF5Split.hasValidation(path, names) else { return self }
        var kind = self
        kind.validation = Self.usualValidation
        return kind
    }

    /// How a run with this seed chooses a fraction.
    func rule(seed: UInt64) -> HDF5Split.Rule { splitSeed.map { .groups(seed: $0) } ?? .rows(seed: seed) }
}

/// The names of the datasets of a user's file; nil for the usual ones, of which pairs, labels, splits and groups may be
/// missing.
public struct HDF5DatasetNames: Equatable, Sendable {
    public var first: String?
    public var second: String?
    public var pairs: String?
    public var labels: String?
    public var split: String?
    public var groups: String?
    /// A group of datasets. Nil: none, even if the file has the usual one, `/latents`.
    public var latents: String?

    public init(
        first: String? = nil, second: String? = nil, pairs: String? = nil, labels: String? = nil, split: String? = nil,
        groups: String? = nil, latents: String? = nil
    ) {
        (self.first, self.second, self.pairs) = (first, second, pairs)
        (self.labels, self.split, self.groups, self.latents) = (labels, split, groups, latents)
    }

    /// The path of a dataset in the file: "/images/train".
    subscript(name: KeyPath<HDF5DatasetNames, String?>) -> String {
        guard let own = self[keyPath: name] else { return Self.usual(name) }
        return own.hasPrefix("/") ? own : "/\(own)"
    }

    private static func usual(_ name: KeyPath<HDF5DatasetNames, String?>) -> String { "/\(key(name))" }

    /// The key of a config that names a dataset, which is also its usual name.
    static func key(_ name: KeyPath<HDF5DatasetNames, String?>) -> String {
        switch name {
        case \.first: "first"
        case \.second: "second"
        case \.pairs: "pairs"
        case \.labels: "labels"
        case \.split: "split"
        case \.latents: "latents"
        default: "groups"
        }
    }
}
