import CCoupletKernels
import CoupletCommunication
import CoupletFiles

/// A gallery's encodings in a file of their own, written once and then searched as they lie on the disk (mapped, not read).
///
/// The file, little-endian: a header of 4,096 bytes; N × d Float32, row-major, prepared (unit rows for the cosine); filling up to 8 bytes; one
/// checksum of 64 bits a block of `Gallery.blockRows(dimension: d)` rows. Offsets in the header:
///
///     0 "cpltindx"   8 version, 12 whether rows have length 1 (32 bits each)   16 N, 24 d, 32 rows a block, 40 step (64 bits each)
///     48 checkpoint, 112 modality, 176 gallery (64 bytes of text each, filled up with zeros)
///     240 checksum of the table of checksums, 248 checksum of bytes 0 to 247 (64 bits each)
///
/// A block's checksum is compared when a search first comes to it: it is in the cache then, so that costs nothing to speak of.
public final class EncodingIndex: Sendable {
    /// Of what encodings are.
    public struct Origin: Equatable, Sendable {
        /// The digest of the checkpoint whose encoder made them; empty where they came as encodings.
        public let checkpoint: String
        /// The step of that checkpoint.
        public let step: Int
        /// "first", "second" or, where they came as encodings, "encodings".
        public let modality: String
        /// A digest of the gallery: its shape and some of its rows; at most 64 characters.
        public let gallery: String

        public init(checkpoint: String, step: Int, modality: String, gallery: String) {
            self.checkpoint = checkpoint
            self.step = step
            self.modality = modality
            self.gallery = gallery
        }
    }

    static let version = 1
    static let headerBytes = 4_096

    public let path: String
    public let origin: Origin
    /// Whether all rows have length 1.
    public let isNormalized: Bool
    public let count: Int
    public let dimension: Int
    private let file: MappedFile

    /// Opens an index. Its header and its length are checked now, its encodings when they are searched.
    /// - Throws: `FileError`: `.inputOutput` where it cannot be opened, `.badData` where it is no index, cut off or damaged.
    public init(_ path: String) throws {
        self.path = path
        file = try MappedFile(path)
        let header = try IndexHeader(file)
        (origin, isNormalized, count, dimension) = (header.origin, header.isNormalized, header.count, header.dimension)
    }

    /// Checks that it is the index of these encodings.
    /// - Parameter gallery: nil where the gallery is not at hand.
    /// - Throws: `FileError(.badData)` that says what is different and how to make the index again.
    public func require(
        checkpoint: String, step: Int, modality: String, isNormalized: Bool, dimension: Int, gallery: String?
    ) throws {
        func refuse(_ reason: String) -> FileError {
            FileError(.badData, place: path, reason: reason, remedy: IndexHeader.remedy)
        }
        if origin.modality != modality {
            throw refuse("is an index of \(Self.what(origin.modality)), and \(Self.what(modality)) are searched")
        }
        if origin.checkpoint != checkpoint {
            throw refuse(
                "was made by another checkpoint, of step \(origin.step) with digest \(origin.checkpoint.prefix(12))…; the run's is of step \(step) "
                    + "with digest \(checkpoint.prefix(12))…")
        }
        if self.isNormalized != isNormalized || self.dimension != dimension {
            throw refuse(
                "has rows of \(self.dimension) numbers\(self.isNormalized ? " and length 1" : ""), where the run's similarity wants "
                    + "\(dimension) numbers\(isNormalized ? " and length 1" : " as the encoder gives them")")
        }
        if let gallery, origin.gallery != gallery {
            throw refuse("was made of another gallery, or the gallery has changed since")
        }
    }

    private static func what(_ modality: String) -> String {
        modality == "encodings" ? "ready encodings" : "encodings of the \(modality) modality"
    }

    /// Its encodings, to be searched.
    public var gallery: Gallery {
        Gallery(count: count, dimension: dimension) { [self] in
            MappedGalleryReader(file, count: count, dimension: dimension)
        }
    }

    /// Writes an index; every worker calls it and encodes its parts. The file is there when it is whole.
    /// - Throws: `FileError(.inputOutput)`; whatever the gallery's reading throws; `CollectiveError` where a worker has failed.
    public static func write(
        _ path: String, of gallery: Gallery, isNormalized: Bool, origin: Origin, communicator: any Communicator
    ) throws {
        let header = IndexHeader(
            origin: origin, isNormalized: isNormalized, count: gallery.count, dimension: gallery.dimension)
        let isLeader = communicator.rank == 0
        let made = isLeader ? try ParallelFileWriter(creating: path, bytes: header.fileBytes) : nil
        do {
            let name = String(
                decoding: try communicator.broadcast(Array((made?.temporary ?? "").utf8), from: 0), as: UTF8.self)
            let file = try made ?? ParallelFileWriter(joining: name, of: path)
            let own = try writeParts(of: gallery, header, to: file, communicator)
            try file.synchronize()
            let everyones = try communicator.allGather(bytes: own.withUnsafeBytes { Array($0) })
            if isLeader {
                let table = Array(everyones.joined())
                try table.withUnsafeBytes { try file.write($0, at: header.tableOffset) }
                try header.bytes(table: table).withUnsafeBytes { try file.write($0, at: 0) }
                try file.synchronize()
                try file.commit()
            }
            try communicator.barrier()
        } catch {
            made?.discard()
            throw error
        }
    }

    /// - Returns: the checksums of this worker's blocks.
    private static func writeParts(
        of gallery: Gallery, _ header: IndexHeader, to file: ParallelFileWriter, _ communicator: any Communicator
    ) throws -> [UInt64] {
        let reader = try gallery.makeReader(), dimension = gallery.dimension, step = header.blockRows
        var checksums: [UInt64] = []
        for part in Gallery.parts(ofWorker: communicator.rank, of: communicator.size) {
            let rows = gallery.rows(ofPart: part)
            for start in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
                let block = start..<min(start + step, rows.upperBound)
                let pointer = try reader.rows(block)
                checksums.append(Self.checksum(UnsafeRawPointer(pointer), words: block.count * dimension))
                try file.write(
                    UnsafeRawBufferPointer(start: pointer, count: block.count * dimension * MemoryLayout<Float>.stride),
                    at: headerBytes + start * dimension * MemoryLayout<Float>.stride)
            }
        }
        return checksums
    }

    static func checksum(_ start: UnsafeRawPointer, words: Int) -> UInt64 {
        couplet_search_checksum(words, start.assumingMemoryBound(to: UInt32.self))
    }
}
