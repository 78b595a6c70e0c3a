/// How the numbers of an image of shape [channels, height, width] lie in memory.
public enum ImageLayout: Sendable {
    /// Channel by channel, as sources give images, as the shape says and as PyTorch does.
    case channelsFirst
    /// Pixel by pixel: between convolutions, whose kernels work on the channels of a pixel.
    case channelsLast
}
