/// How a picture must be turned to be upright: the tag Orientation (0x0112) of its EXIF data.
enum PictureOrientation: Int, CaseIterable {
    case upright = 1
    case mirrored, upsideDown, mirroredUpsideDown
    /// Rows and columns are exchanged.
    case transposed
    /// The picture lies on its left side; it is turned clockwise.
    case onLeftSide
    case transposedUpsideDown
    /// The picture lies on its right side; it is turned counterclockwise.
    case onRightSide

    var swapsSides: Bool { rawValue >= 5 }

    /// Row and column, in a picture as it is stored, of the pixel (y, x) of the upright one.
    func source(_ y: Int, _ x: Int, height: Int, width: Int) -> (row: Int, column: Int) {
        switch self {
        case .upright: (y, x)
        case .mirrored: (y, width - 1 - x)
        case .upsideDown: (height - 1 - y, width - 1 - x)
        case .mirroredUpsideDown: (height - 1 - y, x)
        case .transposed: (x, y)
        case .onLeftSide: (height - 1 - x, y)
        case .transposedUpsideDown: (height - 1 - x, width - 1 - y)
        case .onRightSide: (x, width - 1 - y)
        }
    }

    /// The orientation that a file states; upright if it states none or an invalid one.
    init(of file: [UInt8], _ kind: PictureFileKind) {
        let exif = kind == .jpeg ? Self.exif(ofJPEG: file) : Self.exif(ofPNG: file)
        self = exif.flatMap(Self.orientation).flatMap(Self.init(rawValue:)) ?? .upright
    }

    /// The content of the segment APP1 with EXIF data, before the first scan (ITU-T T.81, annex B).
    private static func exif(ofJPEG file: [UInt8]) -> ArraySlice<UInt8>? {
        let identifier = Array("Exif\0\0".utf8)
        var offset = 2
        while offset + 4 <= file.count, file[offset] == 0xFF {
            let marker = file[offset + 1]
            if marker == 0xFF {
                offset += 1
                continue
            }
            if marker == 0xD9 || marker == 0xDA { return nil }
            if marker == 0x01 || (0xD0...0xD7).contains(marker) {
                offset += 2
                continue
            }
            let end = offset + 2 + (Int(file[offset + 2]) << 8 | Int(file[offset + 3]))
            guard end >= offset + 4, end <= file.count else { return nil }
            let content = file[(offset + 4)..<end]
            if marker == 0xE1, content.starts(with: identifier) { return content.dropFirst(identifier.count) }
            offset = end
        }
        return nil
    }

    /// The content of the chunk eXIf.
    private static func exif(ofPNG file: [UInt8]) -> ArraySlice<UInt8>? {
        var offset = 8
        while offset + 12 <= file.count {
            let length = file[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= file.count - offset - 12 else { return nil }
            if file[(offset + 4)..<(offset + 8)].elementsEqual("eXIf".utf8) {
                return file[(offset + 8)..<(offset + 8 + length)]
            }
            offset += 12 + length
        }
        return nil
    }

    /// The tag Orientation of the first directory of EXIF data, which are a TIFF file (TIFF 6.0, section 2).
    private static func orientation(_ exif: ArraySlice<UInt8>) -> Int? {
        let isLittleEndian = exif.starts(with: "II".utf8)
        guard isLittleEndian || exif.starts(with: "MM".utf8) else { return nil }
        func number(at offset: Int, bytes: Int) -> Int? {
            guard offset >= 0, offset + bytes <= exif.count else { return nil }
            let slice = exif.dropFirst(offset).prefix(bytes)
            return (isLittleEndian ? Array(slice.reversed()) : Array(slice)).reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(at: 2, bytes: 2) == 42, let directory = number(at: 4, bytes: 4),
            let count = number(at: directory, bytes: 2)
        else { return nil }
        for entry in 0..<count {
            let offset = directory + 2 + 12 * entry
            guard let tag = number(at: offset, bytes: 2) else { return nil }
            // 3 is the type of 16-bit integers.
            if tag == 0x0112, number(at: offset + 2, bytes: 2) == 3 { return number(at: offset + 8, bytes: 2) }
        }
        return nil
    }
}
