import CoupletTensors

/// How the calling thread treats subnormal numbers.
public struct SubnormalTreatment: Equatable, Sendable {
    /// Whether a product below 2⁻¹²⁶ is 0.
    public let flushesResults: Bool
    /// Whether 2⁻¹⁴⁰ · 2²⁰ is 0.
    public let flushesOperands: Bool

    public static let flushed = SubnormalTreatment(flushesResults: true, flushesOperands: true)
    public static let kept = SubnormalTreatment(flushesResults: false, flushesOperands: false)

    public init(flushesResults: Bool, flushesOperands: Bool) {
        self.flushesResults = flushesResults
        self.flushesOperands = flushesOperands
    }

    /// Computes in the mode of the calling thread. The numbers lie in memory, so the compiler cannot compute for it.
    @inline(never)
    public static func ofThisThread() -> SubnormalTreatment {
        let numbers = Tensor([3], [0x1p-70, 0x1p20, Float(bitPattern: 1 << 9)])
        return SubnormalTreatment(
            flushesResults: (numbers[0] * numbers[0]).bitPattern == 0,
            flushesOperands: (numbers[2] * numbers[1]).bitPattern == 0)
    }
}
