import CCoupletKernels
import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletTensors

/// Times a search of many queries in a gallery of encodings in memory, with the probabilities of the best: without encoders or files.
///
/// Its operations are those of one matrix product, 2 · queries · gallery · dimension.
public struct RetrievalBenchmark: Sendable {
    public let queries: Int, gallery: Int, dimension: Int
    public let search: GallerySearch
    public let warmup: Int
    public let repetitions: Int

    public init(queries: Int, gallery: Int, dimension: Int, search: GallerySearch, warmup: Int, repetitions: Int) {
        precondition(
            queries > 0 && gallery > 0 && dimension > 0 && repetitions > 0,
            "\(queries) queries, \(gallery) rows of \(dimension)")
        self.queries = queries
        self.gallery = gallery
        self.dimension = dimension
        self.search = search
        self.warmup = warmup
        self.repetitions = repetitions
    }

    /// What was found, the same on every worker.
    public struct Result: Sendable {
        public let benchmark: BenchmarkResult
        /// Of the first query.
        public let best: Int
        public let probability: Double
        /// Mean over the queries.
        public let effectiveCandidates: Double
    }

    /// Unit encodings, drawn: each row from its number.
    private static func fill(_ tensor: Tensor, _ rows: Range<Int>, _ stream: RandomStream) {
        let philox = Philox(seed: 1), dimension = tensor.columns
        for row in rows { philox.fillNormal(tensor.rows(row..<(row + 1)), stream, number: UInt64(row)) }
        let some = tensor.rows(rows).pointer
        couplet_search_unit_rows(rows.count, dimension, some, some)
    }

    /// Makes the encodings, once a process, and times the search with all workers.
    public func run(on group: WorkerGroup, threads: Int) throws -> Result {
        let encodings = Tensor([gallery, dimension]), asked = Tensor([queries, dimension])
        return try group.run(threads: threads) { communicator in
            let thread = communicator.rank % threads
            Self.fill(encodings, (gallery * thread / threads)..<(gallery * (thread + 1) / threads), .source)
            Self.fill(asked, (queries * thread / threads)..<(queries * (thread + 1) / threads), .evaluation)
            // Measured first: it also brings the cores up to their speed, and lets all rows be there.
            let peak = try ProductPeak.measure(on: communicator)
            let searched = Gallery(encodings, similarity: search.similarity, isPrepared: true)
            var found: SearchResult?
            let times = try BenchmarkTimes(on: communicator, warmup: warmup, repeat: repetitions) { _ in
                found = try search.run(queries: asked, gallery: searched, communicator: communicator)
            }
            guard let found else { preconditionFailure("no repetition was made") }
            return Result(
                benchmark: BenchmarkResult(
                    times: times, operations: 2 * Double(queries) * Double(gallery) * Double(dimension),
                    peakGigaflops: peak,
                    peakMemoryMiB: try ProcessMemory.peakMiB(on: communicator), workers: communicator.size,
                    processes: communicator.processCount),
                best: found.rows[0], probability: found.probabilities[0],
                effectiveCandidates: found.effectiveCandidates.reduce(0, +) / Double(queries))
        }
    }
}
