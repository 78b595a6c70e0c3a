/// The R² that theory lets expect, beside which a measured one stands.
struct ExpectedScore: Equatable {
    let value: Double
    /// Whether theory says no more than that it is not exceeded.
    let isLimit: Bool

    /// What training that has not ended at the minimum, and regressions on finitely many samples, may be off.
    static let tolerance = 0.05

    /// Whether a measured R² is none that theory lets expect. One below 0 tells as little as 0.
    func isApart(_ measured: Double) -> Bool {
        let told = measured < 0 ? 0 : measured
        return isLimit ? !(told <= value + Self.tolerance) : !(abs(told - value) <= Self.tolerance)
    }

    /// What stands between the measured R² and the expected.
    func sign(_ measured: Double) -> String {
        switch (isLimit, isApart(measured)) {
        case (false, false): "≈"
        case (false, true): "≠"
        case (true, false): "≤"
        case (true, true): ">"
        }
    }
}
