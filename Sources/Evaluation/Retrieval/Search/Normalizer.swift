import CCoupletKernels
import CoupletCommunication

/// Σ 2^t and Σ 4^t of every query over each of some parts of a gallery: sum · 2^exponent and square · 4^exponent.
struct Normalizer {
    /// Those of one part, a number a query.
    struct Pointers {
        let exponents: UnsafeMutablePointer<Double>, sums: UnsafeMutablePointer<Double>,
            squares: UnsafeMutablePointer<Double>
    }

    /// Of one query over the whole gallery.
    struct Total {
        var exponent = Double(COUPLET_EMPTY), sum = 0.0, square = 0.0
    }

    private let queries: Int, parts: Int
    /// For each part: the exponents of all queries, their sums, their squares.
    private var numbers: [Double]

    init(queries: Int, parts: Int) {
        self.queries = queries
        self.parts = parts
        numbers = [Double](repeating: 0, count: 3 * queries * parts)
        for part in 0..<parts {
            for query in 0..<queries { numbers[3 * part * queries + query] = Double(COUPLET_EMPTY) }
        }
    }

    mutating func withPointers(ofPart part: Int, _ body: (Pointers) -> Void) {
        numbers.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            let base = start + 3 * part * queries
            body(Pointers(exponents: base, sums: base + queries, squares: base + 2 * queries))
        }
    }

    /// The totals over all parts of all workers, added in the order of the parts.
    /// - Throws: `CollectiveError` where a worker has failed.
    func merged(_ communicator: any Communicator) throws -> [Total] {
        var result: [Total] = []
        result.reserveCapacity(queries)
        let step = 1_024
        for start in stride(from: 0, to: queries, by: step) {
            let some = start..<min(start + step, queries)
            var own: [Double] = []
            own.reserveCapacity(3 * parts * some.count)
            for part in 0..<parts {
                for kind in 0..<3 {
                    let base = (3 * part + kind) * queries
                    own += numbers[(base + some.lowerBound)..<(base + some.upperBound)]
                }
            }
            // As bytes: workers need not have equally many parts.
            let everyones = try communicator.allGather(bytes: own.withUnsafeBytes { Array($0) })
            var totals = [Total](repeating: Total(), count: some.count)
            for bytes in everyones { bytes.withUnsafeBytes { Self.add($0, to: &totals) } }
            result += totals
        }
        return result
    }

    private static func add(_ bytes: UnsafeRawBufferPointer, to totals: inout [Total]) {
        func number(_ place: Int) -> Double {
            bytes.loadUnaligned(fromByteOffset: place * MemoryLayout<Double>.stride, as: Double.self)
        }
        let count = totals.count
        for part in 0..<(bytes.count / (3 * count * MemoryLayout<Double>.stride)) {
            for query in 0..<count {
                let place = 3 * part * count + query, exponent = number(place)
                if exponent == Double(COUPLET_EMPTY) { continue }
                var total = totals[query]
                couplet_search_add_total(
                    exponent, number(place + count), number(place + 2 * count), &total.exponent, &total.sum,
                    &total.square)
                totals[query] = total
            }
        }
    }
}
