import CoupletFiles
import CoupletStorage
import Foundation
import TestSupport
import Testing

/// Damage to the bytes of a checkpoint is an error, or leaves its content unchanged. It never crashes the reader.
@Suite struct CheckpointDamageTests {
    let folder = TemporaryFolder()
    let whole: [UInt8]
    let expected: String
    let path: String

    init() throws {
        let content = CheckpointExample.make(step: 12)
        let store = CheckpointStore(folder: folder.path)
        path = try store.write(content, keep: 1).path
        whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        expected = CheckpointExample.text(of: content)
    }

    /// Whether reading the bytes reports damage. If it does not, checks that the content is unchanged.
    private func isDetected(_ bytes: [UInt8], _ label: String) throws -> Bool {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do {
            let content = try CheckpointStore(folder: folder.path).read(path)
            let isSame = CheckpointExample.text(of: content) == expected
            #expect(isSame, "\(label)")
            return false
        } catch let error as FileError {
            #expect(error.kind == .badData, "\(label): \(error)")
            return true
        }
    }

    @Test func anyChangedByte() throws {
        var generator = SystemRandomNumberGenerator()
        var detectedCount = 0
        for _ in 0..<250 {
            let offset = Int.random(in: 0..<whole.count, using: &generator)
            let bit = UInt8.random(in: 1...255, using: &generator)
            var bytes = whole
            bytes[offset] ^= bit
            if try isDetected(bytes, "byte \(offset) changed by \(bit)") { detectedCount += 1 }
        }
        // Most bytes of a file are content; the rest is free space between its parts.
        #expect(detectedCount >= 125)
    }

    /// The file starts with headers, and HDF5 follows the offsets in them.
    @Test func everyByteOfTheFirst600() throws {
        for offset in 0..<600 {
            var bytes = whole
            bytes[offset] = ~bytes[offset]
            _ = try isDetected(bytes, "byte \(offset) inverted")
        }
    }

    @Test func anyShorterLength() throws {
        for length in Set((0..<60).map { _ in Int.random(in: 0..<whole.count) } + [0, 1, 8, 48, whole.count - 1]) {
            #expect(try isDetected(Array(whole[..<length]), "cut to \(length) of \(whole.count) bytes"), "\(length)")
        }
    }

    @Test func aBlockOfZeros() throws {
        for _ in 0..<50 {
            let start = Int.random(in: 0..<whole.count)
            var bytes = whole
            for offset in start..<min(start + 512, whole.count) { bytes[offset] = 0 }
            _ = try isDetected(bytes, "zeros from byte \(start)")
        }
    }
}
