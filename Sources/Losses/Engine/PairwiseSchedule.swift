import CoupletCommunication
import CoupletTensors

/// A pair of shards, and the columns of the second one, whose scores are computed together.
package struct ShardPair {
    /// The shard of the first set, counted within this worker.
    package let first: Int
    /// The shard of the second set, counted within the block that this worker holds.
    package let second: Int
    /// Numbers of both shards in the batch.
    package let firstShard: Int, secondShard: Int
    /// Columns of the second shard, one of `PairwiseSchedule.columnRanges`, and its number there.
    package let columns: Range<Int>, columnRange: Int
    /// Whether the block is this worker's own.
    package let isOwnBlock: Bool
    /// Whether these are the first scores with these columns, or with this block, at a step of the schedule.
    package let beginsColumns: Bool, beginsBlock: Bool

    /// Whether both are the same shard of the batch, so that positives lie on the diagonal.
    package var isDiagonal: Bool { firstShard == secondShard }
}

/// The order in which the pairwise engine computes all S × S shard pairs, for any number of workers.
///
/// The order is cyclic: row shard a meets the column shards a, a + 1, … modulo S, and column shard b meets the row
/// shards b, b - 1, …. Every sum over shards of a row or a column has this order, so its bits do not depend on W.
///
/// Blocks of the second set move around the ring of workers: at step k = 0 … W worker p holds the block of worker p + k
/// modulo W. It takes the block's columns in ascending order, and for each the row shards in descending order. At step
/// 0 it takes the shard pairs (a, b) of its own block with b ≥ a, at step W those with b < a. A step sends to worker
/// p - 1 and receives from worker p + 1 only:
///
/// - The data that are read: W - 1 blocks. The next block is received while the current one is processed. A worker's
///   own block stays.
/// - The sums of a block's columns: W blocks. They leave in messages of about `messageColumns` columns, each as soon as
///   this worker's last row has met its columns. The last step brings a worker's own sums home.
package struct PairwiseSchedule {
    package let communicator: any Communicator
    /// S, over all workers.
    package let shards: Int
    /// Who owns which units, and number of shards of a unit.
    private let units: ShardPartition, unit: Int
    /// Number of rows, and of columns, of a shard.
    package let shardRows: Int
    /// How the columns of a shard are cut: ascending, without gaps.
    package let columnRanges: [Range<Int>]
    /// Number of column ranges of a message of sums.
    private let rangesPerMessage: Int
    /// How long this worker has waited in all runs.
    package let waiting = RingWaiting()
    package let passes = PassObserver()

    /// Columns of a message of sums, if a column range has fewer.
    package static let messageColumns = 512

    /// - Parameters:
    ///   - shards: S, over all workers; at least the number of workers.
    ///   - unit: number of consecutive shards that always belong to one worker; divides S.
    ///   - columnRanges: nil keeps the columns of a shard together.
    package init(
        communicator: any Communicator, shards: Int, unit: Int = 1, shardRows: Int, columnRanges: [Range<Int>]? = nil
    ) {
        precondition(shards % unit == 0, "\(shards) shards in units of \(unit)")
        self.communicator = communicator
        self.shards = shards
        self.shardRows = shardRows
        self.unit = unit
        self.columnRanges = columnRanges ?? [0..<shardRows]
        units = ShardPartition(shards: shards / unit, workers: communicator.size)
        rangesPerMessage = max(1, Self.messageColumns / max(self.columnRanges[0].count, 1))
    }

    /// The shards of a worker.
    package func shards(of worker: Int) -> Range<Int> {
        let range = units.range(of: worker)
        return range.lowerBound * unit..<range.upperBound * unit
    }

    /// The shards of this worker.
    package var localShards: Range<Int> { shards(of: communicator.rank) }
    /// The most shards of a worker.
    package var largestShards: Int { units.largest * unit }
    /// Number of this worker's rows, and of its columns.
    package var rows: Int { localShards.count * shardRows }
    /// The most rows of a worker.
    package var largestRows: Int { largestShards * shardRows }

    /// The messages that carry the sums of a block of some shards: ranges of its column ranges, counted over all its
    /// shards.
    private func messages(_ blockShards: Int) -> [Range<Int>] {
        let count = blockShards * columnRanges.count
        return stride(from: 0, to: count, by: rangesPerMessage).map { $0..<min($0 + rangesPerMessage, count) }
    }

    /// The columns of a message, counted within the block.
    private func columns(_ message: Range<Int>) -> Range<Int> {
        func column(_ range: Int) -> Int {
            let (shard, number) = range.quotientAndRemainder(dividingBy: columnRanges.count)
            return shard * shardRows + columnRanges[number].lowerBound
        }
        return column(message.lowerBound)..<column(message.upperBound)
    }

    /// Processes all shard pairs of this worker's first set. Every worker must call it.
    /// - Parameters:
    ///   - reading: the block of the second set that this worker holds. Its `setOwn` must have been called.
    ///   - accumulating: the sums of the block's columns. Afterwards they are the complete sums of this worker's own
    ///     block.
    ///   - body: processes the scores of a shard pair and some columns: reads `reading.current` and adds to
    ///     `accumulating`.
    package func run(
        reading: RingBlock, accumulating: RingSums?, _ body: (ShardPair) throws -> Void
    ) throws {
        let ring = Ring(communicator, waiting), size = communicator.size, local = localShards
        passes.began?()
        reading.begin()
        accumulating?.begin(columns: rows)
        for step in 0...size {
            let block = shards(of: ring.owner(step)), isOwn = step % size == 0
            let next = step + 1 < size ? shards(of: ring.owner(step + 1)) : nil
            if let next { try reading.sendOnAndExpect(shards: next.count, ring) }
            if step < size, size > 1, let accumulating {
                let home = next ?? local
                try accumulating.expect(
                    columns: home.count * shardRows, messages: messages(home.count).map(columns), ring)
            }
            var beginsBlock = true
            for message in messages(block.count) {
                try accumulating?.receive(columns(message), ring)
                for range in message {
                    let (second, number) = range.quotientAndRemainder(dividingBy: columnRanges.count)
                    let rowShards = !isOwn ? 0..<local.count : step == 0 ? 0..<second + 1 : second + 1..<local.count
                    for first in rowShards.reversed() {
                        try body(
                            ShardPair(
                                first: first, second: second, firstShard: local.lowerBound + first,
                                secondShard: block.lowerBound + second, columns: columnRanges[number],
                                columnRange: number, isOwnBlock: isOwn,
                                beginsColumns: first == rowShards.upperBound - 1, beginsBlock: beginsBlock))
                        beginsBlock = false
                        try reading.advance(ring)
                        try accumulating?.advance(ring)
                    }
                }
                if step < size { try accumulating?.sendOn(ring) } else { accumulating?.bringHome() }
            }
            if step < size {
                try reading.moveOn(ring)
                try accumulating?.moveOn(ring)
            }
        }
        try reading.finish()
        try accumulating?.finish()
        passes.ended?()
    }
}

/// The place of a worker in the ring of workers.
struct Ring {
    let communicator: any Communicator
    /// The worker that this one sends to, and the worker that it receives from.
    let next: Int, previous: Int
    /// Whether messages arrive without a copy.
    let receivesMemory: Bool
    private let waiting: RingWaiting

    init(_ communicator: any Communicator, _ waiting: RingWaiting) {
        self.waiting = waiting
        let (rank, size) = (communicator.rank, communicator.size)
        self.communicator = communicator
        next = (rank + size - 1) % size
        previous = (rank + 1) % size
        receivesMemory = communicator.sharesMemory(with: previous)
    }

    var isAlone: Bool { communicator.size == 1 }

    /// The worker whose block this worker holds at a step.
    func owner(_ step: Int) -> Int { (communicator.rank + step) % communicator.size }

    /// Waits for a message, and takes the time if it has not arrived.
    func finish(_ receive: any PendingReceive) throws -> [Tensor] {
        if try receive.isComplete() { return try receive.finish() }
        let start = ContinuousClock.now
        let tensors = try receive.finish()
        waiting.duration += ContinuousClock.now - start
        return tensors
    }
}

/// Learns when a worker begins and ends a pass over its scores.
package final class PassObserver {
    package var began: (() -> Void)?
    package var ended: (() -> Void)?
}

/// How long a worker has waited for messages of the ring: what computation has not hidden.
package final class RingWaiting {
    package fileprivate(set) var duration = Duration.zero
}
