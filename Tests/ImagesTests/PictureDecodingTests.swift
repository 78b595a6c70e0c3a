import CoupletFiles
import CoupletImages
import TestSupport
import Testing

@Suite struct PictureDecodingTests {
    /// JPEG (4:2:0, 4:4:4, progressive, grey, CMYK, YCCK, with all EXIF orientations), PNG (grey, RGB, palettes, 1, 2
    /// and 16 bits, transparency, interlaced), and pictures of one pixel.
    @Test(arguments: PillowFixture.stored.pictures)
    func pixelsAreThoseOfPillow(entry: PillowFixture.Entry) throws {
        let picture = try Picture(decoding: PillowFixture.file(entry.name), name: entry.name)
        #expect([picture.channels, picture.height, picture.width] == entry.shape)
        #expect(picture.pixels == entry.picture.pixels)
    }

    @Test func aFileIsReadFromDisk() throws {
        let folder = TemporaryFolder()
        // The content says what the file is, not its name.
        let path = try folder.write("picture.txt", PillowFixture.file("rgb.jpg"))
        #expect(try Picture(reading: path) == Picture(decoding: PillowFixture.file("rgb.jpg"), name: ""))
        let missing = folder.file("missing.png")
        let error = #expect(throws: FileError.self) { try Picture(reading: missing) }
        #expect(error?.kind == .inputOutput && error?.location == missing)
    }

    /// Every file that lacks its end is refused, wherever it was cut.
    @Test(arguments: ["rgb.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "rgb.png", "palette.png", "interlaced.png"])
    func aFileThatIsCutShortIsRefused(name: String) throws {
        let file = PillowFixture.file(name)
        for count in Array(stride(from: 0, to: file.count, by: 13)) + [file.count - 1] {
            let error = #expect(throws: FileError.self, "\(count) of \(file.count) bytes") {
                try Picture(decoding: Array(file.prefix(count)), name: "photos/a.jpg")
            }
            #expect(error?.kind == .badData && error?.location == "photos/a.jpg")
        }
    }

    /// Damage gives an error or wrong pixels, and never a crash.
    @Test(arguments: ["rgb.jpg", "progressive.jpg", "exif-6.jpg", "exif-6.png", "rgb.png", "palette-transparent.png"])
    func damageDoesNotCrash(name: String) {
        let file = PillowFixture.file(name)
        var refused = 0
        for position in file.indices {
            var damaged = file
            damaged[position] ^= UInt8(1 + position % 255)
            if (try? Picture(decoding: damaged, name: name)) == nil { refused += 1 }
        }
        #expect(refused > 20)
    }

    @Test func theReasonIsTold() {
        func reason(_ file: [UInt8]) -> String {
            do {
                _ = try Picture(decoding: file, name: "a.png")
                return "none"
            } catch { return "\(error)" }
        }
        #expect(reason([]) == "a.png: is an empty file, neither PNG nor JPEG; convert it to PNG")
        #expect(reason(Array("GIF89a...".utf8)) == "a.png: is a GIF file, neither PNG nor JPEG; convert it to PNG")
        #expect(
            reason(Array("hello there".utf8))
                == "a.png: is a file that begins with the bytes 68 65 6c 6c 6f 20 74 68, neither PNG nor JPEG; "
                + "convert it to PNG")
        let jpeg = reason(Array(PillowFixture.file("rgb.jpg").dropLast(100)))
        #expect(jpeg.hasPrefix("a.png: cannot be decoded: ") && jpeg.contains("(libjpeg); the file is cut short"))
        let png = reason(Array(PillowFixture.file("rgb.png").dropLast(100)))
        #expect(png.hasPrefix("a.png: cannot be decoded: ") && png.contains("(libpng); the file is cut short"))
        // A header that announces 2^31 - 1 rows: nothing is allocated.
        var huge = PillowFixture.file("rgb.jpg")
        let frame = huge.indices.first { huge[$0] == 0xFF && huge[$0 + 1] == 0xC0 }!
        huge.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        #expect(reason(huge).contains("65500 × 65500 pixels"))
    }

    @Test func greyIsThatOfPillow() throws {
        let color = try Picture(decoding: PillowFixture.file("rgb.png"), name: "")
        let grey = color.converted(toChannels: 1)
        #expect(grey.pixels == [UInt8](PillowFixture.stored.grey))
        // The same from the file at once.
        let format = PictureFormat(channels: 1, height: color.height, width: color.width)
        #expect(try Picture(decoding: PillowFixture.file("rgb.png"), name: "", as: format) == grey)
        #expect(grey.converted(toChannels: 3).pixels == grey.pixels + grey.pixels + grey.pixels)
    }

    @Test func aWrittenFileIsReadBack() throws {
        for name in ["rgb.png", "grey.jpg", "pixel.png", "exif-8-big-endian.jpg"] {
            let picture = try Picture(decoding: PillowFixture.file(name), name: name)
            #expect(try Picture(decoding: picture.png, name: name) == picture)
        }
    }
}
