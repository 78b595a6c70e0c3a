import CoupletLosses
import CoupletPairs
import CoupletTensors
import Dispatch

/// Reads this worker's part of each batch. If the source waits for storage, it reads one step ahead on another thread
/// while the current step is computed. The samples of a step are a function of the step, so reading ahead changes no
/// bit.
final class BatchReader {
    /// The batches of a step, in the order of the tensors of a modality. A step has the second batch only if the loss
    /// takes one.
    static let batches: [Sampler.Batch] = [.pairs, .second]

    /// The samples of one step, or the error of reading them.
    private final class Buffer: @unchecked Sendable {
        let samples: PerModality<[Tensor]>
        /// The groups of the pairs of each batch; empty unless they are read.
        var groups: [[Int]] = []
        /// Which samples of each batch are equal; empty unless that is read.
        var rows: [SampleRows] = []
        /// The step whose samples were read; nil before the first read.
        var step: Int?
        var failure: (any Error)?

        init(_ samples: PerModality<[Tensor]>) { self.samples = samples }
    }

    private let source: any PairSource
    private let sampler: Sampler
    private let positions: Range<Int>
    private let buffers: [Buffer]
    private let reading: Reading
    /// Nil if the reader does not read ahead.
    private let queue: DispatchQueue?
    private let readAhead = DispatchGroup()
    /// The time for which `samples` has waited for samples so far.
    private(set) var waiting = Duration.zero

    /// What is read besides the samples.
    struct Reading {
        /// Whether to read the groups of the pairs.
        var groups = false
        /// Whether to read which samples are equal.
        var rows = false
    }

    /// Number of buffers: two if the reader reads ahead, otherwise one.
    static func bufferCount(for source: any PairSource) -> Int { source.waitsForStorage ? 2 : 1 }

    /// - Parameters:
    ///   - positions: positions of this worker's pairs in the global batch; both bounds are multiples of
    ///     `Sampler.secondPerFirst`.
    ///   - batchCount: 2 if a step takes a second batch, otherwise 1.
    ///   - inputShapes: shape of a sample of each modality.
    ///   - reading: what to read besides the samples.
    init(
        _ source: any PairSource, sampler: Sampler, positions: Range<Int>, batchCount: Int,
        inputShapes: PerModality<[Int]>, reading: Reading = Reading()
    ) {
        self.source = source
        self.sampler = sampler
        self.positions = positions
        self.reading = reading
        let count = Self.bufferCount(for: source)
        let rows = PerModality(first: positions.count / sampler.secondPerFirst, second: positions.count)
        buffers = (0..<count).map { _ in
            Buffer(
                PerModality { modality in
                    (0..<batchCount).map { _ in Tensor([rows[modality]] + inputShapes[modality]) }
                })
        }
        queue = count > 1 ? DispatchQueue(label: "couplet.reading") : nil
    }

    /// The samples of a step: the tensors of each modality, B/W × input shape, one per batch; of the first modality
    /// B/(W T) × input shape. They are valid until the next call.
    /// - Throws: `DataError` or `FileError` if the samples of this step cannot be read.
    func samples(step: Int) throws -> PerModality<[Tensor]> {
        let start = ContinuousClock.now
        readAhead.wait()
        let buffer = buffers[step % buffers.count]
        defer { waiting += .now - start }
        if buffer.step != step { Self.read(buffer, step, source, sampler, positions, reading) }
        if let failure = buffer.failure {
            buffer.step = nil
            throw failure
        }
        if let queue {
            let next = buffers[(step + 1) % buffers.count]
            queue.async(group: readAhead) { [source, sampler, positions, reading] in
                Self.read(next, step + 1, source, sampler, positions, reading)
            }
        }
        return buffer.samples
    }

    /// The groups of the pairs of each batch of a step, or their labels where the source has no groups; nil unless they
    /// are read. The step is the last one whose samples were returned.
    func groups(step: Int) -> [[Int]]? { reading.groups ? buffers[step % buffers.count].groups : nil }

    /// Which samples of each batch of a step are equal; nil unless that is read. The step as for `groups`.
    func rows(step: Int) -> [SampleRows]? { reading.rows ? buffers[step % buffers.count].rows : nil }

    private static func read(
        _ buffer: Buffer, _ step: Int, _ source: any PairSource, _ sampler: Sampler, _ positions: Range<Int>,
        _ reading: Reading
    ) {
        // A source may compute, and reading ahead runs on a thread of its own.
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        buffer.step = step
        buffer.failure = nil
        (buffer.groups, buffer.rows) = ([], [])
        do {
            for (batch, (first, second)) in zip(batches, zip(buffer.samples.first, buffer.samples.second)) {
                let numbers = sampler.numbers(step: step, positions: positions, of: batch)
                let draws = sampler.draws(step: step, positions: positions, of: batch)
                if sampler.secondPerFirst == 1 {
                    try source.read(training: numbers, draws: draws, first: first, second: second)
                } else {
                    let firstDraws = sampler.firstDraws(step: step, positions: positions, of: batch)
                    let firstNumbers = firstDraws.indices.map { numbers[$0 * sampler.secondPerFirst] }
                    try source.read(training: firstNumbers, draws: firstDraws, first: first, second: nil)
                    try source.read(training: numbers, draws: draws, first: nil, second: second)
                }
                if reading.rows {
                    buffer.rows.append(
                        try SampleRows(count: numbers.count) {
                            try source.sampleRows(training: numbers, draws: draws, $0)
                        })
                }
                if reading.groups { buffer.groups.append(try source.groupNumbers(.training, numbers)) }
            }
        } catch {
            buffer.failure = error
        }
    }

    deinit { readAhead.wait() }
}

extension SampleRows {
    /// - Parameter rows: the rows of the samples of a modality; nil if the source does not know which are equal.
    init(count: Int, _ rows: (Modality) throws -> [Int]?) rethrows {
        let unknown = [Int](repeating: -1, count: count)
        self.init(first: try rows(.first) ?? unknown, second: try rows(.second) ?? unknown)
    }
}
