import CCoupletKernels
import CoupletCommunication

/// The sums Σ 2^t and Σ 4^t of each query over each part of a gallery, stored as sum · 2^exponent and square ·
/// 4^exponent.
///
/// The sums of a part are pairwise sums over its blocks, and the totals pairwise sums over the parts. So the totals
/// have the same bits for every number of workers.
struct Normalizer {
    /// The sums over one block, one number per query.
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
    /// The sums of the current block, in this order. The exponents are those of the last block of the part.
    private var block: [Double]
    /// The nodes of the current part: element l is a sum of 2^l blocks, empty if there is none.
    private var nodes: [[Double]] = []

    /// - Parameter parts: the number of parts that this worker scans.
    init(queries: Int, parts: Int) {
        self.queries = queries
        self.parts = parts
        block = Self.empty(queries)
        numbers = []
        numbers.reserveCapacity(3 * queries * parts)
    }

    private static func empty(_ queries: Int) -> [Double] {
        [Double](repeating: Double(COUPLET_EMPTY), count: queries) + [Double](repeating: 0, count: 2 * queries)
    }

    /// Calls `body`, which sets the sums of the next block of the current part.
    mutating func addBlock(_ body: (Pointers) -> Void) {
        let queries = queries
        block.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            body(Pointers(exponents: start, sums: start + queries, squares: start + 2 * queries))
        }
        var node = block, level = 0
        while level < nodes.count, !nodes[level].isEmpty {
            Self.add(node, to: &nodes[level])
            node = nodes[level]
            nodes[level] = []
            level += 1
        }
        if level == nodes.count { nodes.append([]) }
        nodes[level] = node
    }

    /// Ends the current part.
    mutating func endPart() {
        var sum: [Double]?
        // An odd node at the end moves up unchanged.
        for var node in nodes where !node.isEmpty {
            if let sum { Self.add(sum, to: &node) }
            sum = node
        }
        numbers += sum ?? Self.empty(queries)
        nodes = []
        block = Self.empty(queries)
    }

    private static func add(_ node: [Double], to total: inout [Double]) {
        let queries = node.count / 3
        node.withUnsafeBufferPointer { node in
            total.withUnsafeMutableBufferPointer { total in
                guard let node = node.baseAddress, let total = total.baseAddress else { return }
                couplet_search_add_normalizers(
                    queries, node, node + queries, node + 2 * queries, total, total + queries, total + 2 * queries)
            }
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
            var sums = gathered.flatMap { Self.parts(of: $0, size: 3 * range.count) }
            while sums.count > 1 {
                for left in stride(from: 0, to: sums.count - 1, by: 2) { Self.add(sums[left + 1], to: &sums[left]) }
                sums = stride(from: 0, to: sums.count, by: 2).map { sums[$0] }
            }
            let count = range.count, total = sums[0]
            result += (0..<count).map {
                Total(exponent: total[$0], sum: total[count + $0], square: total[2 * count + $0])
            }
        }
        return result
    }

    /// The numbers of each part in a worker's bytes.
    private static func parts(of bytes: [UInt8], size: Int) -> [[Double]] {
        bytes.withUnsafeBytes { bytes in
            let stride = size * MemoryLayout<Double>.stride
            return (0..<(bytes.count / stride)).map { part in
                (0..<size).map {
                    bytes.loadUnaligned(
                        fromByteOffset: part * stride + $0 * MemoryLayout<Double>.stride, as: Double.self)
                }
            }
        }
    }
}
