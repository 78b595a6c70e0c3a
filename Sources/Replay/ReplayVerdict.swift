import CoupletTensors

/// Whether a replay is what the run once did.
public enum ReplayVerdict: String, Sendable {
    /// All that was logged and saved is the same, bit for bit.
    case sameBits = "same_bits"
    /// The same but for rounding, on other CPU kernels than the run's.
    case withinRounding = "within_rounding"
    /// It is not what was logged.
    case differs
    /// Nothing was logged or saved that it could be compared with.
    case unchecked

    /// What other kernels' rounding may make of a number after so many steps: about 1e-6 a step at first, and errors of parameters grow with each.
    static func tolerance(steps: Int) -> Double { min(1e-5 * Double(1 + steps), 1e-2) }

    /// - Parameters:
    ///   - kernels: the core types that the run says it was made with; none where it does not say.
    ///   - start: the step that the replay began after.
    init(_ checks: [StepComparison], _ digests: [DigestComparison], kernels: [String], start: Int) {
        if checks.isEmpty, digests.isEmpty {
            self = .unchecked
        } else if checks.allSatisfy(\.isSame), digests.allSatisfy(\.isSame) {
            self = .sameBits
        } else if !kernels.isEmpty, kernels.allSatisfy({ $0 == OpenBLAS.coreType }) {
            self = .differs
        } else {
            self =
                checks.allSatisfy { $0.worst.difference <= Self.tolerance(steps: $0.step - start) }
                ? .withinRounding : .differs
        }
    }
}
