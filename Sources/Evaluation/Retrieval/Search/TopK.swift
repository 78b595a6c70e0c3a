import CCoupletKernels
import CoupletCommunication

/// The best candidates so far of every query on one worker: a heap each, which the kernel keeps.
final class TopK {
    private let queries: Int, capacity: Int
    private let counts: UnsafeMutablePointer<Int>
    private let scores: UnsafeMutablePointer<Float>
    private let rows: UnsafeMutablePointer<Int64>
    private let similarities: UnsafeMutablePointer<Double>

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

    /// The heaps from query `first` on.
    func description(from first: Int) -> couplet_search_best {
        couplet_search_best(
            capacity: capacity, count: counts + first, score: scores + first * capacity, row: rows + first * capacity,
            similarity: similarities + first * capacity)
    }

    /// For each query the best of all workers, in order: what one worker would have kept.
    /// - Throws: `CollectiveError` where a worker has failed.
    func merged(_ communicator: any Communicator) throws -> [[SearchCandidate]] {
        var result: [[SearchCandidate]] = []
        result.reserveCapacity(queries)
        // A few queries at a time: what travels is a copy.
        let step = max(1, (1 << 16) / capacity)
        for start in stride(from: 0, to: queries, by: step) {
            let some = start..<min(start + step, queries)
            let everyones = try communicator.allGather(numbers: numbers(of: some))
            let stride = some.count * capacity * 3
            for query in 0..<some.count {
                var candidates: [SearchCandidate] = []
                for worker in 0..<communicator.size {
                    for place in 0..<capacity {
                        let at = worker * stride + (query * capacity + place) * 3
                        guard everyones[at + 1] >= 0 else { break }
                        candidates.append(
                            SearchCandidate(
                                score: Float(everyones[at]), row: Int(everyones[at + 1]), similarity: everyones[at + 2])
                        )
                    }
                }
                candidates.sort { $0.isBefore($1) }
                result.append(Array(candidates.prefix(capacity)))
            }
        }
        return result
    }

    /// Three numbers an entry; a row of -1 where a heap has no more.
    private func numbers(of some: Range<Int>) -> [Double] {
        var numbers = [Double](repeating: -1, count: some.count * capacity * 3)
        for (place, query) in some.enumerated() {
            for entry in 0..<counts[query] {
                let from = query * capacity + entry, to = (place * capacity + entry) * 3
                numbers[to] = Double(scores[from])
                numbers[to + 1] = Double(rows[from])
                numbers[to + 2] = similarities[from]
            }
        }
        return numbers
    }
}
