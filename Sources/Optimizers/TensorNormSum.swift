import CCoupletKernels
import CoupletCommunication
import CoupletNetworks
import CoupletTensors

/// Computes the norms of single tensors, whose elements lie in the slices of several workers.
///
/// Each bucket of the flat buffer consists of S equal blocks, and each worker owns whole blocks. The intersection of a
/// tensor with a block is a piece. Its owner computes Σ x² of the piece. All workers gather these sums and add those of
/// a tensor in the order of the blocks. Pieces and order do not depend on the number of workers, so the norms have the
/// same bits for every number.
struct TensorNormSum {
    private struct Piece {
        /// Index in `layout.entries`.
        let entry: Int
        /// Range in the flat buffer.
        let range: Range<Int>
    }

    private let communicator: any Communicator
    /// [tensor of the layout]: whether its norms are computed.
    private let includedEntries: [Bool]
    /// The pieces that this worker owns.
    private let pieces: [Piece]
    /// All pieces in the order of the flat buffer: tensor, and number among the pieces of all workers.
    private let order: [(entry: Int, number: Int)]
    /// The most pieces that a worker owns. Every worker sends as many numbers.
    private let piecesPerWorker: Int

    /// - Parameter includes: whether the norms of a tensor are needed.
    init(
        _ layout: ParameterLayout, communicator: any Communicator, where includes: (ParameterLayout.Entry) -> Bool
    ) {
        self.communicator = communicator
        includedEntries = layout.entries.map(includes)
        let entries = layout.entries.enumerated().filter { includes($0.element) }
        let workerPieces = (0..<communicator.size).map { worker -> [Piece] in
            layout.buckets.flatMap { bucket -> [Piece] in
                let owned = communicator.ownedRange(in: bucket.range, shards: layout.shards, worker: worker)
                let block = bucket.range.count / layout.shards
                return stride(from: owned.lowerBound, to: owned.upperBound, by: block).flatMap { start -> [Piece] in
                    entries.map { Piece(entry: $0.offset, range: $0.element.range.clamped(to: start..<start + block)) }
                        .filter { !$0.range.isEmpty }
                }
            }
        }
        let perWorker = workerPieces.map(\.count).max() ?? 0
        piecesPerWorker = perWorker
        pieces = workerPieces[communicator.rank]
        order = workerPieces.enumerated().flatMap { worker, pieces in
            pieces.enumerated().map { (piece: $1, number: worker * perWorker + $0) }
        }.sorted { $0.piece.range.lowerBound < $1.piece.range.lowerBound }
            .map { ($0.piece.entry, $0.number) }
    }

    /// The norms of the tensors. Every worker calls it and gets the same bits.
    /// - Parameters:
    ///   - parameters, direction: flat buffers in which this worker's slices are valid.
    /// - Returns: [tensor of the layout]: its norms; nil if they are not needed.
    func norms(parameters: Tensor, direction: Tensor) throws -> [TensorNorms?] {
        var norms = includedEntries.map { $0 ? TensorNorms(parameters: 0, direction: 0) : nil }
        guard piecesPerWorker > 0 else { return norms }
        var own: [Double] = []
        own.reserveCapacity(2 * piecesPerWorker)
        for piece in pieces {
            own.append(couplet_squared_norm(piece.range.count, parameters.pointer + piece.range.lowerBound))
            own.append(couplet_squared_norm(piece.range.count, direction.pointer + piece.range.lowerBound))
        }
        own += [Double](repeating: 0, count: 2 * piecesPerWorker - own.count)
        let squares = try communicator.allGather(numbers: own)
        var sums = [(parameters: Double, direction: Double)](repeating: (0, 0), count: norms.count)
        for (entry, number) in order {
            sums[entry].parameters += squares[2 * number]
            sums[entry].direction += squares[2 * number + 1]
        }
        for entry in norms.indices where includedEntries[entry] {
            norms[entry] = TensorNorms(
                parameters: sums[entry].parameters.squareRoot(), direction: sums[entry].direction.squareRoot())
        }
        return norms
    }
}
