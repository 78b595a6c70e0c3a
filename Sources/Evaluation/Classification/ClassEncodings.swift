import CCoupletKernels
import CoupletCommunication
import CoupletLosses
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// One encoding a class: the gallery of a classification.
public struct ClassEncodings: Sendable {
    /// The class of each row, ascending.
    public let classes: [Int]
    /// Classes × e.
    public let encodings: Tensor
    private let rows: [Int: Int]

    /// Row c is class `classes[c]`; without `classes`, class c: what the encoder of a modality of labels makes of 0 … C - 1.
    public init(_ encodings: Tensor, classes: [Int]? = nil) {
        let classes = classes ?? Array(0..<encodings.rows)
        precondition(classes.count == encodings.rows, "\(classes.count) classes for \(encodings.rows) encodings")
        self.classes = classes
        self.encodings = encodings
        rows = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($0.element, $0.offset) })
    }

    /// The row of a class; nil where it has none.
    public func row(of label: Int) -> Int? { rows[label] }

    /// Prototypes: for each class that occurs the mean encoding of its samples; for the cosine, the mean of their directions.
    ///
    /// The sums are made in Double, over a shard's samples in order and over the tree of the shards, so they are the same bits
    /// for every number of workers.
    /// - Parameters:
    ///   - encodings: this worker's shards of the second modality, (size · its shards) × e.
    ///   - labels: the classes of this worker's samples, in order, filling left out.
    /// - Throws: `CollectiveError` where a worker has failed.
    public static func prototypes(
        _ encodings: Tensor, labels: [Int], similarity: Similarity, shards: SampleShards, communicator: any Communicator
    ) throws -> ClassEncodings {
        let own = shards.shards(of: communicator.rank, workers: communicator.size), e = encodings.columns
        let samples = own.reduce(0) { $0 + shards.samples(of: $1).count }
        precondition(
            labels.count == samples && encodings.rows == own.count * shards.size,
            "\(labels.count) labels and \(encodings.rows) rows for \(samples) samples in \(own.count) shards of \(shards.size)"
        )
        let mine = Set(labels).map { Int64($0) }
        let everyone = try communicator.allGather(bytes: mine.withUnsafeBytes { Array($0) })
        let classes = Set(everyone.flatMap(integers)).sorted()
        let rows = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($0.element, $0.offset) })

        // For each class the sum of its encodings and, last, their number.
        let sums = try ShardedSum(shards, communicator).run(count: classes.count * (e + 1)) { place, samples in
            var sums = [Double](repeating: 0, count: classes.count * (e + 1))
            // Only a shard after all samples is short, so those before are full.
            for (i, sample) in samples.enumerated() {
                let row = rows[labels[sample - own.lowerBound * shards.size]]!, base = row * (e + 1)
                let encoding = encodings.pointer + (place * shards.size + i) * e
                let length = similarity == .cosine ? max(couplet_squared_norm(e, encoding).squareRoot(), 1e-12) : 1
                for k in 0..<e { sums[base + k] += Double(encoding[k]) / length }
                sums[base + e] += 1
            }
            return sums
        }
        let means = Tensor([classes.count, e])
        for row in classes.indices {
            let base = row * (e + 1), count = sums[base + e]
            for k in 0..<e { means[row * e + k] = Float(sums[base + k] / count) }
        }
        return ClassEncodings(means, classes: classes)
    }

    static func integers(_ bytes: [UInt8]) -> [Int] {
        bytes.withUnsafeBytes { raw in
            (0..<(raw.count / 8)).map { Int(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
        }
    }
}
