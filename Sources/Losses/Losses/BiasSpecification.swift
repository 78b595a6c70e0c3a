/// The bias b that the sigmoid loss adds to every score: fixed, or learned.
public struct BiasSpecification: Equatable, Sendable {
    /// By default -10, so that training begins with all pairs held apart (Zhai et al., *Sigmoid Loss for Language Image Pre-Training*, ICCV 2023).
    public var initial: Double
    public var learned: Bool

    public init(initial: Double = -10, learned: Bool = true) {
        self.initial = initial
        self.learned = learned
    }
}
