import CoupletFiles
import CoupletStorage
import Foundation
import Testing

/// Whatever happens to a checkpoint's bytes: it is an error, or all that it holds is the same. Never a crash.
@Suite struct DamageTests {
    let folder: TemporaryFolder
    let whole: [UInt8]
    let truth: String
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        let content = CheckpointExample.make(step: 12)
        let store = CheckpointStore(folder: folder.path)
        path = try store.write(content, keep: 1).path
        whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        truth = CheckpointExample.everything(in: content)
    }

    /// Whether the damage was found; where it was not, that it did no harm is checked.
    private func isFound(_ bytes: [UInt8], _ label: String) throws -> Bool {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do {
            let content = try CheckpointStore(folder: folder.path).read(path)
            let isSame = CheckpointExample.everything(in: content) == truth
            #expect(isSame, "\(label)")
            return false
        } catch let error as FileError {
            #expect(error.kind == .badData, "\(label): \(error)")
            return true
        }
    }

    @Test func anyByte() throws {
        var generator = SystemRandomNumberGenerator()
        var found = 0
        for _ in 0..<250 {
            let place = Int.random(in: 0..<whole.count, using: &generator)
            let bit = UInt8.random(in: 1...255, using: &generator)
            var bytes = whole
            bytes[place] ^= bit
            if try isFound(bytes, "byte \(place) changed by \(bit)") { found += 1 }
        }
        // Most of a file is content; what is not is free space between its pieces.
        #expect(found >= 125)
    }

    /// The headers, where a damage would be followed furthest.
    @Test func everyByteOfTheFirst600() throws {
        for place in 0..<600 {
            var bytes = whole
            bytes[place] = ~bytes[place]
            _ = try isFound(bytes, "byte \(place) inverted")
        }
    }

    @Test func anyLength() throws {
        for length in Set((0..<60).map { _ in Int.random(in: 0..<whole.count) } + [0, 1, 8, 48, whole.count - 1]) {
            #expect(try isFound(Array(whole[..<length]), "cut to \(length) of \(whole.count) bytes"), "\(length)")
        }
    }

    @Test func aBlockOfZeros() throws {
        for _ in 0..<50 {
            let start = Int.random(in: 0..<whole.count)
            var bytes = whole
            for place in start..<min(start + 512, whole.count) { bytes[place] = 0 }
            _ = try isFound(bytes, "zeros from byte \(start)")
        }
    }
}
