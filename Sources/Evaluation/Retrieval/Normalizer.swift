import CCoupletKernels
import CoupletCommunication

/// The sums Σ 2^t and Σ 4^t of each query over each part of a gallery, stored as sum · 2^exponent and square ·
/// 4^exponent.
///
/// Sums over parts are added in the order of the parts, so the totals have the same bits for every number of workers.
struct Normalizer {
    /// The sums over one part, one number per query.
    struct Pointers {
        let exponents: UnsafeMutablePointer<Double>, sums: UnsafeMutablePointer<Double>
        let squares: UnsafeMutablePointer<Double>
    }

    /// The sums of one query over the whole gallery.
    struct Total {
        var exponent = Double(COUPLET_EMPTY), sum = 0.0, square = 0.0
    }

    private let queries: Int, parts: Int
    /// For each part: the exponents of all queries, their sums, their squares.
    private var numbers: [Double]

    /// - Parameter parts: the number of parts that this worker scans.
    init(queries: Int, parts: Int) {
        self.queries = queries
        self.parts = parts
        numbers = [Double](repeating: 0, count: 3 * queries * parts)
        for part in 0..<parts {
            for query in 0..<queries { numbers[3 * part * queries + query] = Double(COUPLET_EMPTY) }
        }
    }

    /// Calls `body` with the sums over one of this worker's parts.
    mutating func withPointers(ofPart part: Int, _ body: (Pointers) -> Void) {
        numbers.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            let base = start + 3 * part * queries
            body(Pointers(exponents: base, sums: base + queries, squares: base + 2 * queries))
        }
    }

    /// Returns each query's totals over all parts of all workers.
    /// - Throws: `CollectiveError` if a worker has failed.
    func merged(_ communicator: any Communicator) throws -> [Total] {
        var result: [Total] = []
        result.reserveCapacity(queries)
        let batchQueries = 1_024
        for start in stride(from: 0, to: queries, by: batchQueries) {
            let range = start..<min(start + batchQueries, queries)
            var localNumbers: [Double] = []
            localNumbers.reserveCapacity(3 * parts * range.count)
            for part in 0..<parts {
                for kind in 0..<3 {
                    let base = (3 * part + kind) * queries
                    localNumbers += numbers[(base + range.lowerBound)..<(base + range.upperBound)]
                }
            }
            // The numbers are gathered as bytes, because workers may have different numbers of parts.
            let gathered = try communicator.allGather(bytes: localNumbers.withUnsafeBytes { Array($0) })
            var totals = [Total](repeating: Total(), count: range.count)
            for bytes in gathered { bytes.withUnsafeBytes { Self.add($0, to: &totals) } }
            result += totals
        }
        return result
    }

    /// Adds the numbers of one worker's parts, in order.
    private static func add(_ bytes: UnsafeRawBufferPointer, to totals: inout [Total]) {
        func number(_ index: Int) -> Double {
            bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Double>.stride, as: Double.self)
        }
        let count = totals.count
        for part in 0..<(bytes.count / (3 * count * MemoryLayout<Double>.stride)) {
            for query in 0..<count {
                let index = 3 * part * count + query, exponent = number(index)
                if exponent == Double(COUPLET_EMPTY) { continue }
                var total = totals[query]
                couplet_search_add_normalizer(
                    exponent, number(index + count), number(index + 2 * count), &total.exponent, &total.sum,
                    &total.square)
                totals[query] = total
            }
        }
    }
}
