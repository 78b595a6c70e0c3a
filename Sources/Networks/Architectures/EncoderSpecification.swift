/// Which encoder: what a config says of it. The last layer, to the embedding, is always linear and not listed.
public enum EncoderSpecification: Equatable, Sendable {
    /// One linear map.
    case linear(bias: Bool)
    /// Linear layers of these widths, each followed by the activation.
    case multilayerPerceptron(widths: [Int], activation: Activation, bias: Bool)
    /// For images: each channel count is a 3 × 3 convolution (padding 1), relu, 2 × 2 max pooling; then hidden linear layers with relu.
    case convolutional(channels: [Int], hidden: [Int])
    /// A vector of its own for each label.
    case labels
}
