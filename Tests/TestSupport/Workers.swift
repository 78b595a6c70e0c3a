import CoupletCommunication
import CoupletTensors

/// Runs `body` on worker threads of this process, as a program without a launcher does.
/// - Returns: the result of worker 0.
public func runWorkers<Result>(
    _ workers: Int, _ body: @Sendable (any Communicator) throws -> Result
) throws -> Result {
    try WorkerGroup.launch().run(threads: workers, body)
}

/// The error that `body` throws, if it is an `Expected`; nil if it throws another or none.
public func thrownError<Expected: Error>(_ type: Expected.Type, by body: () throws -> Void) -> Expected? {
    do {
        try body()
        return nil
    } catch {
        return error as? Expected
    }
}

extension Tensor {
    /// Whether all numbers have the same bits.
    ///
    /// An expectation over the arrays themselves would compute and print their difference.
    public func hasSameBits(as other: Tensor) -> Bool {
        values.elementsEqual(other.values) { $0.bitPattern == $1.bitPattern }
    }
}

extension Matrix {
    /// Standard normal elements, row by row: Philox(seed).normals(rows · columns, stream, number).
    public static func normal(
        rows: Int, columns: Int, seed: UInt64, stream: RandomStream = .source, number: UInt64 = 0
    ) -> Matrix {
        Matrix(
            rows: rows, columns: columns,
            elements: Philox(seed: seed).normals(rows * columns, stream, number: number).map(Double.init))
    }
}
