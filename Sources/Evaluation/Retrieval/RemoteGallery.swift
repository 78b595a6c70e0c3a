import CoupletLosses
import CoupletTensors

/// The second side of a gallery on its way from worker to worker, and what its queries have counted so far.
///
/// A tensor carries floats. Numbers that must arrive whole, the positives in Double and the counts, travel as bit patterns,
/// which only ever are copied.
final class RemoteGallery {
    /// For each shard: encodings rows × d; the positives' scores, two words each; how many of the rows are samples.
    let reading: ExchangeBuffer
    /// For each shard: one count a row.
    let counts: ExchangeBuffer
    private let shards: Int, rows: Int, dimension: Int
    private let similarity: Similarity

    init(shards: Int, rows: Int, dimension: Int, similarity: Similarity) {
        self.shards = shards
        self.rows = rows
        self.dimension = dimension
        self.similarity = similarity
        reading = ExchangeBuffer(count: shards * (rows * (dimension + 2) + 1))
        counts = ExchangeBuffer(count: shards * rows)
    }

    /// Puts a shard of this worker's own in.
    func load(_ shard: EncodedShard, at place: Int) {
        let part = self.part(place), encodings = rows * dimension
        part.flat(0..<encodings).copy(from: shard.encodings)
        for (row, positive) in shard.positives.enumerated() {
            part[encodings + 2 * row] = Float(bitPattern: UInt32(truncatingIfNeeded: positive.bitPattern))
            part[encodings + 2 * row + 1] = Float(bitPattern: UInt32(truncatingIfNeeded: positive.bitPattern >> 32))
        }
        part[part.count - 1] = Float(shard.count)
    }

    /// A shard of the block that is here.
    func shard(_ place: Int) -> EncodedShard {
        let part = self.part(place), encodings = part.flat(0..<(rows * dimension)).reshaped([rows, dimension])
        let count = Int(part[part.count - 1])
        let positives = (0..<count).map { row in
            let low = part[rows * dimension + 2 * row].bitPattern,
                high = part[rows * dimension + 2 * row + 1].bitPattern
            return Double(bitPattern: UInt64(high) << 32 | UInt64(low))
        }
        return EncodedShard(
            encodings, count: count, terms: CandidateScoring(encodings, similarity: similarity), positives: positives)
    }

    /// Adds to the counts of a shard of the block that is here.
    func add(_ numbers: [Int], count: Int, at place: Int) {
        let sums = counts.current.flat(place * rows..<(place + 1) * rows)
        for row in 0..<count { sums[row] = Float(bitPattern: sums[row].bitPattern + UInt32(numbers[row])) }
    }

    /// After the walk: the counts of this worker's own shards.
    var localCounts: [Int] { (0..<(shards * rows)).map { Int(counts.current[$0].bitPattern) } }

    private func part(_ place: Int) -> Tensor {
        let stride = rows * (dimension + 2) + 1
        return reading.current.flat(place * stride..<(place + 1) * stride)
    }
}
