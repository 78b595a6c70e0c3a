/// A pooled convolution in Float, element by element, with the orders of sums that the kernels document. It shares no
/// code with the module.
struct ConvolutionChains {
    private(set) var output: [Float]
    private(set) var weightGradient: [Float]
    private(set) var biasGradient: [Float]
    private(set) var inputGradient: [Float]

    private let c: PooledConvolutionTests.Case
    private let weight: [Float]
    private let pooledHeight: Int, pooledWidth: Int

    init(
        _ c: PooledConvolutionTests.Case, input: [Float], weight: [Float], bias: [Float], gradient: [Float]
    ) {
        self.c = c
        self.weight = weight
        (pooledHeight, pooledWidth) = (c.height / 2, c.width / 2)
        let pixels = pooledHeight * pooledWidth
        output = Array(repeating: 0, count: c.rows * c.outputs * pixels)
        weightGradient = Array(repeating: 0, count: weight.count)
        biasGradient = Array(repeating: 0, count: c.outputs)
        inputGradient = Array(repeating: 0, count: input.count)
        for row in 0..<c.rows {
            let image = Array(
                input[row * c.channels * c.height * c.width..<(row + 1) * c.channels * c.height * c.width])
            // [output][pixel]: the pixel of the four that has the maximum, nil if relu sets it to 0.
            var winners: [[Int?]] = [], gradients: [[Float]] = []
            for o in 0..<c.outputs {
                winners.append([])
                gradients.append([])
                for pixel in 0..<pixels {
                    let (value, winner) = pooled(image, o, pixel, bias[o])
                    let at = (row * c.outputs + o) * pixels + pixel
                    output[at] = value
                    winners[o].append(value > 0 ? winner : nil)
                    gradients[o].append(value > 0 ? gradient[at] : 0)
                }
                biasGradient[o] += gradients[o].reduce(0, +)
            }
            addWeightGradient(image, winners, gradients)
            addInputGradient(row, winners, gradients)
        }
    }

    private func pixel(_ image: [Float], _ channel: Int, _ i: Int, _ j: Int) -> Float {
        i < 0 || j < 0 || i >= c.height || j >= c.width ? 0 : image[(channel * c.height + i) * c.width + j]
    }

    /// z = Σ_p Σ_q Σ_c in this order, the first of equal maxima, then the bias and relu.
    private func pooled(_ image: [Float], _ o: Int, _ pooledPixel: Int, _ bias: Float) -> (Float, Int) {
        var best: Float = 0, winner = 0
        for candidate in 0..<4 {
            let i = 2 * (pooledPixel / pooledWidth) + candidate / 2, j = 2 * (pooledPixel % pooledWidth) + candidate % 2
            var sum: Float = 0
            for tap in 0..<9 {
                for channel in 0..<c.channels {
                    sum = sum.addingProduct(
                        pixel(image, channel, i + tap / 3 - 1, j + tap % 3 - 1),
                        weight[(o * c.channels + channel) * 9 + tap])
                }
            }
            if candidate == 0 || sum > best { (best, winner) = (sum, candidate) }
        }
        return (max(0, best + bias), winner)
    }

    /// A pixel whose value before the pooling is the maximum of four, and its gradient.
    private struct Winner {
        let i: Int, j: Int
        let gradient: Float
    }

    private func winner(_ pooledPixel: Int, _ candidate: Int, _ gradient: Float) -> Winner {
        let i = 2 * (pooledPixel / pooledWidth) + candidate / 2, j = 2 * (pooledPixel % pooledWidth) + candidate % 2
        return Winner(i: i, j: j, gradient: gradient)
    }

    /// With at most 4 channels a chain over the pixels of two rows, row by row; otherwise a chain over 256 pooled
    /// pixels. Each starts at zero and is added to the sum.
    private mutating func addWeightGradient(_ image: [Float], _ winners: [[Int?]], _ gradients: [[Float]]) {
        let block = c.channels <= 4 ? pooledWidth : 256, pixels = pooledHeight * pooledWidth
        for o in 0..<c.outputs {
            for start in stride(from: 0, to: pixels, by: block) {
                var terms: [Winner] = []
                for pixel in start..<min(start + block, pixels) {
                    if let candidate = winners[o][pixel] { terms.append(winner(pixel, candidate, gradients[o][pixel])) }
                }
                if c.channels <= 4 { terms.sort { ($0.i, $0.j) < ($1.i, $1.j) } }
                for channel in 0..<c.channels {
                    for tap in 0..<9 {
                        var sum: Float = 0
                        for term in terms {
                            let x = pixel(image, channel, term.i + tap / 3 - 1, term.j + tap % 3 - 1)
                            sum = sum.addingProduct(term.gradient, x)
                        }
                        weightGradient[(o * c.channels + channel) * 9 + tap] += sum
                    }
                }
            }
        }
    }

    /// For each pooled pixel and each of its four pixels a chain over the outputs, which is added to nine pixels.
    private mutating func addInputGradient(_ row: Int, _ winners: [[Int?]], _ gradients: [[Float]]) {
        for pixel in 0..<pooledHeight * pooledWidth {
            for candidate in 0..<4 {
                let outputs = (0..<c.outputs).filter { winners[$0][pixel] == candidate }
                let i = 2 * (pixel / pooledWidth) + candidate / 2, j = 2 * (pixel % pooledWidth) + candidate % 2
                for tap in 0..<9 {
                    let a = i + tap / 3 - 1, b = j + tap % 3 - 1
                    if a < 0 || b < 0 || a >= c.height || b >= c.width { continue }
                    for channel in 0..<c.channels {
                        var sum: Float = 0
                        for o in outputs {
                            sum = sum.addingProduct(gradients[o][pixel], weight[(o * c.channels + channel) * 9 + tap])
                        }
                        let at = ((row * c.channels + channel) * c.height + a) * c.width + b
                        inputGradient[at] += sum
                    }
                }
            }
        }
    }
}
