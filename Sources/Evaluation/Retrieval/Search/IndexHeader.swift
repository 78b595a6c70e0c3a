import CoupletFiles

/// The header of an `EncodingIndex`, in memory and in bytes.
struct IndexHeader {
    static let remedy = "delete it, and it is made again from --gallery"
    private static let magic = "cpltindx"
    private static let textBytes = 64, checkedBytes = 248

    let origin: EncodingIndex.Origin
    let isNormalized: Bool
    let count: Int, dimension: Int

    init(origin: EncodingIndex.Origin, isNormalized: Bool, count: Int, dimension: Int) {
        self.origin = origin
        self.isNormalized = isNormalized
        self.count = count
        self.dimension = dimension
    }

    var blockRows: Int { Gallery.blockRows(dimension: dimension) }
    var blocks: Int { (count + blockRows - 1) / blockRows }
    /// Where the table of checksums begins, at a multiple of 8.
    var tableOffset: Int { (EncodingIndex.headerBytes + count * dimension * MemoryLayout<Float>.stride + 7) / 8 * 8 }
    var fileBytes: Int { tableOffset + blocks * MemoryLayout<UInt64>.stride }

    /// Reads and checks a file's.
    /// - Throws: `FileError(.badData)`.
    init(_ file: MappedFile) throws {
        let bytes = file.bytes
        func refuse(_ reason: String, remedy: String = IndexHeader.remedy) -> FileError {
            FileError(.badData, place: file.path, reason: reason, remedy: remedy)
        }
        func number(_ offset: Int) -> Int {
            Int(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        func text(_ offset: Int) -> String {
            String(decoding: bytes[offset..<(offset + Self.textBytes)].prefix { $0 != 0 }, as: UTF8.self)
        }
        guard bytes.prefix(Self.magic.utf8.count).elementsEqual(Self.magic.utf8) else {
            throw refuse(
                "is not an index of encodings", remedy: "name another file, or delete it to have an index made there")
        }
        guard bytes.count >= EncodingIndex.headerBytes else { throw refuse("is cut off in its header") }
        let version = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        guard version == EncodingIndex.version else {
            throw refuse("is an index of version \(version); this program reads version \(EncodingIndex.version)")
        }
        let checked = EncodingIndex.checksum(bytes.baseAddress!, words: Self.checkedBytes / 4)
        guard checked == bytes.loadUnaligned(fromByteOffset: Self.checkedBytes, as: UInt64.self) else {
            throw refuse("is damaged: the checksum of its header is wrong")
        }
        self.init(
            origin: EncodingIndex.Origin(
                checkpoint: text(48), step: number(40), modality: text(112), gallery: text(176)),
            isNormalized: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self) == 1, count: number(16),
            dimension: number(24))
        guard bytes.count == fileBytes else {
            throw refuse("has \(bytes.count) bytes where \(fileBytes) belong: it was cut off or added to")
        }
        let table = EncodingIndex.checksum(bytes.baseAddress! + tableOffset, words: 2 * blocks)
        guard table == bytes.loadUnaligned(fromByteOffset: 240, as: UInt64.self), number(32) == blockRows else {
            throw refuse("is damaged: the checksum of its table is wrong")
        }
    }

    func bytes(table: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: EncodingIndex.headerBytes)
        func put<Value>(_ value: Value, at offset: Int) {
            withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<(offset + $0.count), with: $0) }
        }
        func put(text: String, at offset: Int) {
            for (place, byte) in text.utf8.prefix(Self.textBytes).enumerated() { bytes[offset + place] = byte }
        }
        put(text: Self.magic, at: 0)
        put(UInt32(EncodingIndex.version), at: 8)
        put(UInt32(isNormalized ? 1 : 0), at: 12)
        for (place, number) in [count, dimension, blockRows, origin.step].enumerated() {
            put(UInt64(number), at: 16 + 8 * place)
        }
        put(text: origin.checkpoint, at: 48)
        put(text: origin.modality, at: 112)
        put(text: origin.gallery, at: 176)
        put(table.withUnsafeBytes { EncodingIndex.checksum($0.baseAddress!, words: table.count / 4) }, at: 240)
        put(
            bytes.withUnsafeBytes { EncodingIndex.checksum($0.baseAddress!, words: Self.checkedBytes / 4) },
            at: Self.checkedBytes)
        return bytes
    }
}
