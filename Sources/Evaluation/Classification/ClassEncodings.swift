import CCoupletKernels
import CoupletCommunication
import CoupletLosses
import CoupletPairs
import CoupletTensors

/// One encoding per class: the candidates of a classification.
public struct ClassEncodings: Sendable {
    /// The class of each row.
    public let classes: [Int]
    /// Classes × e.
    public let encodings: Tensor
    /// The row of each class.
    private let rows: [Int: Int]

    /// - Parameters:
    ///   - encodings: classes × e.
    ///   - classes: the class of each row; nil: row c is class c.
    public init(_ encodings: Tensor, classes: [Int]? = nil) {
        let classes = classes ?? Array(0..<encodings.rows)
        precondition(classes.count == encodings.rows, "\(classes.count) classes for \(encodings.rows) encodings")
        self.classes = classes
        self.encodings = encodings
        rows = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($0.element, $0.offset) })
    }

    /// Returns the row of a class; nil if it has none.
    public func row(of label: Int) -> Int? { rows[label] }

    /// Returns a prototype for each class that occurs: the mean encoding of its samples, or, for the cosine, the mean
    /// of their encodings scaled to length 1.
    ///
    /// A `ShardedSum` computes the sums in Double, so they have the same bits for every number of workers. Every worker
    /// calls the function and gets the same result.
    /// - Parameters:
    ///   - encodings: this worker's shards of the second modality, (size · its shards) × e.
    ///   - labels: the classes of this worker's samples, in order, without the padding. Samples without a label are
    ///     left out.
    /// - Throws: `CollectiveError` if a worker has failed.
    public static func prototypes(
        _ encodings: Tensor, labels: [Int], similarity: Similarity, shards: SampleShards, communicator: any Communicator
    ) throws -> ClassEncodings {
        let localShards = shards.shards(of: communicator.rank, workers: communicator.size), e = encodings.columns
        let samples = localShards.reduce(0) { $0 + shards.samples(of: $1).count }
        precondition(
            labels.count == samples && encodings.rows == localShards.count * shards.size,
            "\(labels.count) labels and \(encodings.rows) rows for \(samples) samples "
                + "in \(localShards.count) shards of \(shards.size)")
        let classes = try distinctLabels(labels, communicator)
        let rows = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($0.element, $0.offset) })

        // For each class the sum of its encodings, then their number.
        let sums = try ShardedSum(shards, communicator).run(count: classes.count * (e + 1)) { localShard, samples in
            var sums = [Double](repeating: 0, count: classes.count * (e + 1))
            // Only the last shards are padded, so all earlier samples are consecutive in `labels`.
            for (i, sample) in samples.enumerated() {
                guard let row = rows[labels[sample - localShards.lowerBound * shards.size]] else { continue }
                let base = row * (e + 1)
                let encoding = encodings.pointer + (localShard * shards.size + i) * e
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

    /// Returns the classes that occur on any worker, ascending. Every worker calls it.
    static func distinctLabels(_ labels: [Int], _ communicator: any Communicator) throws -> [Int] {
        let local = Set(labels).subtracting([LabelTable.none]).map { Int64($0) }
        let gathered = try communicator.allGather(bytes: local.withUnsafeBytes { Array($0) })
        let all = gathered.flatMap { bytes in
            bytes.withUnsafeBytes { raw in
                (0..<(raw.count / 8)).map { Int(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
            }
        }
        return Set(all).sorted()
    }
}
