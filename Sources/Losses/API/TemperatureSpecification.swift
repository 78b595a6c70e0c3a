import CoupletSchema

/// The temperature τ that divides every similarity: fixed, or learned as log(1/τ) and kept between two bounds.
public struct TemperatureSpecification: Equatable, Sendable {
    /// τ before the first step, positive.
    public var initial: Double
    /// Whether training updates τ.
    public var learned: Bool
    /// The smallest τ that learning can reach.
    public var minimum: Double
    /// The largest τ that learning can reach; nil for no bound.
    public var maximum: Double?

    public init(initial: Double = 1, learned: Bool = false, minimum: Double = 0.01, maximum: Double? = nil) {
        self.initial = initial
        self.learned = learned
        self.minimum = minimum
        self.maximum = maximum
    }

    static let table = ConfigurationTable(
        TemperatureSpecification(),
        [
            .key("initial", \.initial, .number(.positive, example: 0.07), "Temperature before the first step."),
            .key("learned", \.learned, .flag, "Whether training updates the temperature."),
            .key(
                "minimum", \.minimum, .number(.positive, example: 0.01),
                "Smallest temperature that learning can reach.",
                .when(
                    "learned", \.learned,
                    otherwise: { _ in "this temperature is fixed; a minimum needs learned: true" })),
            .key(
                "maximum", \.maximum, .optional(.number(.positive, example: 10), isOmitted: true),
                "Largest temperature that learning can reach; null for no bound.",
                .when(
                    "learned", \.learned,
                    otherwise: { _ in "this temperature is fixed; a maximum needs learned: true" })),
        ],
        complete: { temperature, block in
            guard temperature.learned else { return }
            if let maximum = temperature.maximum, maximum < max(temperature.initial, temperature.minimum) {
                let bound = maximum < temperature.initial ? "initial temperature" : "minimum"
                block.note(
                    "maximum",
                    "the maximum, \(ConfigurationText.number(maximum)), is below the \(bound), "
                        + ConfigurationText.number(
                            maximum < temperature.initial ? temperature.initial : temperature.minimum))
            }
            guard temperature.minimum > temperature.initial else { return }
            let isGiven = block.has("minimum"), minimum = ConfigurationText.number(temperature.minimum)
            block.note(
                isGiven ? "minimum" : "initial",
                "the minimum, \(minimum)\(isGiven ? "" : " by default"), is above the initial temperature, "
                    + ConfigurationText.number(temperature.initial))
        })
}

extension ConfigurationType<TemperatureSpecification> {
    /// A number, which is fixed, or a block such as `{initial: 0.07, learned: true, minimum: 0.01}`.
    package static var temperature: Self {
        ConfigurationType(
            "number above 0, or block", example: "0.07",
            read: { key, node, block in
                if case .block = node.content {
                    return block.block(key, node, example: "0.07").map(TemperatureSpecification.table.read)
                }
                guard case .scalar = node.content, !node.isNull else {
                    block.note(
                        key, at: node.location,
                        "wanted a number above 0 or a block, such as {initial: 0.07, learned: true, minimum: 0.01}; "
                            + "found \(node.found)")
                    return nil
                }
                return block.number(key, node, .positive, example: 0.07).map { TemperatureSpecification(initial: $0) }
            },
            write: { $0.learned ? .flow(TemperatureSpecification.table.entries(of: $0)) : .number($0.initial) },
            innerKeys: { TemperatureSpecification.table.descriptions($0) })
    }
}
