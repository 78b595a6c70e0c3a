/// The latent factors of a `LatentSource` and how they are mixed: a config's `data: {source: latent, …}`.
public struct LatentSpecification: Equatable, Sendable {
    /// The components of the content c; at least 1.
    public var content: Int
    /// The components of the style s, and of the perturbed style s̃.
    public var style: Int
    /// The components of m1, and of m2.
    public var modality: Int
    /// The probability π with which a component of the style is perturbed between the modalities; in [0, 1].
    public var styleChange: Double
    /// Whether the components of each block are correlated: covariances drawn from Wishart distributions in place of I.
    public var statisticalDependence: Bool
    /// Whether the style depends on the content: s = a + B c + ε.
    public var causalDependence: Bool
    /// The square layers of a mixing; at least 1.
    public var mixingLayers: Int
    /// Whether both views have one mixing.
    public var sharedMixing: Bool

    public init(
        content: Int = 5, style: Int = 5, modality: Int = 5, styleChange: Double = 1,
        statisticalDependence: Bool = false,
        causalDependence: Bool = false, mixingLayers: Int = 3, sharedMixing: Bool = false
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

    /// The components that make a view: those of the content, the style and one modality's own.
    public var inputs: Int { content + style + modality }

    /// Condition numbers of 25,000 matrices are needed: the time for them grows with the cube of the extent, to some seconds here.
    public static let largestInputs = 128
    public static let mostMixingLayers = 64
}
