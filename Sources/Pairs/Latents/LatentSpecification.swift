import CoupletSchema

/// Sizes and mixing of the latent factors of a `LatentSource`, as `data: {source: latent, …}` of a config sets them.
public struct LatentSpecification: PairSourceKind {
    public static let name = "latent"
    public static let table = ConfigurationTable(
        LatentSpecification(), help: "Pairs that are mixed from latent factors: content, style, modality.",
        [
            .key("content", \.content, .integer(1...largestInputs, example: 5), "Components of the content."),
            .key("style", \.style, .integer(0...largestInputs, example: 5), "Components of the style."),
            .key(
                "modality", \.modality, .integer(0...largestInputs, example: 5),
                "Components that are specific to a modality, for each modality."),
            .key(
                "style_change", \.styleChange, .number(.probability, example: 0.75),
                "Probability that a component of the style differs between the modalities."),
            .key(
                "statistical_dependence", \.statisticalDependence, .flag,
                "Whether the components of each block are correlated."),
            .key("causal_dependence", \.causalDependence, .flag, "Whether the style depends on the content."),
            .key(
                "mixing_layers", \.mixingLayers, .integer(1...mostMixingLayers, example: 3),
                "Layers of the networks that mix the factors."),
            .key("shared_mixing", \.sharedMixing, .flag, "Whether both modalities have the same mixing."),
        ],
        complete: { specification, block in
            if specification.inputs > largestInputs {
                block.note(
                    "content",
                    "content, style and modality together may have at most \(largestInputs) components, because a "
                        + "view mixes all of them; found \(specification.inputs)")
            }
        })

    public var hasLatentFactors: Bool? { true }

    public func makeSource(seed: UInt64) throws -> any PairSource {
        try LatentSource(self, seed: seed)
    }

    /// Number of components of the content c; at least 1.
    public var content: Int
    /// Number of components of the style s, and of the perturbed style s̃.
    public var style: Int
    /// Number of components of m1, and of m2.
    public var modality: Int
    /// Probability π that a component of the style is perturbed between the modalities.
    public var styleChange: Double
    /// Whether the components of each block are correlated: the covariances are Wishart draws instead of I.
    public var statisticalDependence: Bool
    /// Whether the style depends on the content: s = a + B c + ε.
    public var causalDependence: Bool
    /// Number of square layers of a mixing; at least 1.
    public var mixingLayers: Int
    /// Whether both views use the same mixing.
    public var sharedMixing: Bool

    public init(
        content: Int = 5, style: Int = 5, modality: Int = 5, styleChange: Double = 1,
        statisticalDependence: Bool = false, causalDependence: Bool = false, mixingLayers: Int = 3,
        sharedMixing: Bool = false
    ) {
        self.content = content
        self.style = style
        self.modality = modality
        self.styleChange = styleChange
        self.statisticalDependence = statisticalDependence
        self.causalDependence = causalDependence
        self.mixingLayers = mixingLayers
        self.sharedMixing = sharedMixing
    }

    /// Number of components of a view: content + style + modality.
    public var inputs: Int { content + style + modality }

    /// Upper limit of `inputs`. The source computes the condition numbers of 25,000 matrices. The time grows with the
    /// cube of `inputs`, and is some seconds at this limit.
    public static let largestInputs = 128
    /// Upper limit of `mixingLayers`.
    public static let mostMixingLayers = 64

    /// - Throws: `DataError` if a size or probability is out of its range.
    func check() throws {
        for (key, size, least) in [("content", content, 1), ("style", style, 0), ("modality", modality, 0)] {
            guard (least...Self.largestInputs).contains(size) else {
                throw DataError(
                    at: "data.\(key)", reason: "\(size) components",
                    remedy: "give a whole number from \(least) to \(Self.largestInputs)")
            }
        }
        guard inputs <= Self.largestInputs else {
            throw DataError(
                at: "data.content", reason: "content, style and modality are \(inputs) components together",
                remedy: "give at most \(Self.largestInputs)")
        }
        guard (0...1).contains(styleChange) else {
            throw DataError(
                at: "data.style_change", reason: "\(styleChange) is not a probability",
                remedy: "give a number from 0 to 1")
        }
        guard (1...Self.mostMixingLayers).contains(mixingLayers) else {
            throw DataError(
                at: "data.mixing_layers", reason: "\(mixingLayers) layers",
                remedy: "give a whole number from 1 to \(Self.mostMixingLayers)")
        }
    }
}
