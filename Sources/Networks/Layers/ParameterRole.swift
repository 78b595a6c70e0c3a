/// What `WeightInitialization` needs to know of a parameter: whether it is a weight or a bias of a linear map, and the
/// sizes of the map.
public struct ParameterRole: Equatable, Sendable {
    public enum Kind: Sendable {
        case weight, bias
    }

    public let kind: Kind
    /// Number of inputs that each output sums, `in`.
    public let fanIn: Int
    /// Number of outputs to which each input contributes, `out`. Laws of biases do not depend on it.
    public let fanOut: Int
    /// The function that follows the map.
    public let activation: Activation
    /// The distribution with the laws `pytorch` and `by_activation`, where it is not theirs.
    public let ownDistribution: WeightInitialization.Distribution?
    /// Whether the map is the last one of its layer, so that the factor `encoders.initial_scale` applies to it if the
    /// layer is the last one of the encoder.
    public let isLast: Bool

    private init(
        _ kind: Kind, fanIn: Int, fanOut: Int, activation: Activation,
        ownDistribution: WeightInitialization.Distribution?, isLast: Bool
    ) {
        precondition(fanIn > 0 && fanOut > 0, "a \(kind) of a map from \(fanIn) to \(fanOut)")
        self.kind = kind
        self.fanIn = fanIn
        self.fanOut = fanOut
        self.activation = activation
        self.ownDistribution = ownDistribution
        self.isLast = isLast
    }

    /// The weights of a map; see the properties.
    public static func weight(
        fanIn: Int, fanOut: Int, activation: Activation = .identity,
        ownDistribution: WeightInitialization.Distribution? = nil, isLast: Bool = true
    ) -> ParameterRole {
        ParameterRole(
            .weight, fanIn: fanIn, fanOut: fanOut, activation: activation, ownDistribution: ownDistribution,
            isLast: isLast)
    }

    /// The biases of a map; see the properties.
    public static func bias(
        fanIn: Int, ownDistribution: WeightInitialization.Distribution? = nil, isLast: Bool = true
    ) -> ParameterRole {
        ParameterRole(
            .bias, fanIn: fanIn, fanOut: 1, activation: .identity, ownDistribution: ownDistribution, isLast: isLast)
    }

    /// The weights and the biases of a map.
    static func map(fanIn: Int, fanOut: Int, activation: Activation = .identity, hasBias: Bool = true) -> [Self?] {
        [.weight(fanIn: fanIn, fanOut: fanOut, activation: activation)] + (hasBias ? [.bias(fanIn: fanIn)] : [])
    }

    /// The same map, before the last one of the layer.
    var beforeLast: ParameterRole {
        ParameterRole(
            kind, fanIn: fanIn, fanOut: fanOut, activation: activation, ownDistribution: ownDistribution, isLast: false)
    }

    /// The roles of multi-head attention: the weights and biases of Q, K and V together, then those of the output.
    /// PyTorch's `nn.MultiheadAttention` starts the first as Glorot, and all biases with 0.
    static func attention(width: Int) -> [Self?] {
        let bound = (6 / Float(4 * width)).squareRoot()
        return [
            .weight(fanIn: width, fanOut: 3 * width, ownDistribution: .uniform(bound: bound), isLast: false),
            .bias(fanIn: width, ownDistribution: .zero, isLast: false),
            .weight(fanIn: width, fanOut: width), .bias(fanIn: width, ownDistribution: .zero),
        ]
    }
}
