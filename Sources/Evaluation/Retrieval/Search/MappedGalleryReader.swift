import CoupletFiles

/// Rows of an index, as they lie in the file. Each block is compared with its checksum when it is first asked for.
final class MappedGalleryReader: GalleryReader {
    private let file: MappedFile
    private let header: (count: Int, dimension: Int, blockRows: Int, tableOffset: Int)
    private var isVerified: [Bool]

    init(_ file: MappedFile, count: Int, dimension: Int) {
        self.file = file
        let layout = IndexHeader(
            origin: .init(checkpoint: "", step: 0, modality: "", gallery: ""), isNormalized: false, count: count,
            dimension: dimension)
        header = (count, dimension, layout.blockRows, layout.tableOffset)
        isVerified = [Bool](repeating: false, count: layout.blocks)
    }

    func rows(_ range: Range<Int>) throws -> UnsafePointer<Float> {
        let rowBytes = header.dimension * MemoryLayout<Float>.stride
        for block in (range.lowerBound / header.blockRows)...((range.upperBound - 1) / header.blockRows)
        where !isVerified[block] {
            let rows = block * header.blockRows..<min((block + 1) * header.blockRows, header.count)
            let found = EncodingIndex.checksum(
                file.bytes.baseAddress! + EncodingIndex.headerBytes + rows.lowerBound * rowBytes,
                words: rows.count * header.dimension)
            guard found == file.bytes.loadUnaligned(fromByteOffset: header.tableOffset + 8 * block, as: UInt64.self)
            else {
                throw FileError(
                    .badData, place: file.path,
                    reason: "is damaged: the checksum of rows \(rows.lowerBound) to \(rows.upperBound - 1) is wrong",
                    remedy: IndexHeader.remedy)
            }
            isVerified[block] = true
        }
        let start = file.bytes.baseAddress! + EncodingIndex.headerBytes + range.lowerBound * rowBytes
        return start.assumingMemoryBound(to: Float.self)
    }
}
