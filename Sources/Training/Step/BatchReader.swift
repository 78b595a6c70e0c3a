import Dispatch
import Pairs
import Tensors

/// Reads a worker's part of each batch; where the source waits for a disk, one step ahead, while the present step is computed. Which samples a step
/// gets is a function of the step, so reading ahead changes no bit.
final class BatchReader {
    /// The samples of one step.
    final class Batch: @unchecked Sendable {
        let first: Tensor, second: Tensor
        /// The step that they are of, once read; and why they could not be.
        fileprivate var step: Int?
        fileprivate var failure: (any Error)?

        init(first: Tensor, second: Tensor) {
            self.first = first
            self.second = second
        }
    }

    private let source: any PairSource
    private let sampler: Sampler
    private let positions: Range<Int>
    private let batches: [Batch]
    private let ahead: DispatchQueue?
    private let reading = DispatchGroup()

    /// How many batches it keeps: two where it reads ahead.
    static func batches(for source: any PairSource) -> Int { source.waitsForStorage ? 2 : 1 }

    /// - Parameter positions: this worker's places in a batch.
    init(_ source: any PairSource, sampler: Sampler, positions: Range<Int>, firstShape: [Int], secondShape: [Int]) {
        self.source = source
        self.sampler = sampler
        self.positions = positions
        let count = Self.batches(for: source)
        batches = (0..<count).map { _ in
            Batch(first: Tensor([positions.count] + firstShape), second: Tensor([positions.count] + secondShape))
        }
        ahead = count > 1 ? DispatchQueue(label: "couplet.reading") : nil
    }

    /// The samples of a step; valid until the next call.
    /// - Throws: `DataError`, `StorageError`.
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
            ahead.async(group: reading) { [source, sampler, positions] in Self.read(next, step + 1, source, sampler, positions) }
        }
        return batch
    }

    private static func read(_ batch: Batch, _ step: Int, _ source: any PairSource, _ sampler: Sampler, _ positions: Range<Int>) {
        batch.step = step
        batch.failure = nil
        do {
            let numbers = sampler.numbers(step: step, positions: positions)
            try source.read(.training, numbers, first: batch.first, second: batch.second)
        } catch {
            batch.failure = error
        }
    }

    deinit { reading.wait() }
}
