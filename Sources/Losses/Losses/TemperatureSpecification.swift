/// The temperature τ that divides every similarity: fixed, or learned as log(1/τ) and kept at or above a minimum.
public struct TemperatureSpecification: Equatable, Sendable {
    public var initial: Double
    public var learned: Bool
    public var minimum: Double

    public init(initial: Double = 1, learned: Bool = false, minimum: Double = 0.01) {
        self.initial = initial
        self.learned = learned
        self.minimum = minimum
    }
}
