/// The sizes of a pooled convolution, and where its pieces lie in scratch: functions of the shapes alone.
struct PooledConvolutionSizes {
    let channels: Int
    let height: Int
    let width: Int
    let outputs: Int
    let pooledHeight: Int
    let pooledWidth: Int

    init(channels: Int, height: Int, width: Int, outputs: Int) {
        self.channels = channels
        self.height = height
        self.width = width
        self.outputs = outputs
        pooledHeight = height / 2
        pooledWidth = width / 2
    }

    /// So few input channels that they would leave most of a vector empty: the weight gradient then runs over vectors of outputs.
    var hasFewChannels: Bool { channels <= 4 }
    /// The channels of a pixel of the packed input, the last ones zero.
    var imageChannels: Int { hasFewChannels ? channels : Self.round(channels) }
    /// The channels of a pixel of packed results, the last ones zero.
    var lanes: Int { Self.round(outputs) }
    /// The pixels of a pooled image.
    var pixels: Int { pooledHeight * pooledWidth }
    /// The bytes that forward keeps of an image.
    var codeBytes: Int { pixels * lanes }
    /// The input channels in blocks of 16, for the input gradient.
    var inputBlocks: Int { Self.round(channels) / 16 }
    /// The floats of a block of weights by input channel: [output][tap][16].
    var inputBlockFloats: Int { lanes * 9 * 16 }

    /// The floats of each piece of scratch, all multiples of 16.
    var image: Int { Self.round((height + 2) * (width + 2) * imageChannels) }
    var rows: Int { 2 * 2 * pooledWidth * lanes }
    var weights: Int { max(9 * imageChannels * lanes, inputBlocks * inputBlockFloats) }
    var weightGradient: Int { 9 * imageChannels * lanes }
    var imageGradient: Int { (height + 2) * (width + 2) * 16 }
    var scratchCount: Int { image + rows + pixels * lanes + weights + lanes + weightGradient + imageGradient }

    private static func round(_ count: Int) -> Int { (count + 15) / 16 * 16 }
}
