import CoupletTensors
import Synchronization

/// Epochs whose batches have no two samples of one group.
///
/// An epoch deals samples like cards. Its samples lie group after group, the groups in random order and the samples of
/// a group in random order. The sample at place p of this list goes to batch p mod K, so at most K samples of a group,
/// one after another, go to different batches. Then the batches are put into random order. Samples without a group are
/// groups of one.
///
/// K is the largest number of batches for which there are enough samples with at most K of each group; a larger group
/// gives K random samples an epoch. The samples behind place K B are left out of the epoch.
///
/// The list is a function of (seed, batch kind, epoch), made when a step of the epoch is first asked for. It takes 4 N
/// bytes; the last one is kept.
final class DistinctBatches: Sendable {
    /// K.
    let batchesPerEpoch: Int
    private let batchSize: Int
    private let seed: UInt64
    /// The group of each sample, numbered from 0; samples without a group have a number of their own.
    private let groups: [UInt32]
    /// The first of each group's places in a list by group number, and the number of samples.
    private let starts: [Int]
    /// The epochs that were last asked for: reading ahead asks for the next one.
    private let epochs = Mutex<[Epoch]>([])

    private struct Epoch {
        let number: UInt64
        let batch: Sampler.Batch
        /// The samples in the order of their places.
        let list: [UInt32]
        /// Which of the K batches each step takes.
        let order: Permutation
    }

    /// - Parameter groups: the group of each sample, negative for none.
    /// - Throws: `DataError` if there are fewer groups than pairs in a batch.
    init(batchSize: Int, seed: UInt64, groups: [Int]) throws {
        precondition(groups.count <= Int(UInt32.max), "\(groups.count) samples")
        self.batchSize = batchSize
        self.seed = seed
        var numbers: [Int: UInt32] = [:], counts: [Int] = []
        self.groups = groups.map { group in
            if group >= 0, let number = numbers[group] {
                counts[Int(number)] += 1
                return number
            }
            let number = UInt32(counts.count)
            if group >= 0 { numbers[group] = number }
            counts.append(1)
            return number
        }
        var starts = [0]
        for count in counts { starts.append(starts.last! + count) }
        self.starts = starts
        batchesPerEpoch = Self.batchesPerEpoch(counts, batchSize: batchSize)
        guard batchesPerEpoch > 0 else {
            throw DataError(
                at: "batch.groups",
                reason:
                    "a batch of \(batchSize) pairs of distinct groups, but the \(groups.count) training samples have "
                    + "\(counts.count) groups",
                remedy: counts.count > 1
                    ? "set batch.size to at most \(counts.count), or batch.groups: any" : "set batch.groups: any")
        }
    }

    /// The largest K with Σ_g min(n_g, K) ≥ K B; 0 if there is none. If K batches can be filled, fewer can.
    private static func batchesPerEpoch(_ counts: [Int], batchSize: Int) -> Int {
        var low = 0, high = counts.reduce(0, +) / batchSize
        while low < high {
            let middle = (low + high + 1) / 2
            if counts.reduce(0, { $0 + min($1, middle) }) >= middle * batchSize {
                low = middle
            } else {
                high = middle - 1
            }
        }
        return low
    }

    /// Returns the samples at these positions of a step's batch.
    func numbers(step: Int, positions: Range<Int>, of batch: Sampler.Batch) -> [UInt64] {
        let epoch = epoch(UInt64(step / batchesPerEpoch), batch)
        let first = Int(epoch.order[UInt64(step % batchesPerEpoch)])
        return positions.map { UInt64(epoch.list[first + $0 * batchesPerEpoch]) }
    }

    private func epoch(_ number: UInt64, _ batch: Sampler.Batch) -> Epoch {
        epochs.withLock { epochs in
            if let known = epochs.first(where: { $0.number == number && $0.batch == batch }) { return known }
            let new = makeEpoch(number, batch)
            epochs.removeAll { $0.batch == batch && $0.number + 1 != number }
            epochs.append(new)
            return new
        }
    }

    private func makeEpoch(_ number: UInt64, _ batch: Sampler.Batch) -> Epoch {
        let samples = Permutation(
            count: UInt64(groups.count), seed: seed, stream: batch == .pairs ? .permutation : .secondBatch,
            number: number)
        /// The order of the groups (part 0) or of the batches (part 1).
        func order(_ count: Int, part: UInt64) -> Permutation {
            Permutation(
                count: UInt64(count), seed: seed, stream: .groups,
                number: 4 * number + (batch == .pairs ? 0 : 2) + part)
        }
        // The samples of each group in random order, at most K of them.
        var byGroup = [UInt32](repeating: 0, count: groups.count), filled = starts
        for k in 0..<UInt64(groups.count) {
            let sample = samples[k], group = Int(groups[Int(sample)])
            byGroup[filled[group]] = UInt32(sample)
            filled[group] += 1
        }
        let groupOrder = order(starts.count - 1, part: 0), count = batchesPerEpoch * batchSize
        var list: [UInt32] = []
        list.reserveCapacity(count + batchesPerEpoch)
        for k in 0..<UInt64(starts.count - 1) where list.count < count {
            let group = Int(groupOrder[k])
            list += byGroup[starts[group]..<min(starts[group + 1], starts[group] + batchesPerEpoch)]
        }
        list.removeSubrange(count...)
        return Epoch(number: number, batch: batch, list: list, order: order(batchesPerEpoch, part: 1))
    }
}
