/// Naive layers of images with channels last, in Double. They share no code with the module.
enum ReferenceImages {
    struct Window: Sendable {
        var kernel = (3, 3), stride = (1, 1), padding = (0, 0)

        func output(_ height: Int, _ width: Int) -> (Int, Int) {
            (
                (height + 2 * padding.0 - kernel.0) / stride.0 + 1, (width + 2 * padding.1 - kernel.1) / stride.1 + 1
            )
        }

        /// The pixels (row, column) of the window (i, j) that lie in the image, with their tap.
        func pixels(_ i: Int, _ j: Int, _ height: Int, _ width: Int) -> [(row: Int, column: Int, tap: Int)] {
            var pixels: [(row: Int, column: Int, tap: Int)] = []
            for p in 0..<kernel.0 {
                for q in 0..<kernel.1 {
                    let row = i * stride.0 + p - padding.0, column = j * stride.1 + q - padding.1
                    if row < 0 || column < 0 || row >= height || column >= width { continue }
                    pixels.append((row, column, p * kernel.1 + q))
                }
            }
            return pixels
        }
    }

    /// z[r][i][j][o] = b[o] + Σ x[r][row][column][c] w[o][c - first of the group][tap]
    static func convolution(
        _ x: [Double], shape: [Int], weight: [Double], bias: [Double]?, outputs: Int, groups: Int = 1, _ window: Window
    ) -> [Double] {
        let (height, width, channels) = (shape[0], shape[1], shape[2]), taps = window.kernel.0 * window.kernel.1
        let own = channels / groups, rows = x.count / (height * width * channels)
        let (outputRows, outputColumns) = window.output(height, width)
        var y = [Double](repeating: 0, count: rows * outputRows * outputColumns * outputs)
        for r in 0..<rows {
            for i in 0..<outputRows {
                for j in 0..<outputColumns {
                    for o in 0..<outputs {
                        let first = o / (outputs / groups) * own
                        var sum = bias?[o] ?? 0
                        for (row, column, tap) in window.pixels(i, j, height, width) {
                            let pixel = ((r * height + row) * width + column) * channels + first
                            for c in 0..<own { sum += x[pixel + c] * weight[(o * own + c) * taps + tap] }
                        }
                        y[((r * outputRows + i) * outputColumns + j) * outputs + o] = sum
                    }
                }
            }
        }
        return y
    }

    /// y[r][i][j][c] = value of the window's numbers.
    static func pooling(_ x: [Double], shape: [Int], _ window: Window, _ value: ([Double]) -> Double) -> [Double] {
        let (height, width, channels) = (shape[0], shape[1], shape[2]), rows = x.count / (height * width * channels)
        let (outputRows, outputColumns) = window.output(height, width)
        var y: [Double] = []
        for r in 0..<rows {
            for i in 0..<outputRows {
                for j in 0..<outputColumns {
                    let pixels = window.pixels(i, j, height, width)
                    for c in 0..<channels {
                        y.append(value(pixels.map { x[((r * height + $0.row) * width + $0.column) * channels + c] }))
                    }
                }
            }
        }
        return y
    }
}
