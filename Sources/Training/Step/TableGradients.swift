import CCoupletKernels
import CoupletCommunication
import CoupletNetworks
import CoupletTensors

/// The gradient of an encoder's `SparseTable` on one worker: the rows that the samples of the step read, summed over
/// the shards of all workers.
///
///     rows of my samples → rows of all samples → gradients of my leaves → sum of my leaves → sum of all
///                        all-gather                                    pairwise            reduce-scatter, all-gather
///
/// The rows that any worker's samples read get consecutive numbers, the same on every worker, and all buffers have one
/// row for each of them. So time and memory depend on the samples of a batch, not on the size of the table.
///
/// The sum is that of `LeafAccumulator`, but a leaf's gradient is added in the rows that its samples read only. It is 0
/// in the others, and x + 0 = x. Only a zero could have another sign, so at last each -0 becomes 0.
package final class TableGradients {
    /// A buffer of partial sums.
    private final class Buffer {
        var sums = Tensor([0])
        /// One bit for each row that may differ from 0. The lowest buffer, which is cleared as a whole, sets no bits
        /// for the first leaf.
        var marks: [UInt64] = []
    }

    private let table: SparseTable
    private let shards: Int
    private let communicator: any Communicator
    /// The rows that the step touches.
    package let rows: TouchedRows
    private let order: PairwiseAccumulation
    /// From the bottom up.
    private let buffers: [Buffer]
    /// The samples of the leaf in work, with positions among the touched rows in place of rows.
    private var positions = Tensor([0])
    private var reduction: (any PendingReduceScatter)?
    /// Number of floats of the sum of this step, with padding.
    private var reducedCount = 0

    /// - Parameters:
    ///   - order: the order of this worker's leaves.
    ///   - shards: number of shards of all workers.
    package init(
        _ table: SparseTable, order: PairwiseAccumulation, shards: Int, communicator: any Communicator
    ) {
        self.table = table
        self.shards = shards
        self.communicator = communicator
        rows = TouchedRows(table)
        self.order = order
        buffers = (0..<order.bufferCount).map { _ in Buffer() }
    }

    /// Bytes of a worker, at most: for as many rows as the batch has numbers, though no more than the table.
    /// - Parameters:
    ///   - buffers: number of buffers of partial sums.
    ///   - numbers: number of rows that the samples of a batch can name.
    static func bytes(_ table: SparseTable, buffers: Int, numbers: Int) -> Int {
        let touched = paddedRows(min(table.rows, numbers)) * table.width
        return buffers * touched * MemoryLayout<Float>.stride
            + (table.rows / 64 + 1) * (MemoryLayout<UInt64>.stride + MemoryLayout<UInt32>.stride)
    }

    /// Number of floats that the buffers hold now.
    package var bufferCount: Int { buffers.reduce(0) { $0 + $1.sums.count } }

    // MARK: - A step

    /// Finds the rows that the samples of all workers read, and clears the sums. Every worker calls it.
    /// - Parameter samples: this worker's samples of each input.
    package func begin(_ samples: [Tensor]) throws {
        for index in order.nodeBuffers {
            buffers[index].sums.flat(0..<reducedCount).fill(0)
            for word in buffers[index].marks.indices { buffers[index].marks[word] = 0 }
        }
        rows.removeAll()
        for samples in samples { rows.insert(samples) }
        rows.makeList()
        if communicator.size > 1 {
            let lists = try communicator.allGather(bytes: rows.rows.withUnsafeBytes { Array($0) })
            for (worker, list) in lists.enumerated() where worker != communicator.rank {
                list.withUnsafeBytes { $0.withMemoryRebound(to: UInt32.self) { rows.insert($0) } }
            }
            rows.makeList()
        }
        let padded = Self.paddedRows(rows.count), unit = 16 * shards
        reducedCount = (padded * table.width + unit - 1) / unit * unit
        for buffer in buffers where buffer.sums.count < reducedCount {
            buffer.sums = Tensor([reducedCount])
            buffer.marks = [UInt64](repeating: 0, count: reducedCount / table.width / 64 + 1)
        }
    }

    /// A multiple of 64, at most an eighth above `rows`. So the counts of the sums over workers, which the communicator
    /// compares the first time it sees one, are few.
    private static func paddedRows(_ rows: Int) -> Int {
        let rows = max(rows, 1), unit = max(64, 1 << (Int.bitWidth - 4 - rows.leadingZeroBitCount))
        return (rows + unit - 1) / unit * unit
    }

    /// The samples of a leaf for the backward pass, with rows of the gradient in place of rows of the table. They are
    /// valid until the next call.
    package func input(_ samples: Tensor) -> Tensor {
        if positions.shape != samples.shape { positions = Tensor(samples.shape) }
        rows.convert(samples, into: positions)
        return positions
    }

    /// The buffer for the gradient of a leaf, which is 0: touched rows × width.
    /// - Parameters:
    ///   - turn: number of leaves that came before.
    ///   - input: the result of `input` for the samples of the leaf.
    package func view(forTurn turn: Int, _ input: Tensor) -> Tensor {
        let buffer = buffers[order.buffers[turn]]
        if turn > 0 {
            let numbers = input.pointer
            buffer.marks.withUnsafeMutableBufferPointer { marks in
                for i in 0..<input.count where !numbers[i].isNaN {
                    let position = Int(numbers[i])
                    marks[position >> 6] |= 1 << UInt64(position & 63)
                }
            }
        }
        return rowsView(of: buffer.sums)
    }

    /// Closes the partial sums that a leaf completes.
    package func close(turn: Int) {
        let words = (rows.count + 63) / 64
        for step in 0..<order.additions[turn] {
            let top = order.buffers[turn] - step, from = buffers[top], to = buffers[top - 1]
            from.marks.withUnsafeMutableBufferPointer { fromMarks in
                to.marks.withUnsafeMutableBufferPointer { toMarks in
                    couplet_add_marked_rows(
                        words, fromMarks.baseAddress, toMarks.baseAddress, table.width, from.sums.pointer,
                        to.sums.pointer)
                }
            }
        }
    }

    /// Begins the sum over workers, after the last leaf.
    package func beginReduction() throws {
        reduction = try communicator.beginReduceScatter(
            order.nodeBuffers.map { buffers[$0].sums.flat(0..<reducedCount) }, shards: shards)
    }

    /// Waits for the sum over workers.
    /// - Returns: Σ gradient²: one sum for each touched row, and these added pairwise in the order of the rows.
    package func finishReduction() throws -> Double {
        try reduction?.finish()
        reduction = nil
        let sum = buffers[order.nodeBuffers[0]].sums
        try communicator.allGather(sum.flat(0..<reducedCount), shards: shards)
        var squares = [Double](repeating: 0, count: rows.count)
        couplet_table_row_squares(rows.count, table.width, sum.pointer, &squares)
        return squares.isEmpty ? 0 : PairwiseSummation.sum(squares)
    }

    /// The gradient summed over all shards, touched rows × width: after `finishReduction`, on every worker.
    package var sum: Tensor { rowsView(of: buffers[order.nodeBuffers[0]].sums) }

    private func rowsView(of flat: Tensor) -> Tensor {
        flat.flat(0..<(rows.count * table.width)).reshaped([rows.count, table.width])
    }
}
