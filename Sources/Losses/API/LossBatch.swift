import CoupletCommunication
import CoupletTensors

/// The batch of a loss, which is spread over workers, and sums over all of it.
///
/// A worker holds whole shards of the batch. The sums are the same bits on every worker and for any number of workers:
/// each shard is summed in the order of its rows, and the shards are summed pairwise by their numbers.
public struct LossBatch {
    /// N, over all workers.
    public let size: Int
    /// Number of rows of a shard.
    public var shardRows: Int { size / partition.shards }
    /// Number of rows of this worker.
    public var rows: Int { partition.range(of: communicator.rank).count * shardRows }
    let partition: ShardPartition
    let communicator: any Communicator

    init(size: Int, partition: ShardPartition, communicator: any Communicator) {
        self.size = size
        self.partition = partition
        self.communicator = communicator
    }

    /// The sum of numbers over the batch. Every worker must call it.
    /// - Parameter numbers: one number for each row of this worker.
    /// - Throws: `CollectiveError` if another worker failed.
    public func sum(_ numbers: [Double]) throws -> Double {
        PairwiseSummation.sum(try gather(shardSums(numbers)))
    }

    /// `log Σ e^x` over the batch; -∞ if all x are -∞. Every worker must call it.
    /// - Parameter logarithms: one x for each row of this worker.
    /// - Throws: `CollectiveError` if another worker failed.
    public func logSumExp(_ logarithms: [Double]) throws -> Double {
        let largest = shards(logarithms).map { $0.max() ?? -.infinity }
        let shift = try gather(largest).max() ?? -.infinity
        return shift.isFinite ? shift + log(try sum(logarithms.map { exp($0 - shift) })) : shift
    }

    /// One number of each shard of the batch, from those of this worker's shards.
    private func gather(_ numbers: [Double]) throws -> [Double] {
        try communicator.allGather(shards: numbers.map { [$0] }, partition).map { $0[0] }
    }

    /// The sum of numbers over each shard of this worker.
    func shardSums(_ numbers: [Double]) -> [Double] { shards(numbers).map { $0.reduce(0, +) } }

    private func shards(_ numbers: [Double]) -> [ArraySlice<Double>] {
        precondition(numbers.count == rows, "\(numbers.count) numbers for \(rows) rows")
        return stride(from: 0, to: rows, by: shardRows).map { numbers[$0..<($0 + shardRows)] }
    }
}

/// The value of a loss on the rows of this worker.
public struct LossValue {
    /// The loss of each pair without `constant`.
    let pairLosses: [Double]
    /// The contribution of each shard of this worker to the loss.
    let shardLosses: [Double]
    /// Added once to the sum over all shards.
    let constant: Double

    /// The loss `(1/N) Σ_i ℓ_i + constant`.
    /// - Parameters:
    ///   - pairLosses: ℓ_i of each row of this worker.
    ///   - constant: the same number on every worker.
    public init(pairLosses: [Double], constant: Double = 0, batch: LossBatch) {
        self.init(
            pairLosses: pairLosses, shardLosses: batch.shardSums(pairLosses).map { $0 / Double(batch.size) },
            constant: constant)
    }

    init(pairLosses: [Double], shardLosses: [Double], constant: Double) {
        self.pairLosses = pairLosses
        self.shardLosses = shardLosses
        self.constant = constant
    }

    /// - Parameter rowLosses: the contribution of each row of this worker to the loss.
    init(rowLosses: [Double], batch: LossBatch) {
        self.init(
            pairLosses: rowLosses.map { Double(batch.size) * $0 }, shardLosses: batch.shardSums(rowLosses), constant: 0)
    }

    static func + (a: LossValue, b: LossValue) -> LossValue {
        LossValue(
            pairLosses: zip(a.pairLosses, b.pairLosses).map(+), shardLosses: zip(a.shardLosses, b.shardLosses).map(+),
            constant: a.constant + b.constant)
    }
    /// The same value with another constant added.
    func adding(_ constant: Double) -> LossValue {
        LossValue(pairLosses: pairLosses, shardLosses: shardLosses, constant: self.constant + constant)
    }
}
