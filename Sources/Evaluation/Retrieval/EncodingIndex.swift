import CCoupletKernels
import CoupletCommunication
import CoupletFiles
import Foundation

/// A gallery's encodings in a file, written once and then searched through a memory map.
///
/// The file is little-endian: a header of 4,096 bytes; N × d Float32, row-major, prepared (rows of length 1 for the
/// cosine); padding to 8 bytes; one checksum of 64 bits for each block of `Gallery.blockRows(dimension: d)` rows.
/// Offsets in the header:
///
///     0 "cpltindx"   8 version, 12 whether rows have length 1 (32 bits each)
///     16 N, 24 d, 32 rows a block, 40 step (64 bits each)
///     48 checkpoint, 112 modality, 176 gallery (64 bytes of text each, padded with zeros)
///     240 checksum of the table of checksums, 248 checksum of bytes 0 to 247 (64 bits each)
///     256 the gallery's file and dataset as "FILE:DATASET" (3,072 bytes of text), 3,328 bytes, seconds and nanoseconds
///     of the modification of that file (64 bits each), 3,352 checksum of bytes 256 to 3,351
///
/// A search checks a block's checksum when it first reads the block. The block is in the cache then, so the check costs
/// little.
public final class EncodingIndex: Sendable {
    /// The origin of the encodings in an index.
    public struct Origin: Equatable, Sendable {
        /// Digest of the checkpoint whose encoder made them; empty if the user gave encodings.
        public let checkpoint: String
        /// Step of that checkpoint.
        public let step: Int
        /// "first" or "second"; "encodings" if the user gave encodings.
        public let modality: String
        /// Digest of the gallery's shape and rows; at most 64 characters.
        public let gallery: String
        /// Where the gallery is; nil if unknown.
        public let place: Place?

        public init(checkpoint: String, step: Int, modality: String, gallery: String, place: Place? = nil) {
            self.place = place
            self.checkpoint = checkpoint
            self.step = step
            self.modality = modality
            self.gallery = gallery
        }
    }

    /// The dataset of a gallery, with the size and the time of modification of its file.
    public struct Place: Equatable, Sendable {
        /// Absolute path.
        public let file: String
        public let dataset: String
        let bytes: Int, seconds: Int, nanoseconds: Int

        /// - Throws: `FileError(.inputOutput)` if the file does not exist.
        public init(_ path: String, dataset: String) throws {
            let (absolute, bytes, seconds, nanoseconds) = try FileIdentity.modification(of: path)
            self.init(file: absolute, dataset: dataset, bytes: bytes, seconds: seconds, nanoseconds: nanoseconds)
        }

        init(file: String, dataset: String, bytes: Int, seconds: Int, nanoseconds: Int) {
            self.file = file
            self.dataset = dataset
            self.bytes = bytes
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }
    }

    public let path: String
    private let header: IndexHeader
    private let file: MappedFile

    public var origin: Origin { header.origin }
    /// Whether all rows have length 1.
    public var isNormalized: Bool { header.isNormalized }
    /// Number of rows.
    public var count: Int { header.count }
    public var dimension: Int { header.dimension }

    /// Opens an index and checks its header and its length. Searches check the encodings.
    /// - Throws: `FileError`: `.inputOutput` if it cannot be opened, `.badData` if it is not an index, truncated or
    ///   damaged.
    public init(_ path: String) throws {
        self.path = path
        file = try MappedFile(path)
        header = try IndexHeader(file)
    }

    /// Checks that this is the index of these encodings.
    /// - Parameter gallery: nil if the gallery is not available.
    /// - Throws: `FileError(.badData)` that says what differs and how to make the index again.
    public func require(
        checkpoint: String, step: Int, modality: String, isNormalized: Bool, dimension: Int, gallery: String?
    ) throws {
        func error(_ reason: String) -> FileError {
            FileError(.badData, at: path, reason: reason, remedy: IndexHeader.remedy)
        }
        func contents(_ modality: String) -> String {
            modality == "encodings" ? "precomputed encodings" : "encodings of the \(modality) modality"
        }
        if origin.modality != modality {
            throw error("is an index of \(contents(origin.modality)), and \(contents(modality)) are searched")
        }
        if origin.checkpoint != checkpoint {
            throw error(
                "was made by another checkpoint, of step \(origin.step) with digest "
                    + "\(origin.checkpoint.prefix(12))…; the run's is of step \(step) with digest "
                    + "\(checkpoint.prefix(12))…")
        }
        if self.isNormalized != isNormalized || self.dimension != dimension {
            throw error(
                "has rows of \(self.dimension) numbers\(self.isNormalized ? " and length 1" : ""), where the run's "
                    + "similarity wants \(dimension) numbers"
                    + (isNormalized ? " and length 1" : " as the encoder gives them"))
        }
        if let gallery, origin.gallery != gallery {
            throw error("was made of another gallery, or the gallery has changed since")
        }
    }

    /// The encodings, as a gallery to search.
    public var gallery: Gallery {
        Gallery(count: count, dimension: dimension) { [self] in MappedGalleryReader(file, header) }
    }

    /// Writes an index. Every worker calls it and encodes its parts. The file gets its name when it is complete.
    /// - Throws: `FileError(.inputOutput)` if the file cannot be written; errors of the gallery's reader;
    ///   `CollectiveError` if a worker has failed.
    public static func write(
        _ path: String, of gallery: Gallery, isNormalized: Bool, origin: Origin, communicator: any Communicator
    ) throws {
        let header = IndexHeader(
            origin: origin, isNormalized: isNormalized, count: gallery.count, dimension: gallery.dimension)
        let isLeader = communicator.rank == 0
        let created = isLeader ? try ParallelFileWriter(creating: path, bytes: header.fileBytes) : nil
        do {
            let temporaryName = try communicator.broadcast(Array((created?.temporaryPath ?? "").utf8), from: 0)
            let file =
                try created
                ?? ParallelFileWriter(joining: String(decoding: temporaryName, as: UTF8.self), of: path)
            let checksums = try writeParts(of: gallery, header, to: file, communicator)
            try file.synchronize()
            let gathered = try communicator.allGather(bytes: checksums.withUnsafeBytes { Array($0) })
            if isLeader {
                let table = Array(gathered.joined())
                try table.withUnsafeBytes { try file.write($0, at: header.tableOffset) }
                try header.bytes(table: table).withUnsafeBytes { try file.write($0, at: 0) }
                try file.synchronize()
                try file.commit()
            }
            try communicator.barrier()
        } catch {
            created?.discard()
            throw error
        }
    }

    /// Writes the rows of this worker's parts.
    /// - Returns: the checksums of their blocks.
    private static func writeParts(
        of gallery: Gallery, _ header: IndexHeader, to file: ParallelFileWriter, _ communicator: any Communicator
    ) throws -> [UInt64] {
        let reader = try gallery.makeReader(), dimension = gallery.dimension
        var checksums: [UInt64] = []
        for part in Gallery.parts(ofWorker: communicator.rank, of: communicator.size) {
            let rows = gallery.rows(ofPart: part)
            for start in stride(from: rows.lowerBound, to: rows.upperBound, by: header.blockRows) {
                let block = start..<min(start + header.blockRows, rows.upperBound)
                let pointer = try reader.rows(block)
                checksums.append(checksum(UnsafeRawPointer(pointer), words: block.count * dimension))
                try file.write(
                    UnsafeRawBufferPointer(start: pointer, count: block.count * header.rowBytes),
                    at: IndexHeader.size + start * header.rowBytes)
            }
        }
        return checksums
    }

    fileprivate static func checksum(_ start: UnsafeRawPointer, words: Int) -> UInt64 {
        couplet_search_checksum(words, start.assumingMemoryBound(to: UInt32.self))
    }
}

/// The header of an `EncodingIndex`, which determines the layout of the file.
private struct IndexHeader {
    static let remedy = "delete it, and it is made again from --gallery"
    /// Bytes of the header.
    static let size = 4_096
    private static let version = 2
    private static let magic = "cpltindx"
    private static let textBytes = 64, checkedBytes = 248
    private static let placeStart = 256, placeText = 3_072, placeNumbers = 3_328, placeChecksum = 3_352

    let origin: EncodingIndex.Origin
    let isNormalized: Bool
    let count: Int, dimension: Int

    init(origin: EncodingIndex.Origin, isNormalized: Bool, count: Int, dimension: Int) {
        self.origin = origin
        self.isNormalized = isNormalized
        self.count = count
        self.dimension = dimension
    }

    var rowBytes: Int { dimension * MemoryLayout<Float>.stride }
    var blockRows: Int { Gallery.blockRows(dimension: dimension) }
    var blocks: Int { (count + blockRows - 1) / blockRows }
    /// Offset of the table of checksums, a multiple of 8.
    var tableOffset: Int { (Self.size + count * rowBytes + 7) / 8 * 8 }
    var fileBytes: Int { tableOffset + blocks * MemoryLayout<UInt64>.stride }

    /// Reads and checks the header, the length and the table of checksums of a file.
    /// - Throws: `FileError(.badData)` if one of them is wrong.
    init(_ file: MappedFile) throws {
        let bytes = file.bytes
        func error(_ reason: String, remedy: String = IndexHeader.remedy) -> FileError {
            FileError(.badData, at: file.path, reason: reason, remedy: remedy)
        }
        func number(_ offset: Int) -> Int {
            Int(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        func text(_ offset: Int, _ count: Int = IndexHeader.textBytes) -> String {
            String(decoding: bytes[offset..<(offset + count)].prefix { $0 != 0 }, as: UTF8.self)
        }
        guard bytes.prefix(Self.magic.utf8.count).elementsEqual(Self.magic.utf8) else {
            throw error(
                "is not an index of encodings", remedy: "name another file, or delete it to have an index made there")
        }
        guard bytes.count >= Self.size else { throw error("is cut off in its header") }
        let version = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        guard version == Self.version else {
            throw error("is an index of version \(version); this program reads version \(Self.version)")
        }
        let checksum = EncodingIndex.checksum(bytes.baseAddress!, words: Self.checkedBytes / 4)
        guard checksum == bytes.loadUnaligned(fromByteOffset: Self.checkedBytes, as: UInt64.self) else {
            throw error("is damaged: the checksum of its header is wrong")
        }
        let placeSum = EncodingIndex.checksum(
            bytes.baseAddress! + Self.placeStart, words: (Self.placeChecksum - Self.placeStart) / 4)
        guard placeSum == bytes.loadUnaligned(fromByteOffset: Self.placeChecksum, as: UInt64.self) else {
            throw error("is damaged: the checksum of its header is wrong")
        }
        let reference = text(Self.placeStart, Self.placeText), colon = reference.range(of: ":/", options: .backwards)
        let place = colon.map { colon in
            EncodingIndex.Place(
                file: String(reference[..<colon.lowerBound]),
                dataset: String(reference[reference.index(after: colon.lowerBound)...]),
                bytes: number(Self.placeNumbers), seconds: number(Self.placeNumbers + 8),
                nanoseconds: number(Self.placeNumbers + 16))
        }
        self.init(
            origin: EncodingIndex.Origin(
                checkpoint: text(48), step: number(40), modality: text(112), gallery: text(176), place: place),
            isNormalized: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self) == 1, count: number(16),
            dimension: number(24))
        // The checksum of the header may be right and its sizes absurd: products of them must not overflow.
        guard dimension > 0, count >= 0, dimension <= bytes.count / MemoryLayout<Float>.stride,
            count <= bytes.count / rowBytes
        else {
            throw error("declares \(count) × \(dimension) numbers, which do not fit into its \(bytes.count) bytes")
        }
        guard bytes.count == fileBytes else {
            throw error("has \(bytes.count) bytes instead of \(fileBytes): it was cut off or added to")
        }
        let table = EncodingIndex.checksum(bytes.baseAddress! + tableOffset, words: 2 * blocks)
        guard table == bytes.loadUnaligned(fromByteOffset: 240, as: UInt64.self), number(32) == blockRows else {
            throw error("is damaged: the checksum of its table is wrong")
        }
    }

    /// Returns the header's bytes.
    /// - Parameter table: the table of checksums.
    func bytes(table: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.size)
        func put<Value>(_ value: Value, at offset: Int) {
            withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<(offset + $0.count), with: $0) }
        }
        func put(text: String, at offset: Int) {
            for (index, byte) in text.utf8.prefix(Self.textBytes).enumerated() { bytes[offset + index] = byte }
        }
        put(text: Self.magic, at: 0)
        put(UInt32(Self.version), at: 8)
        put(UInt32(isNormalized ? 1 : 0), at: 12)
        for (index, number) in [count, dimension, blockRows, origin.step].enumerated() {
            put(UInt64(number), at: 16 + 8 * index)
        }
        put(text: origin.checkpoint, at: 48)
        put(text: origin.modality, at: 112)
        put(text: origin.gallery, at: 176)
        // A path that is longer than the field is not remembered.
        if let place = origin.place, "\(place.file):\(place.dataset)".utf8.count < Self.placeText {
            for (index, byte) in "\(place.file):\(place.dataset)".utf8.enumerated() {
                bytes[Self.placeStart + index] = byte
            }
            for (index, number) in [place.bytes, place.seconds, place.nanoseconds].enumerated() {
                put(UInt64(bitPattern: Int64(number)), at: Self.placeNumbers + 8 * index)
            }
        }
        put(
            bytes.withUnsafeBytes {
                EncodingIndex.checksum(
                    $0.baseAddress! + Self.placeStart, words: (Self.placeChecksum - Self.placeStart) / 4)
            }, at: Self.placeChecksum)
        put(table.withUnsafeBytes { EncodingIndex.checksum($0.baseAddress!, words: table.count / 4) }, at: 240)
        put(
            bytes.withUnsafeBytes { EncodingIndex.checksum($0.baseAddress!, words: Self.checkedBytes / 4) },
            at: Self.checkedBytes)
        return bytes
    }
}

/// Reads rows of an index from its memory map, and checks each block's checksum on first use.
private final class MappedGalleryReader: GalleryReader {
    private let file: MappedFile
    private let header: IndexHeader
    private var isVerified: [Bool]

    init(_ file: MappedFile, _ header: IndexHeader) {
        self.file = file
        self.header = header
        isVerified = [Bool](repeating: false, count: header.blocks)
    }

    func rows(_ range: Range<Int>) throws -> UnsafePointer<Float> {
        let blockRows = header.blockRows
        for block in (range.lowerBound / blockRows)...((range.upperBound - 1) / blockRows) where !isVerified[block] {
            try verify(block)
            isVerified[block] = true
        }
        return address(ofRow: range.lowerBound).assumingMemoryBound(to: Float.self)
    }

    private func verify(_ block: Int) throws {
        let rows = block * header.blockRows..<min((block + 1) * header.blockRows, header.count)
        let found = EncodingIndex.checksum(address(ofRow: rows.lowerBound), words: rows.count * header.dimension)
        let offset = header.tableOffset + MemoryLayout<UInt64>.stride * block
        guard found == file.bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) else {
            throw FileError(
                .badData, at: file.path,
                reason: "is damaged: the checksum of rows \(rows.lowerBound) to \(rows.upperBound - 1) is wrong",
                remedy: IndexHeader.remedy)
        }
    }

    private func address(ofRow row: Int) -> UnsafeRawPointer {
        file.bytes.baseAddress! + IndexHeader.size + row * header.rowBytes
    }
}
