import CoupletTensors

/// Pieces of memory for what arrives, kept by a worker for the next time.
final class BufferPool {
    /// Numbers in a piece, 1 MiB: long enough to carry at full speed, short enough to stay in the cache until it is added.
    static let pieceCount = 256 << 10

    private var free: [Tensor] = []

    func take() -> Tensor { free.popLast() ?? Tensor([Self.pieceCount]) }

    func put(_ piece: Tensor) { free.append(piece) }
}
