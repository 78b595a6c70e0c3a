import CoupletPairs
import CoupletTensors
import CoupletText

/// Samples of one modality given rows of the other, with their moments and diagnostics.
public struct SamplingResult: Sendable {
    /// The samples given one row.
    public struct Query: Sendable {
        /// N × the sampled modality's shape, in its source's units. A label is its row of `SamplingResult.labelTable`.
        public let samples: Tensor
        public let moments: ConditionalMoments
        /// The values of the gallery row of highest weight, or the point of highest density of the chains.
        public let mode: [Float]
        public let quality: SamplingQuality
        /// The gallery row of each sample; nil for chains.
        public let galleryRows: [Int]?
        /// Comparison with the closed form of the learned coupling; nil if there is none.
        public let comparison: MomentComparison?

        public init(
            samples: Tensor, moments: ConditionalMoments, mode: [Float], quality: SamplingQuality,
            galleryRows: [Int]? = nil, comparison: MomentComparison? = nil
        ) {
            self.samples = samples
            self.moments = moments
            self.mode = mode
            self.quality = quality
            self.galleryRows = galleryRows
            self.comparison = comparison
        }
    }

    /// The sampling method, with its sizes.
    public enum Method: Equatable, Sendable {
        /// `GalleryResampling`.
        case resample(gallery: Int)
        /// `PreconditionedCrankNicolson`.
        case pcn(chains: Int, burnIn: Int)

        public var name: String {
            switch self {
            case .resample: "resample"
            case .pcn: "pcn"
            }
        }
    }

    /// The step of the checkpoint.
    public let step: Int
    /// The name of the sampled modality.
    public let sampled: String
    /// The name of the given modality.
    public let given: String
    public let method: Method
    public let seed: UInt64
    /// N, the number of samples of each query.
    public let count: Int
    /// Number of classes if labels were sampled. The means are then the probabilities of the classes.
    public let classes: Int?
    /// The labels of the classes; nil if they are 0 … classes - 1.
    public let labelTable: LabelTable?
    public let queries: [Query]

    public init(
        step: Int, sampled: String, given: String, method: Method, seed: UInt64, count: Int, classes: Int?,
        labelTable: LabelTable? = nil, queries: [Query]
    ) {
        self.step = step
        self.sampled = sampled
        self.given = given
        self.method = method
        self.seed = seed
        self.count = count
        self.classes = classes
        self.labelTable = labelTable
        self.queries = queries
    }

    /// The label of a class that samples and modes hold as a Float32.
    package func label(_ row: Float) -> Int { labelTable?[Int(row)] ?? Int(row) }

    /// (sampled - closed form)/standard error of all moments of all queries; empty if there is no closed form.
    public var deviations: [Double] { queries.flatMap { $0.comparison?.deviations ?? [] } }

    /// The warning of the worst query and the number of queries with a warning, one line each; empty if there are none.
    /// Chains that have not converged are worse than few effective draws.
    public var warnings: [String] {
        let found = queries.indices.compactMap { row in
            queries[row].quality.warning(count: count).map { (row, $0) }
        }
        func isWorse(_ a: SamplingQuality, _ b: SamplingQuality) -> Bool {
            if a.chainsHaveConverged != b.chainsHaveConverged { return b.chainsHaveConverged }
            return a.effectiveSampleSize < b.effectiveSampleSize
        }
        guard let (row, text) = found.min(by: { isWorse(queries[$0.0].quality, queries[$1.0].quality) }) else {
            return []
        }
        let summary = "\(found.count) of \(queries.count) query rows have a warning; this is the worst"
        return ["query row \(row): \(text)"] + (found.count > 1 ? [summary] : [])
    }
}

/// Diagnostics of the draws given one query.
public enum SamplingQuality: Equatable, Sendable {
    /// Quality of the weights of a gallery: 1/Σ w², and the largest weight.
    case weights(effectiveSampleSize: Double, largest: Double)
    /// Quality of chains, with the values of `ChainDraws`; `draws` is the number of draws of all chains.
    case chains(
        rHat: Double, effectiveSampleSize: Double, draws: Int, acceptance: Double, stepSize: Double, thinning: Int)

    /// Chains with an R̂ above this limit have not converged (Vehtari et al. 2021).
    public static let largestRHat = 1.01
    /// With an effective sample size below this share of the draws, the draws are far from independent.
    public static let smallestEffectiveShare = 0.5

    public var effectiveSampleSize: Double {
        switch self {
        case .weights(let size, _), .chains(_, let size, _, _, _, _): size
        }
    }

    /// Whether the chains agree; true for weights.
    fileprivate var chainsHaveConverged: Bool {
        if case .chains(let rHat, _, _, _, _, _) = self { !(rHat > Self.largestRHat) } else { true }
    }

    /// Returns a warning with a remedy if `count` samples of this quality are unreliable; nil otherwise.
    public func warning(count: Int) -> String? {
        switch self {
        case .weights(let size, _):
            guard size < Double(count) else { return nil }
            return
                "the gallery has \(NumberText.fixed(size, 1)) effective rows here, so \(count) samples are copies of "
                + "few rows; use a larger gallery, fewer samples or, if the marginal is a known Gaussian, --method pcn"
        case .chains(let rHat, let size, let draws, _, _, let thinning):
            if !chainsHaveConverged {
                return
                    "R-hat is \(NumberText.fixed(rHat, 3)), above \(Self.largestRHat): the chains have not converged; "
                    + "raise --burn-in or --thin (now \(thinning)), or use --method resample with a large gallery"
            }
            guard size < Self.smallestEffectiveShare * Double(draws) else { return nil }
            return
                "\(draws) draws are worth \(NumberText.fixed(size, 0)) independent ones; "
                + "raise --thin (now \(thinning)) or --max-steps"
        }
    }
}

/// The reason why sampling is impossible, and what to do.
public struct SamplingError: Error, Equatable, CustomStringConvertible, Sendable {
    public let reason: String
    public let remedy: String

    public init(reason: String, remedy: String) {
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { "\(reason); \(remedy)" }
}
