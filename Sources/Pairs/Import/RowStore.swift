import CoupletFiles
import CoupletStorage

/// Rows of one length that wait, in memory or in a scratch file, until their number is known.
final class RowStore {
    let rowBytes: Int
    /// The digest of each row.
    private(set) var digests: [RowDigest] = []
    private let file: ScratchFile
    /// The number of each row, by its content; nil if equal rows are stored again.
    private var numbers: [RowDigest: Int]?

    var count: Int { digests.count }

    /// - Parameters:
    ///   - folder: where the scratch file lies if there is one.
    ///   - isDistinct: whether equal rows are stored once.
    init(in folder: String, rowBytes: Int, isDistinct: Bool) {
        self.rowBytes = rowBytes
        file = ScratchFile(in: folder)
        numbers = isDistinct ? [:] : nil
    }

    /// Stores a row, unless it is stored already.
    /// - Parameter digest: that of the row; nil: it is computed here.
    /// - Returns: the number of the row.
    /// - Throws: `FileError(.inputOutput)`.
    func append(_ row: UnsafeRawBufferPointer, digest: RowDigest? = nil) throws -> Int {
        precondition(row.count == rowBytes, "a row of \(row.count) bytes; wanted \(rowBytes)")
        let digest = digest ?? RowDigest(row)
        if numbers != nil {
            if let number = numbers![digest] { return number }
            numbers![digest] = count
        }
        try file.append(row)
        digests.append(digest)
        return count - 1
    }

    /// Passes rows to `take`, neighbours together up to 16 MiB: the number of the first of them among all that are
    /// passed, and their bytes.
    /// - Parameter wanted: the rows, ascending; nil: all.
    func read(_ wanted: [Int]?, _ take: (Int, UnsafeRawBufferPointer) throws -> Void) throws {
        let total = wanted?.count ?? count, blockRows = max(1, (16 << 20) / max(rowBytes, 1))
        var position = 0
        while position < total {
            let first = wanted?[position] ?? position
            var next = position + 1
            while next < total, next - position < blockRows, (wanted?[next] ?? next) == first + next - position {
                next += 1
            }
            try file.withBytes(first * rowBytes..<(first + next - position) * rowBytes) { try take(position, $0) }
            position = next
        }
    }
}

/// The first 128 bits of the SHA-256 of a row: equal for equal rows, and for no others in practice.
struct RowDigest: Hashable, Sendable {
    private let high: UInt64, low: UInt64

    init(_ row: UnsafeRawBufferPointer) { (high, low) = Digest.prefix(row) }

    /// Adds the digest to that of a set.
    func add(to digest: inout Digest) {
        digest.update(high)
        digest.update(low)
    }
}
