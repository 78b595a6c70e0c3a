/// The elementwise function after a product.
public enum Activation: Equatable, Sendable {
    /// x
    case identity
    /// max(0, x)
    case relu
    /// x for x > 0, else slope · x
    case leakyRelu(slope: Float)
    /// x Φ(x), Φ the normal distribution function, by the error function (not the tanh approximation).
    case gelu
    case tanh
}
