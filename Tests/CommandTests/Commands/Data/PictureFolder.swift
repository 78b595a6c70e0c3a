import CoupletImages
import Foundation
import TestSupport

/// A folder with pictures and a manifest, for tests of imports.
struct PictureFolder {
    let folder = TemporaryFolder()
    var path: String { folder.path }

    /// A picture whose pixels a number determines.
    static func picture(_ seed: Int, height: Int = 6, width: Int = 5) -> Picture {
        Picture(
            channels: 3, height: height, width: width,
            pixels: (0..<3 * height * width).map { UInt8(truncatingIfNeeded: $0 &* (seed &* 37 &+ 11) &+ seed &* 91) })
    }

    /// Writes photos/NAME with the picture of a number, as PNG.
    func addPicture(_ name: String, _ seed: Int) throws {
        try folder.write("photos/\(name)", Self.picture(seed).png)
    }

    /// The bytes of a file of Tests/ImagesTests/Fixtures/pillow.json, and the pixels that Pillow reads from it.
    static func fixture(_ name: String) throws -> (file: [UInt8], pixels: [UInt8]) {
        struct Fixture: Decodable {
            struct Entry: Decodable {
                let name: String
                let file: Data, pixels: Data
            }
            let pictures: [Entry]
        }
        let path = packageFolder + "/Tests/ImagesTests/Fixtures/pillow.json"
        let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        guard let entry = fixture.pictures.first(where: { $0.name == name }) else { throw CocoaError(.fileNoSuchFile) }
        return ([UInt8](entry.file), [UInt8](entry.pixels))
    }

    func couplet(_ arguments: String...) throws -> CoupletInvocation {
        try CoupletInvocation(arguments: arguments, in: path)
    }

    /// The line "digest: …" of an import.
    static func digest(_ result: CoupletInvocation) -> Substring {
        result.output.split(separator: "\n").first { $0.hasPrefix("digest: ") } ?? "no digest: \(result.errors)"
    }
}
