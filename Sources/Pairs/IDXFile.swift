import CoupletFiles
import Glibc

/// A file of unsigned bytes in the IDX format of the MNIST data (LeCun, Cortes, Burges): two zero bytes, the type (8: unsigned
/// byte), the number of extents, each extent as a big-endian 32-bit number, then the bytes, row-major. Compressed by gzip or
/// plain, whatever its name.
struct IDXFile {
    let path: String
    /// Outermost first.
    let extents: [Int]
    private let file: DecompressedFile
    private var headerCount: Int { 4 + 4 * extents.count }

    /// Finds a file by its name, with or without ".gz", and checks its header against its length.
    /// - Parameters:
    ///   - name: such as "train-images-idx3-ubyte".
    ///   - rank: how many extents it must have.
    /// - Throws: `DataError`, naming the file, what was found and what was expected.
    init(folder: String, name: String, rank: Int) throws {
        let base = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
        guard let path = [base, base + ".gz"].first(where: { (file: String) in access(file, F_OK) == 0 }) else {
            let reason = access(folder, F_OK) == 0 ? "holds neither \(name) nor \(name).gz" : "there is no such folder"
            throw DataError(
                place: folder, reason: reason, remedy: "data.path names the folder with the four IDX files of MNIST")
        }
        self.path = path
        file = try DataError.mapping { try DecompressedFile(reading: path) }
        let file = file
        let header = try DataError.mapping { try file.prefix(4 + 4 * rank) }
        let expected: [UInt8] = [0, 0, 8, UInt8(rank)]
        guard header.count >= 4 else {
            throw DataError(
                place: path, reason: "has \(header.count) bytes, too few for a header", remedy: "fetch the file again")
        }
        guard Array(header[..<4]) == expected else {
            throw DataError(
                place: path,
                reason:
                    "begins with \(Self.hexadecimal(header[..<4])), where \(name) begins with \(Self.hexadecimal(expected[...]))",
                remedy:
                    "it is another kind of file: unsigned bytes with \(rank) \(rank == 1 ? "extent" : "extents") in the IDX format are needed"
            )
        }
        guard header.count == 4 + 4 * rank else {
            throw DataError(
                place: path, reason: "ends inside its header, after \(header.count) bytes",
                remedy: "fetch the file again")
        }
        extents = (1...rank).map { extent in header[(4 * extent)..<(4 * extent + 4)].reduce(0) { $0 << 8 | Int($1) } }
        // Where the length that the file claims is not the header's, reading it says in which way it is wrong (or that it is
        // fine: the last of several joined gzip members knows of itself only).
        if try UInt32(truncatingIfNeeded: byteCount()) != file.claimedCount { _ = try bytes() }
    }

    private func byteCount() throws -> Int {
        var count = 1
        for extent in extents {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            if overflow {
                throw DataError(
                    place: path, reason: "its header announces the extents \(extents)",
                    remedy: "fetch the file again")
            }
            count = product
        }
        return count + headerCount
    }

    /// The bytes after the header.
    /// - Throws: `DataError` where they are not as many as the header says, or the compressed data are damaged.
    func bytes() throws -> ArraySlice<UInt8> {
        try DataError.mapping { try file.content(expected: byteCount())[headerCount...] }
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
        "0x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
