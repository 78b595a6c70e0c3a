import CoupletSchema

/// The bias b that a loss adds to every score: fixed or learned.
public struct BiasSpecification: Equatable, Sendable {
    /// b before the first step. The default of the initializer classifies every pair as negative at first (Zhai et al.,
    /// *Sigmoid Loss for Language Image Pre-Training*, ICCV 2023).
    public var initial: Double
    /// Whether training updates b.
    public var learned: Bool

    public init(initial: Double = -10, learned: Bool = true) {
        self.initial = initial
        self.learned = learned
    }

    static let table = ConfigurationTable(
        BiasSpecification(),
        [
            .key("initial", \.initial, .number(.any, example: -10), "Bias before the first step."),
            .key("learned", \.learned, .flag, "Whether training updates the bias."),
        ])
}

extension ConfigurationType<BiasSpecification> {
    /// A number, which is fixed, or a block such as `{initial: -10, learned: true}`.
    public static var bias: Self {
        ConfigurationType(
            "number, or block", example: "-10",
            read: { key, node, block in
                guard case .block = node.content else {
                    return block.number(key, node, .any, example: -10).map {
                        BiasSpecification(initial: $0, learned: false)
                    }
                }
                return block.block(key, node, example: "-10").map(BiasSpecification.table.read)
            },
            write: { .flow(BiasSpecification.table.entries(of: $0)) },
            innerKeys: { BiasSpecification.table.descriptions($0) })
    }
}
