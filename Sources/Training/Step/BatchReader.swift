import CoupletPairs
import CoupletTensors
import Dispatch

/// Reads a worker's part of each batch; where the source waits for a disk, one step ahead, while the present step is computed. Which samples a step
/// gets is a function of the step, so reading ahead changes no bit.
package final class BatchReader {
    /// The samples of one step: of the batch, and of the second one where the loss takes two.
    final class Batch: @unchecked Sendable {
        let first: [Tensor], second: [Tensor]
        /// The step that they are of, once read; and why they could not be.
        fileprivate var step: Int?
        fileprivate var failure: (any Error)?

        init(first: [Tensor], second: [Tensor]) {
            self.first = first
            self.second = second
        }
    }

    /// In the order of a `Batch`'s tensors.
    static let parts: [Sampler.Batch] = [.pairs, .second]

    private let source: any PairSource
    private let sampler: Sampler
    private let positions: Range<Int>
    private let batches: [Batch]
    private let ahead: DispatchQueue?
    private let reading = DispatchGroup()

    /// How many batches it keeps: two where it reads ahead.
    static func batches(for source: any PairSource) -> Int { source.waitsForStorage ? 2 : 1 }

    /// - Parameters:
    ///   - positions: this worker's places in a batch.
    ///   - batches: 2 where a step takes a second batch, else 1.
    init(
        _ source: any PairSource, sampler: Sampler, positions: Range<Int>, batches parts: Int, firstShape: [Int],
        secondShape: [Int]
    ) {
        self.source = source
        self.sampler = sampler
        self.positions = positions
        let count = Self.batches(for: source)
        batches = (0..<count).map { _ in
            func tensors(_ shape: [Int]) -> [Tensor] { (0..<parts).map { _ in Tensor([positions.count] + shape) } }
            return Batch(first: tensors(firstShape), second: tensors(secondShape))
        }
        ahead = count > 1 ? DispatchQueue(label: "couplet.reading") : nil
    }

    /// The samples of a step; valid until the next call.
    /// - Throws: `DataError`, `FileError`.
    func batch(step: Int) throws -> Batch {
        reading.wait()
        let batch = batches[step % batches.count]
        if batch.step != step { Self.read(batch, step, source, sampler, positions) }
        if let failure = batch.failure {
            batch.step = nil
            throw failure
        }
        if let ahead {
            let next = batches[(step + 1) % batches.count]
            ahead.async(group: reading) { [source, sampler, positions] in
                Self.read(next, step + 1, source, sampler, positions)
            }
        }
        return batch
    }

    private static func read(
        _ batch: Batch, _ step: Int, _ source: any PairSource, _ sampler: Sampler, _ positions: Range<Int>
    ) {
        batch.step = step
        batch.failure = nil
        do {
            for (part, (first, second)) in zip(parts, zip(batch.first, batch.second)) {
                try source.read(
                    .training, sampler.numbers(step: step, positions: positions, of: part), first: first, second: second
                )
            }
        } catch {
            batch.failure = error
        }
    }

    deinit { reading.wait() }
}
