import CoupletNetworks
import CoupletTensors
import Foundation
import Testing

@Suite struct TransformerArchitectureTests {
    typealias Reference = ReferenceTransformer

    static let stack = TransformerStack(width: 8, depth: 2, heads: 2, ratio: 1.5)

    static func encoder(_ architecture: any EncoderArchitecture, _ inputShape: [Int]) throws -> Encoder {
        try Encoder(
            EncoderSpecification(architecture), inputShape: inputShape, classes: nil, embedding: 5, initialScale: 1,
            shards: 1)
    }

    /// Two blocks of parameters, the last normalisation, pooling by `pool`, and the last linear layer. `first` has one
    /// list of positions a row.
    private func network(
        _ first: [[[Double]]], length: Int, _ p: [[Double]], pool: ([[Double]]) -> [Double]
    ) -> [Double] {
        var x = first
        for block in 0..<2 {
            let shape = Reference.Shape(length: length, width: 8, heads: 2, lengths: x.map(\.count))
            let flat = Reference.block(Reference.padded(x, shape), Array(p[(12 * block)..<(12 * block + 12)]), shape)
            x = x.indices.map { Reference.positions(flat, row: $0, shape) }
        }
        return x.flatMap { row in
            let normed = row.map { Reference.layerNorm($0, p[24], p[25]) }
            return Reference.linear(pool(normed), p[26], p[27])
        }
    }

    private func mean(_ x: [[Double]]) -> [Double] {
        (0..<8).map { column in x.reduce(0) { $0 + $1[column] } / Double(x.count) }
    }

    @Test(arguments: VisionTransformerEncoder.Pool.allCases) func visionTransformerIsThatOfTheReference(
        _ pool: VisionTransformerEncoder.Pool
    ) throws {
        let encoder = try Self.encoder(VisionTransformerEncoder(patch: 2, stack: Self.stack, pool: pool), [3, 4, 6])
        let hasToken = pool == .classToken, before = hasToken ? 4 : 3, length = hasToken ? 7 : 6
        try EncoderCheck.check(encoder, rows: 3, limit: 1e-4, entries: 20) { x, p in
            let rows = (0..<3).map { row in
                var positions = (0..<6).map { t in
                    let patch = (0..<12).map { n in
                        let (c, i, j) = (n / 4, t / 3 * 2 + n / 2 % 2, t % 3 * 2 + n % 2)
                        return x[((row * 3 + c) * 4 + i) * 6 + j]
                    }
                    return Reference.linear(patch, p[0], p[1])
                }
                if hasToken { positions.insert(p[2], at: 0) }
                return positions.indices.map { t in
                    (0..<8).map { positions[t][$0] + p[before - 1][t * 8 + $0] }
                }
            }
            return network(rows, length: length, Array(p[before...])) { hasToken ? $0[0] : mean($0) }
        }
    }

    @Test(arguments: SequencePool.allCases) func textTransformerIsThatOfTheReference(_ pool: SequencePool) throws {
        let encoder = try Self.encoder(TextTransformerEncoder(vocabulary: 9, stack: Self.stack, pool: pool), [5])
        let ids: [Float] = [3, 8, 1, 0, 0, 2, 2, 2, 2, 7, 5, 0, 0, 0, 0]
        try EncoderCheck.check(
            encoder, rows: 3, limit: 1e-4, entries: 20, input: Tensor([3, 5], ids)
        ) { x, p in
            let rows = (0..<3).map { row in
                (0..<5).filter { x[row * 5 + $0] > 0 }.map { t in
                    (0..<8).map { p[0][Int(x[row * 5 + t]) * 8 + $0] + p[1][t * 8 + $0] }
                }
            }
            var parameters = Array(p[2...])
            let query = pool == .attention ? parameters.remove(at: 26) : []
            return network(rows, length: 5, parameters) { positions in
                switch pool {
                case .mean: return mean(positions)
                case .first: return positions[0]
                case .attention:
                    let scores = positions.map { GradientCheck.dot($0, query) / 8.0.squareRoot() }
                    let sum = scores.reduce(0) { $0 + exp($1) }
                    return (0..<8).map { column in
                        zip(positions, scores).reduce(0) { $0 + exp($1.1) / sum * $1.0[column] }
                    }
                }
            }
        }
    }

    @Test func attentionOverSetsIsThatOfTheReference() throws {
        let encoder = try Self.encoder(SetTransformerEncoder(stack: Self.stack), [4, 3])
        let input = GradientCheck.normal([3, 4, 3], 1)
        input.rows(1..<2).flat(6..<12).fill(0)
        try EncoderCheck.check(encoder, rows: 3, limit: 1e-4, entries: 20, input: input) { x, p in
            let rows = (0..<3).map { row in
                (0..<(row == 1 ? 2 : 4)).map { t in
                    Reference.linear(Array(x[((row * 4 + t) * 3)..<((row * 4 + t) * 3 + 3)]), p[0], p[1])
                }
            }
            return network(rows, length: 4, Array(p[2...]), pool: mean)
        }
    }

    /// The order of the elements of a set has no effect beyond rounding.
    @Test func attentionOverSetsHasNoOrder() throws {
        let encoder = try Self.encoder(
            SetTransformerEncoder(stack: Self.stack, pool: .attention, vocabulary: 20), [6])
        func output(_ ids: [Float]) -> [Float] {
            EncoderCheck.run(encoder, rows: 1, slots: 1, slot: 0, input: Tensor([1, 6], ids)).output.values
        }
        let some = output([3, 9, 4, 17, 0, 0]), other = output([17, 4, 3, 9, 0, 0])
        #expect(zip(some, other).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(zip(some, output([3, 9, 4, 16, 0, 0])).contains { abs($0 - $1) > 1e-3 })
    }

    @Test func parametersHaveTheirPaths() throws {
        let encoder = try Self.encoder(
            VisionTransformerEncoder(patch: 2, stack: Self.stack, pool: .classToken), [1, 4, 4])
        #expect(
            encoder.layout.entries.map(\.path).filter { $0.hasPrefix("0/") || $0.hasPrefix("1/") || $0.hasPrefix("3/") }
                == [
                    "0/weight", "0/bias", "1/class_token", "3/norm1/weight", "3/norm1/bias",
                    "3/self_attn/in_proj_weight", "3/self_attn/in_proj_bias", "3/self_attn/out_proj_weight",
                    "3/self_attn/out_proj_bias", "3/norm2/weight", "3/norm2/bias", "3/linear1/weight",
                    "3/linear1/bias", "3/linear2/weight", "3/linear2/bias",
                ])
    }

    @Test func misfitsSayWhatToDo() throws {
        func message(_ architecture: any EncoderArchitecture, _ shape: [Int]) -> String {
            do throws(NetworkError) {
                _ = try architecture.layers(inputShape: shape, classes: nil, embedding: 4)
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            message(VisionTransformerEncoder(), [3, 60, 60])
                == "patches of 8 × 8 pixels do not fill images of 60 × 60; choose a patch size of "
                + "1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60")
        #expect(message(VisionTransformerEncoder(), [28, 28]).contains("[N, 1, 28, 28]"))
        #expect(
            message(VisionTransformerEncoder(stack: TransformerStack(width: 192, heads: 5)), [3, 64, 64])
                == "kind vit has 5 heads, which cannot divide the width 192; choose a number of heads that divides the "
                + "width, such as 4")
        #expect(message(TextTransformerEncoder(vocabulary: 10), [3, 4]).contains("token ids"))
        #expect(message(SetTransformerEncoder(), [3]).contains("give vocabulary"))
    }
}
