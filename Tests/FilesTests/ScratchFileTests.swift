import CoupletFiles
import TestSupport
import Testing

@Suite struct ScratchFileTests {
    /// In memory, in the file from the first byte on, and moved from one to the other in between.
    @Test(arguments: [0, 5_000, 300_000, 10_000_000]) func bytesAreGivenBack(memory: Int) throws {
        let folder = TemporaryFolder(), file = ScratchFile(in: folder.path, memory: memory)
        var all: [UInt8] = []
        for (number, count) in [0, 1, 4_095, 7_000, 1 << 20, 0, 3_000_001, 12].enumerated() {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
            try bytes.withUnsafeBytes { try file.append($0) }
            all += bytes
            let range = all.count / 3..<all.count
            #expect(try file.withBytes(range) { Array($0) } == Array(all[range]))
        }
        #expect(file.count == all.count)
        for range in [0..<all.count, 0..<0, 4_096..<8_193, all.count - 1..<all.count] {
            #expect(try file.withBytes(range) { Array($0) } == Array(all[range]))
        }
        #expect(folder.names.isEmpty)
    }

    @Test(.enabled(if: SmallDisk.isAvailable)) func aFullDiskIsAnError() throws {
        let disk = try SmallDisk(kibibytes: 64), file = ScratchFile(in: disk.path, memory: 0)
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        let error = #expect(throws: FileError.self) {
            for _ in 0..<3 { try bytes.withUnsafeBytes { try file.append($0) } }
        }
        #expect(error?.kind == .inputOutput && error?.location == disk.path)
    }
}
