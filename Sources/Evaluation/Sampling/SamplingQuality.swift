import CoupletText

/// How far the draws given one query may be trusted.
public enum SamplingQuality: Equatable, Sendable {
    /// Of a gallery's weights: 1/Σ w², and the largest of them.
    case weights(effectiveSampleSize: Double, largest: Double)
    /// Of chains (`ChainDraws`); `draws` counts those of all chains.
    case chains(
        rHat: Double, effectiveSampleSize: Double, draws: Int, acceptance: Double, stepSize: Double, thinning: Int)

    /// Above it, chains have not come to the same law (Vehtari et al. 2021).
    public static let largestRHat = 1.01
    /// Below this share of them, the draws are far from independent.
    public static let smallestEffectiveShare = 0.5

    public var effectiveSampleSize: Double {
        switch self {
        case .weights(let size, _), .chains(_, let size, _, _, _, _): size
        }
    }

    /// False for chains that have not come to the same law.
    var chainsHaveConverged: Bool {
        if case .chains(let rHat, _, _, _, _, _) = self { !(rHat > Self.largestRHat) } else { true }
    }

    /// What is wrong with `count` samples of this quality, and what to do; nil where nothing is.
    public func warning(count: Int) -> String? {
        switch self {
        case .weights(let size, _):
            guard size < Double(count) else { return nil }
            return "the gallery is worth \(TextTable.fixed(size, 1)) rows here, so \(count) samples are copies of few; "
                + "take a larger gallery, fewer samples or, where the marginal is a known Gaussian, --method pcn"
        case .chains(let rHat, let size, let draws, _, _, let thinning):
            if !chainsHaveConverged {
                return
                    "R-hat is \(TextTable.fixed(rHat, 3)), above \(Self.largestRHat): the chains have not met; raise --burn-in or --thin "
                    + "(now \(thinning)), or take --method resample with a large gallery"
            }
            guard size < Self.smallestEffectiveShare * Double(draws) else { return nil }
            return
                "\(draws) draws are worth \(TextTable.fixed(size, 0)) independent ones; raise --thin (now \(thinning)) or --max-steps"
        }
    }
}
