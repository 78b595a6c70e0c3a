import CCoupletKernels
import CoupletCommunication
import CoupletNetworks
import CoupletTensors

/// The update of a `SparseTable`, which costs only the rows that the step touches.
///
/// It is lazy, as `torch.optim.SparseAdam`: a row that the step does not touch keeps its parameters and its moments.
/// The moments do not decay, and the row has no weight decay in that step. The update number t, which corrects the
/// moments of adam, counts all steps. With sgd, without momentum and weight decay, the update is that of a dense
/// gradient. The moving average of the parameters is not lazy: it has a pass over the owned part of the table.
extension EncoderOptimizer {
    /// Floats of the buffers in which the update rule works.
    private static let bufferCount = 1 << 14

    /// Updates the touched rows that this worker owns, and gives them to all workers.
    /// - Parameter gradient: touched rows × width, summed over the workers.
    func updateTable(ofBucket bucket: Int, _ rows: TouchedRows, gradient: Tensor, _ step: OptimizerStep) throws {
        let range = layout.buckets[bucket].range, owned = ownedRanges[bucket], width = gradient.columns
        guard let entry = layout.entries.first(where: { $0.range.lowerBound == range.lowerBound }) else {
            preconditionFailure("a sparse bucket \(range) without its table")
        }
        // The blocks of the bucket hold whole rows. The last ones can lie beyond the table.
        let tableRows = entry.range.count / width
        func positions(of floats: Range<Int>) -> Range<Int> {
            let first = min((floats.lowerBound - range.lowerBound) / width, tableRows)
            let end = min((floats.upperBound - range.lowerBound) / width, tableRows)
            return rows.countBefore(first)..<rows.countBefore(end)
        }

        let ownedPositions = positions(of: owned), firstOwnedRow = (owned.lowerBound - range.lowerBound) / width
        let rule = specification.kind, weightDecay = specification.weightDecay(of: entry)
        let moments = arrays[bucket].prefix(rule.momentNames.count)
        let blockRows = max(1, Self.bufferCount / width)
        let parameterBuffer = Tensor([blockRows * width])
        let momentBuffers = moments.map { _ in Tensor([blockRows * width]) }
        rows.rows.withUnsafeBufferPointer { rows in
            for start in stride(from: ownedPositions.lowerBound, to: ownedPositions.upperBound, by: blockRows) {
                let count = min(blockRows, ownedPositions.upperBound - start), block = 0..<(count * width)
                guard let tableRows = rows.baseAddress.map({ $0 + start }) else { return }
                let table = parameters.pointer + range.lowerBound
                couplet_gather_rows(count, width, tableRows, 0, table, parameterBuffer.pointer)
                for (buffer, moment) in zip(momentBuffers, moments) {
                    couplet_gather_rows(count, width, tableRows, firstOwnedRow, moment.pointer, buffer.pointer)
                }
                rule.update(
                    OptimizerBlock(
                        parameters: parameterBuffer.flat(block),
                        gradient: gradient.flat((start * width)..<((start + count) * width)),
                        moments: momentBuffers.map { $0.flat(block) }, weightDecay: weightDecay, step: step))
                couplet_scatter_rows(count, width, tableRows, 0, parameterBuffer.pointer, table)
                for (buffer, moment) in zip(momentBuffers, moments) {
                    couplet_scatter_rows(count, width, tableRows, firstOwnedRow, buffer.pointer, moment.pointer)
                }
            }
        }
        updateAverage(ofBucket: bucket)
        try exchange(rows, ownedPositions, width: width, start: range.lowerBound) { worker in
            positions(of: communicator.ownedRange(in: range, shards: layout.shards, worker: worker))
        }
    }

    /// Copies the new rows of all other processes into the table, which the workers of a process share.
    /// - Parameters:
    ///   - owned: the positions of this worker's rows among the touched rows.
    ///   - positions: those of another worker.
    private func exchange(
        _ rows: TouchedRows, _ owned: Range<Int>, width: Int, start: Int, positions: (Int) -> Range<Int>
    ) throws {
        if communicator.processCount > 1 {
            let table = parameters.pointer + start, bytesOfRow = width * MemoryLayout<Float>.stride
            let new = Tensor([owned.count, width])
            rows.rows.withUnsafeBufferPointer { rows in
                guard let base = rows.baseAddress else { return }
                couplet_gather_rows(owned.count, width, base + owned.lowerBound, 0, table, new.pointer)
            }
            let messages = try communicator.allGather(bytes: new.bytes)
            if communicator.isFirstOfProcess {
                let processWorkers = communicator.size / communicator.processCount
                for (worker, bytes) in messages.enumerated()
                where worker / processWorkers != communicator.processRank {
                    let positions = positions(worker)
                    precondition(
                        bytes.count == positions.count * bytesOfRow,
                        "\(bytes.count) bytes of worker \(worker) for \(positions.count) rows")
                    let received = Tensor([positions.count, width])
                    received.copy(bytes: bytes)
                    rows.rows.withUnsafeBufferPointer { rows in
                        guard let base = rows.baseAddress else { return }
                        couplet_scatter_rows(
                            positions.count, width, base + positions.lowerBound, 0, received.pointer, table)
                    }
                }
            }
        }
        // No worker of the process reads the table before it is complete.
        try communicator.barrier()
    }
}
