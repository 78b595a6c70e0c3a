import CoupletSchema

/// The weights of the two directions of a loss.
public struct DirectionWeights: Equatable, Sendable {
    /// Weight of first given second: of the softmax over the first modality, the columns of S.
    public var first: Double
    /// Weight of second given first: of the softmax over the second modality, the rows of S.
    public var second: Double

    public init(first: Double = 0.5, second: Double = 0.5) {
        self.first = first
        self.second = second
    }
}

extension ConfigurationKey {
    /// The key `weights`.
    static func directionWeights(_ path: WritableKeyPath<Block, DirectionWeights> & Sendable) -> ConfigurationKey {
        .key("weights", path, .directionWeights, "Weights of first given second and of second given first.")
    }
}

extension ConfigurationType<DirectionWeights> {
    /// Two numbers from 0, not both 0: `[first given second, second given first]`.
    public static var directionWeights: Self {
        let example = "[0.5, 0.5]"
        return ConfigurationType(
            "two numbers from 0", example: example,
            read: { key, node, block in
                let numbers = block.list(key, node, example: example) {
                    block.number(key, $0, .nonNegative, example: 0.5)
                }
                guard let numbers else { return nil }
                guard numbers.count == 2, numbers[0] + numbers[1] > 0, (numbers[0] + numbers[1]).isFinite else {
                    block.note(
                        key, at: node.location,
                        "wanted two numbers from 0, not both 0, for first given second and for second given first, "
                            + "such as \(example); found "
                            + ConfigurationText.list(numbers.map { ConfigurationText.number($0) }))
                    return nil
                }
                return DirectionWeights(first: numbers[0], second: numbers[1])
            },
            write: { .numbers([$0.first, $0.second]) })
    }
}
