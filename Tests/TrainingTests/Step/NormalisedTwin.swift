import CoupletNetworks
import CoupletPairs
import CoupletStorage
import CoupletTensors
import Foundation

/// `NormalisedEncoder` in Double, as its formulas say: the oracle of tests of running statistics.
struct NormalisedTwin {
    typealias Rows = [[Double]]
    /// By path in the encoder, such as "1/weight".
    let parameters: [String: [Double]]

    /// The parameters or running statistics in a flat buffer.
    static func arrays(_ layout: ParameterLayout, _ flat: [Float]) -> [String: [Double]] {
        Dictionary(uniqueKeysWithValues: layout.entries.map { ($0.path, flat[$0.range].map(Double.init)) })
    }

    /// The arrays of an encoder in a checkpoint.
    static func arrays(_ arrays: [Checkpoint.NamedArray], of modality: Modality) -> [String: [Double]] {
        let prefix = modality.rawValue + "/"
        return Dictionary(
            uniqueKeysWithValues: arrays.filter { $0.path.hasPrefix(prefix) }.map {
                (String($0.path.dropFirst(prefix.count)), $0.array.tensor!.values.map(Double.init))
            })
    }

    static func rows(_ tensor: Tensor) -> Rows {
        let values = tensor.values.map(Double.init), width = values.count / tensor.shape[0]
        return (0..<tensor.shape[0]).map { Array(values[$0 * width..<($0 + 1) * width]) }
    }

    static let initialStatistics = [
        "0/running_mean": [Double](repeating: 0, count: 6), "0/running_variance": [Double](repeating: 1, count: 6),
        "2/running_mean": [Double](repeating: 0, count: 7), "2/running_variance": [Double](repeating: 1, count: 7),
    ]

    /// running ← 0.9 running + 0.1 mean over the shards.
    static func updated(_ running: [String: [Double]], shards: [[String: [Double]]]) -> [String: [Double]] {
        Dictionary(
            uniqueKeysWithValues: running.map { path, values in
                (
                    path,
                    values.indices.map { i in
                        0.9 * values[i] + 0.1 * shards.reduce(0) { $0 + $1[path]![i] } / Double(shards.count)
                    }
                )
            })
    }

    /// The statistics of a shard in training.
    func statistics(ofShard x: Rows) -> [String: [Double]] {
        var statistics: [String: [Double]] = [:]
        func normalised(_ x: Rows, _ layer: Int) -> Rows {
            let count = Double(x.count)
            let mean = x[0].indices.map { j in x.reduce(0) { $0 + $1[j] } / count }
            let sum = x[0].indices.map { j in x.reduce(0) { $0 + pow($1[j] - mean[j], 2) } }
            statistics["\(layer)/running_mean"] = mean
            statistics["\(layer)/running_variance"] = sum.map { $0 / (count - 1) }
            return Self.normalised(x, mean, sum.map { $0 / count })
        }
        _ = normalised(hidden(normalised(x, 0)), 2)
        return statistics
    }

    /// The embeddings in an evaluation.
    func embeddings(_ x: Rows, statistics: [String: [Double]]) -> Rows {
        func normalised(_ x: Rows, _ layer: Int) -> Rows {
            Self.normalised(x, statistics["\(layer)/running_mean"]!, statistics["\(layer)/running_variance"]!)
        }
        return linear(normalised(hidden(normalised(x, 0)), 2), 3)
    }

    private static func normalised(_ x: Rows, _ mean: [Double], _ variance: [Double]) -> Rows {
        x.map { row in row.indices.map { (row[$0] - mean[$0]) / (variance[$0] + 1e-5).squareRoot() } }
    }

    private func hidden(_ x: Rows) -> Rows { linear(x, 1).map { $0.map { tanh($0) } } }

    private func linear(_ x: Rows, _ layer: Int) -> Rows {
        let weight = parameters["\(layer)/weight"]!, bias = parameters["\(layer)/bias"]!
        return x.map { row in
            bias.indices.map { k in row.indices.reduce(bias[k]) { $0 + weight[k * row.count + $1] * row[$1] } }
        }
    }
}
