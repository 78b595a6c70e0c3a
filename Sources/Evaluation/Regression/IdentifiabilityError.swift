import CoupletText

/// An evaluation of identifiability that cannot be made.
public enum IdentifiabilityError: Error, CustomStringConvertible, Sendable {
    case tooFewSamples(Int, fewest: Int)
    /// Bytes that one worker's kernel matrix needs, and that its host has left.
    case tooLittleMemory(samples: Int, needed: Int, available: Int)
    case notFinite(modality: String, sample: Int, value: Double)

    public var description: String {
        switch self {
        case .tooFewSamples(let count, let fewest):
            return
                "identifiability: \(count) samples, where regressions with three folds want at least \(fewest); raise evaluation.identifiability.samples"
        case .tooLittleMemory(let samples, let needed, let available):
            return
                "identifiability: a kernel matrix of \(samples) samples takes \(Self.gibibytes(needed)) GiB, and \(Self.gibibytes(available)) are left "
                + "on this host; lower evaluation.identifiability.samples, or leave kernel_ridge out of its regressors"
        case .notFinite(let modality, let sample, let value):
            return
                "identifiability: the \(modality) encoding of sample \(sample) holds \(value); the encoders have diverged"
        }
    }

    private static func gibibytes(_ bytes: Int) -> String { TextTable.fixed(Double(bytes) / 1_073_741_824, 1) }
}
