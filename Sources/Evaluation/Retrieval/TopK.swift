import CCoupletKernels
import CoupletCommunication

/// The k best candidates of each query on one worker: one heap per query, which the search kernel maintains.
final class TopK {
    /// A gallery row among a query's best.
    struct Candidate {
        /// Single-precision score, as an exponent of two: the value that the sums over the gallery contain.
        let score: Float
        let row: Int
        /// κ in Double.
        let similarity: Double

        /// Orders candidates: higher scores first, and the lower row first among equal scores.
        func isBefore(_ other: Candidate) -> Bool {
            score > other.score || (score == other.score && row < other.row)
        }
    }

    private let queries: Int, capacity: Int
    private let counts: UnsafeMutablePointer<Int>
    private let scores: UnsafeMutablePointer<Float>
    private let rows: UnsafeMutablePointer<Int64>
    private let similarities: UnsafeMutablePointer<Double>

    /// - Parameter capacity: k.
    init(queries: Int, capacity: Int) {
        self.queries = queries
        self.capacity = capacity
        counts = .allocate(capacity: queries)
        counts.initialize(repeating: 0, count: queries)
        scores = .allocate(capacity: queries * capacity)
        rows = .allocate(capacity: queries * capacity)
        similarities = .allocate(capacity: queries * capacity)
    }

    deinit {
        counts.deallocate()
        scores.deallocate()
        rows.deallocate()
        similarities.deallocate()
    }

    /// Returns the heaps of the queries from `first` on, for the kernel.
    func description(from first: Int) -> couplet_search_top_k {
        couplet_search_top_k(
            capacity: capacity, count: counts + first, score: scores + first * capacity, row: rows + first * capacity,
            similarity: similarities + first * capacity)
    }

    /// Returns the k best candidates of all workers for each query, in order: the same as one worker would find.
    /// - Throws: `CollectiveError` if a worker has failed.
    func merged(_ communicator: any Communicator) throws -> [[Candidate]] {
        var result: [[Candidate]] = []
        result.reserveCapacity(queries)
        // The gathered values are copies, so a limited number of queries is gathered at a time.
        let batchQueries = max(1, (1 << 16) / capacity)
        for start in stride(from: 0, to: queries, by: batchQueries) {
            let range = start..<min(start + batchQueries, queries)
            let gathered = try communicator.allGather(numbers: encoded(range))
            let stride = range.count * capacity * 3
            for query in 0..<range.count {
                var candidates: [Candidate] = []
                for worker in 0..<communicator.size {
                    for entry in 0..<capacity {
                        let offset = worker * stride + (query * capacity + entry) * 3
                        guard gathered[offset + 1] >= 0 else { break }
                        candidates.append(
                            Candidate(
                                score: Float(gathered[offset]), row: Int(gathered[offset + 1]),
                                similarity: gathered[offset + 2]))
                    }
                }
                candidates.sort { $0.isBefore($1) }
                result.append(Array(candidates.prefix(capacity)))
            }
        }
        return result
    }

    /// Returns three numbers per entry: score, row, similarity; the row is -1 after the last entry of a heap.
    private func encoded(_ queries: Range<Int>) -> [Double] {
        var numbers = [Double](repeating: -1, count: queries.count * capacity * 3)
        for (index, query) in queries.enumerated() {
            for entry in 0..<counts[query] {
                let source = query * capacity + entry, target = (index * capacity + entry) * 3
                numbers[target] = Double(scores[source])
                numbers[target + 1] = Double(rows[source])
                numbers[target + 2] = similarities[source]
            }
        }
        return numbers
    }
}
