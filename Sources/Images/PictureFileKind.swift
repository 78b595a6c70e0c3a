import CoupletFiles

/// The formats of picture files that can be read.
enum PictureFileKind: Equatable {
    case png, jpeg

    var library: String { self == .png ? "libpng" : "libjpeg" }

    private static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Recognises a file by its first bytes; its name does not matter.
    /// - Throws: `FileError(.badData)` if it is neither PNG nor JPEG.
    init(of file: [UInt8], name: String) throws {
        if file.starts(with: Self.pngSignature) {
            self = .png
        } else if file.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else {
            throw FileError(
                .badData, at: name, reason: "is \(Self.description(of: file)), neither PNG nor JPEG",
                remedy: "convert it to PNG")
        }
    }

    private static func description(of file: [UInt8]) -> String {
        func begins(_ text: String, at offset: Int = 0) -> Bool { file.dropFirst(offset).starts(with: text.utf8) }
        if file.isEmpty { return "an empty file" }
        if begins("GIF8") { return "a GIF file" }
        if begins("RIFF"), begins("WEBP", at: 8) { return "a WebP file" }
        if begins("BM") { return "a BMP file" }
        if begins("II*\0") || begins("MM\0*") { return "a TIFF file" }
        if begins("ftyp", at: 4) { return "an AVIF, HEIC or video file" }
        if begins("<svg") || begins("<?xml") { return "an SVG or XML file" }
        if begins("%PDF") { return "a PDF file" }
        if begins("version https://git-lfs") { return "a pointer of Git LFS" }
        let digits = Array("0123456789abcdef")
        let start = file.prefix(8).map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined(separator: " ")
        return "a file that begins with the bytes \(start)"
    }

    /// Whether a file name ends as those of pictures do.
    static func hasExtension(_ name: String) -> Bool {
        let lowercase = name.lowercased()
        return [".png", ".jpg", ".jpeg", ".jpe", ".jfif"].contains { lowercase.hasSuffix($0) }
    }
}

extension Picture {
    /// Whether a file name ends as those of PNG and JPEG files do.
    package static func hasExtension(_ name: String) -> Bool { PictureFileKind.hasExtension(name) }
}
