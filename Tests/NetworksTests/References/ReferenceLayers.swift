import CoupletNetworks
import Foundation

/// Naive reference layers in Double: loops over indices with PyTorch's shapes and conventions. They share no code with
/// the module.
enum ReferenceLayers {
    static func activate(_ activation: Activation, _ z: Double) -> Double {
        switch activation {
        case .identity: z
        case .relu: max(0, z)
        case .leakyRelu(let slope): z > 0 ? z : Double(slope) * z
        case .gelu: z * 0.5 * erfc(-z / 2.0.squareRoot())
        case .tanh: Foundation.tanh(z)
        }
    }

    /// y[r][o] = f(Σ_i x[r][i] w[o][i] + b[o])
    static func linear(
        _ x: [Double], rows: Int, weight: [Double], bias: [Double]?, outputs: Int, _ activation: Activation
    ) -> [Double] {
        let inputs = x.count / rows
        var y = [Double](repeating: 0, count: rows * outputs)
        for r in 0..<rows {
            for o in 0..<outputs {
                var sum = bias?[o] ?? 0
                for i in 0..<inputs { sum += x[r * inputs + i] * weight[o * inputs + i] }
                y[r * outputs + o] = activate(activation, sum)
            }
        }
        return y
    }

    /// 3 × 3 convolution with padding 1: y[r][o][i][j] = b[o] + Σ_c,p,q x[r][c][i + p - 1][j + q - 1] w[o][c][p][q]
    static func convolution(
        _ x: [Double], rows: Int, shape: (channels: Int, height: Int, width: Int), weight: [Double], bias: [Double],
        outputs: Int
    ) -> [Double] {
        let (channels, height, width) = shape
        var y = [Double](repeating: 0, count: rows * outputs * height * width)
        for r in 0..<rows {
            for o in 0..<outputs {
                for i in 0..<height {
                    for j in 0..<width {
                        var sum = bias[o]
                        for c in 0..<channels {
                            for p in 0..<3 {
                                for q in 0..<3 {
                                    let a = i + p - 1, b = j + q - 1
                                    if a < 0 || b < 0 || a >= height || b >= width { continue }
                                    sum +=
                                        x[((r * channels + c) * height + a) * width + b]
                                        * weight[((o * channels + c) * 3 + p) * 3 + q]
                                }
                            }
                        }
                        y[((r * outputs + o) * height + i) * width + j] = sum
                    }
                }
            }
        }
        return y
    }

    /// 2 × 2 max pooling with stride 2, without an odd last row or column; `images` = rows · channels.
    static func maxPooling(_ x: [Double], images: Int, height: Int, width: Int) -> [Double] {
        var y: [Double] = []
        for n in 0..<images {
            for i in 0..<(height / 2) {
                for j in 0..<(width / 2) {
                    let corner = (n * height + 2 * i) * width + 2 * j
                    y.append(max(x[corner], x[corner + 1], x[corner + width], x[corner + width + 1]))
                }
            }
        }
        return y
    }
}
