import CoupletImages
import Foundation
import Testing

/// Fixtures/pillow.json: files, and the pixels that Pillow reads from them and scales them to.
struct PillowFixture: Decodable {
    struct Entry: Decodable, CustomTestStringConvertible {
        let name: String
        var file: Data?
        /// Channels, height and width.
        let shape: [Int]
        let pixels: Data

        var picture: Picture {
            Picture(channels: shape[0], height: shape[1], width: shape[2], pixels: [UInt8](pixels))
        }
        var testDescription: String { "\(name) \(shape)" }
    }

    let pictures: [Entry]
    let resized: [Entry]
    /// rgb.png in grey.
    let grey: Data

    static let stored: PillowFixture = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
        do {
            return try JSONDecoder().decode(
                PillowFixture.self, from: Data(contentsOf: folder.appendingPathComponent("pillow.json")))
        } catch {
            preconditionFailure("Fixtures/pillow.json: \(error)")
        }
    }()

    /// The bytes of a file of the fixture.
    static func file(_ name: String) -> [UInt8] {
        guard let file = stored.pictures.first(where: { $0.name == name })?.file else {
            preconditionFailure("the fixture has no \(name)")
        }
        return [UInt8](file)
    }
}
