import CoupletEvaluation
import CoupletTensors
import TestSupport

/// Encodings of N pairs, and their metrics on any number of workers. They have different lengths, and g(y) is near
/// f(x).
struct MetricFixture {
    let first: [[Float]], second: [[Float]]
    var count: Int { first.count }

    init(count: Int, dimension: Int) {
        let philox = Philox(seed: 31)
        first = (0..<count).map { i in
            let length = 0.5 + Float(i % 7)
            return philox.normals(dimension, .evaluation, number: UInt64(i)).map { length * $0 }
        }
        second = first.enumerated().map { i, row in
            zip(row, philox.normals(dimension, .heldOut, number: UInt64(i))).map { $0 + 0.4 * $1 }
        }
    }

    /// The rows of f(x) or g(y) in Double, scaled to length 1 by a plain loop.
    static func unit(_ rows: [[Float]]) -> [[Double]] {
        rows.map { row in
            let length = row.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            return row.map { Double($0) / length }
        }
    }

    static func squaredDistance(_ x: [Double], _ y: [Double]) -> Double {
        zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }

    /// Runs `body` on every worker with its context, and returns the results in the order of the workers.
    func onWorkers<Result: Sendable>(
        _ workers: Int, minimum: Int = 8, _ body: @Sendable (MetricContext) throws -> Result
    ) throws -> Result {
        let shards = SampleShards(samples: count, minimum: minimum), (first, second) = (first, second)
        return try runWorkers(workers) { communicator in
            let width = first[0].count
            let encoded = ShardedEncoding(shards).run(
                rank: communicator.rank, workers: communicator.size, widths: [width, width]
            ) { numbers, outputs in
                for (output, rows) in zip(outputs, [first, second]) {
                    output.copy(from: Tensor([numbers.count, width], numbers.flatMap { rows[Int($0)] }))
                }
            }
            let labels = shards.shards(of: communicator.rank, workers: communicator.size).flatMap {
                shards.samples(of: $0).map { $0 % 3 }
            }
            return try body(
                MetricContext(
                    first: encoded[0], second: encoded[1], labels: labels, similarity: .cosine, temperature: 0.5,
                    shards: shards, communicator: communicator))
        }
    }
}
