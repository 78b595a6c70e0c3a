import CoupletTensors

/// Samples of one modality given rows of the other, their moments, and how far they may be trusted.
public struct SamplingResult: Sendable {
    /// What was sampled given one row.
    public struct Query: Sendable {
        /// N × the sampled modality's shape, in its source's own units.
        public let samples: Tensor
        public let moments: ConditionalMoments
        /// One row: of a gallery that of the highest weight, of chains the point of highest density.
        public let mode: [Float]
        public let quality: SamplingQuality
        /// The rows of the gallery that the samples are; nil for chains.
        public let galleryRows: [Int]?
        /// Beside the closed form of the learned coupling; nil where there is none.
        public let comparison: MomentComparison?

        public init(
            samples: Tensor, moments: ConditionalMoments, mode: [Float], quality: SamplingQuality,
            galleryRows: [Int]? = nil,
            comparison: MomentComparison? = nil
        ) {
            self.samples = samples
            self.moments = moments
            self.mode = mode
            self.quality = quality
            self.galleryRows = galleryRows
            self.comparison = comparison
        }
    }

    public enum Method: Equatable, Sendable {
        case resample(gallery: Int)
        case pcn(chains: Int, burnIn: Int)

        public var name: String {
            switch self {
            case .resample: "resample"
            case .pcn: "pcn"
            }
        }
    }

    /// The steps that the run had done.
    public let step: Int
    /// The names of the modalities: what was sampled, and what it was sampled given.
    public let sampled: String, given: String
    public let method: Method
    public let seed: UInt64
    /// N.
    public let count: Int
    /// Where labels were sampled: how many there are. Moments are then their probabilities.
    public let classes: Int?
    public let queries: [Query]

    public init(
        step: Int, sampled: String, given: String, method: Method, seed: UInt64, count: Int, classes: Int?,
        queries: [Query]
    ) {
        self.step = step
        self.sampled = sampled
        self.given = given
        self.method = method
        self.seed = seed
        self.count = count
        self.classes = classes
        self.queries = queries
    }

    /// (sampled - closed form)/standard error of all moments of all queries; empty where there is no closed form.
    public var deviations: [Double] { queries.flatMap { $0.comparison?.deviations ?? [] } }

    /// What is wrong, a line each: the worst query, and how many there are. Chains that have not met are worse than few effective draws.
    public var warnings: [String] {
        let found = queries.indices.compactMap { row in queries[row].quality.warning(count: count).map { (row, $0) } }
        func isWorse(_ a: SamplingQuality, _ b: SamplingQuality) -> Bool {
            if a.chainsHaveConverged != b.chainsHaveConverged { return b.chainsHaveConverged }
            return a.effectiveSampleSize < b.effectiveSampleSize
        }
        guard let (row, text) = found.min(by: { isWorse(queries[$0.0].quality, queries[$1.0].quality) }) else {
            return []
        }
        return ["query row \(row): \(text)"]
            + (found.count > 1 ? ["\(found.count) of \(queries.count) query rows have a warning, this the worst"] : [])
    }
}
