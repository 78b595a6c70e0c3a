import CCoupletKernels
import CoupletCommunication
import CoupletEvaluation
import CoupletFiles
import CoupletTensors
import CoupletText

/// Times a search of many queries in a gallery of encodings in memory, with the probabilities of the best candidates;
/// without encoders or files.
///
/// The operations count as one matrix product, 2 · queries · gallery · dimension.
public struct RetrievalBenchmark: Sendable {
    public let queries: Int
    public let gallery: Int
    public let dimension: Int
    public let search: GallerySearch
    public let warmup: Int
    public let repetitions: Int

    public init(
        queries: Int, gallery: Int, dimension: Int, search: GallerySearch, warmup: Int, repetitions: Int
    ) {
        precondition(
            queries > 0 && gallery > 0 && dimension > 0 && repetitions > 0,
            "\(queries) queries, \(gallery) rows of \(dimension), \(repetitions) repetitions")
        self.queries = queries
        self.gallery = gallery
        self.dimension = dimension
        self.search = search
        self.warmup = warmup
        self.repetitions = repetitions
    }

    /// The results, the same on every worker.
    public struct Result: Sendable {
        public let benchmark: BenchmarkResult
        /// The best gallery row for query 0, and its probability.
        public let best: Int
        public let probability: Double
        /// Mean number of effective candidates over the queries.
        public let effectiveCandidates: Double
    }

    /// Fills rows with random unit encodings. Each row is a function of its number.
    private static func fill(_ tensor: Tensor, _ rows: Range<Int>, _ stream: RandomStream) {
        let philox = Philox(seed: 1)
        for row in rows { philox.fillNormal(tensor.rows(row..<(row + 1)), stream, number: UInt64(row)) }
        let pointer = tensor.rows(rows).pointer
        couplet_search_unit_rows(rows.count, tensor.columns, pointer, pointer)
    }

    /// Makes the encodings, once in each process, and times the search on all workers. Every process calls it.
    public func run(on group: WorkerGroup, threads: Int) throws -> Result {
        let galleryRows = Tensor([gallery, dimension])
        let queryRows = Tensor([queries, dimension])
        return try group.run(threads: threads) { communicator in
            let thread = communicator.rank % threads
            Self.fill(galleryRows, (gallery * thread / threads)..<(gallery * (thread + 1) / threads), .source)
            Self.fill(queryRows, (queries * thread / threads)..<(queries * (thread + 1) / threads), .evaluation)
            // The peak is measured first: its barriers wait for all rows, and it brings the cores up to their full
            // clock.
            let peak = try FusedMultiplyAddPeak.measure(on: communicator)
            let preparedGallery = Gallery(galleryRows, similarity: search.similarity, isPrepared: true)
            var found: SearchResult?
            let times = try BenchmarkTimes(on: communicator, warmup: warmup, repeat: repetitions) { _ in
                found = try search.run(queries: queryRows, gallery: preparedGallery, communicator: communicator)
            }
            guard let found else { preconditionFailure("no repetition was made") }
            return Result(
                benchmark: BenchmarkResult(
                    times: times, operations: 2 * Double(queries) * Double(gallery) * Double(dimension),
                    peakGigaflops: peak, peakMemoryMiB: try ProcessMemory.peakMiB(on: communicator),
                    workers: communicator.size, processes: communicator.processCount),
                best: found.rows[0], probability: found.probabilities[0],
                effectiveCandidates: found.effectiveCandidates.reduce(0, +) / Double(queries))
        }
    }

    // MARK: - Report

    /// Size of the gallery's encodings, in MiB.
    private var galleryMiB: Double { Double(gallery * dimension * MemoryLayout<Float>.stride) / 1_048_576 }

    /// The settings, the times and the results as a JSON object.
    package func json(_ result: Result) -> JSONValue {
        let settings: [(String, JSONValue)] = [
            ("benchmark", .string("retrieve")), ("queries", .integer(queries)), ("gallery", .integer(gallery)),
            ("dim", .integer(dimension)), ("top", .integer(search.top)),
            ("similarity", .string(search.similarity.rawValue)), ("temperature", .number(search.temperature)),
            ("gallery_mib", .number(galleryMiB)),
        ]
        return .object(
            settings + result.benchmark.members + [
                ("best", .integer(result.best)), ("probability", .number(result.probability)),
                ("effective_candidates", .number(result.effectiveCandidates)),
            ])
    }

    /// The times and the results as lines of text.
    package func text(_ result: Result) -> String {
        """
        the best \(search.top) for each of \(queries) queries among \(gallery) encodings of \(dimension) numbers, \
        with probabilities
        \(result.benchmark.text)
        gallery  \(NumberText.fixed(galleryMiB, 1)) MiB of the memory
        result   row \(result.best) for query 0, probability \(result.probability); \
        \(NumberText.fixed(result.effectiveCandidates, 1)) effective candidates for a query
        """
    }
}
