import CoupletCommunication
import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import TestSupport

/// Encodings of N pairs, and their ranks by brute force in Double.
struct GalleryFixture: Sendable {
    let count: Int, dimension: Int
    var first: [[Float]], second: [[Float]]

    /// Makes random pairs that retrieve each other in most cases.
    init(count: Int, dimension: Int, seed: UInt64 = 3, scale: Float = 1, matched: Float = 0.5) {
        self.count = count
        self.dimension = dimension
        let philox = Philox(seed: seed)
        let u = (0..<count).map { philox.normals(dimension, .evaluation, number: UInt64($0)).map { scale * $0 } }
        first = u
        second = (0..<count).map { i in
            zip(u[i], philox.normals(dimension, .fitting, number: UInt64(i))).map { matched * $0 + scale * $1 }
        }
    }

    static func score(_ u: [Float], _ v: [Float], _ similarity: Similarity) -> Double {
        let x = u.map(Double.init), y = v.map(Double.init)
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        return switch similarity {
        case .innerProduct: dot(x, y)
        case .cosine: dot(x, y) / max(dot(x, x).squareRoot(), 1e-12) / max(dot(y, y).squareRoot(), 1e-12)
        case .quadratic: -0.5 * zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
    }

    func naiveRanks(_ similarity: Similarity) -> (firstToSecond: [Int], secondToFirst: [Int]) {
        let scores = first.map { u in second.map { Self.score(u, $0, similarity) } }
        func rank(_ i: Int, _ candidateScore: (Int) -> Double) -> Int {
            1 + (0..<count).count { $0 != i && !(candidateScore($0) < scores[i][i]) }
        }
        return (
            (0..<count).map { i in rank(i) { scores[i][$0] } }, (0..<count).map { j in rank(j) { scores[$0][j] } }
        )
    }

    /// Returns the samples with these numbers, one after the other.
    static func rows(_ samples: [[Float]], _ numbers: [UInt64]) -> [Float] { numbers.flatMap { samples[Int($0)] } }

    /// Returns this worker's shards of both modalities, (size · its shards) × dimension.
    func encodings(_ shards: SampleShards, _ communicator: any Communicator) -> (first: Tensor, second: Tensor) {
        let outputs = ShardedEncoding(shards).run(
            rank: communicator.rank, workers: communicator.size, widths: [dimension, dimension]
        ) {
            $1[0].copy(from: Tensor([$0.count, dimension], Self.rows(first, $0)))
            $1[1].copy(from: Tensor([$0.count, dimension], Self.rows(second, $0)))
        }
        return (outputs[0], outputs[1])
    }

    func ranks(_ similarity: Similarity, workers: Int, minimum: Int) throws -> (
        firstToSecond: [Int], secondToFirst: [Int]
    ) {
        let shards = SampleShards(samples: count, minimum: minimum)
        let both = try runWorkers(workers) { communicator in
            let (u, v) = encodings(shards, communicator)
            let ranks = try Retrieval.ranks(
                first: u, second: v, similarity: similarity, shards: shards, communicator: communicator)
            return [ranks.firstToSecond, ranks.secondToFirst]
        }
        return (both[0], both[1])
    }
}

extension Tensor {
    /// Makes a tensor of rows of equal length.
    init(rows: [[Float]]) { self.init([rows.count, rows.first?.count ?? 0], rows.flatMap { $0 }) }
}
