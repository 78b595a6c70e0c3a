import CoupletFiles
import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// On a full disk of 1 MiB, errors name the cause, existing files stay, and the process can continue.
@Suite(.enabled(if: SmallDisk.isAvailable)) struct FullDiskTests {
    @Test func aCheckpointThatDoesNotFitLeavesThePreviousOne() throws {
        let disk = try SmallDisk(kibibytes: 1_024)
        let store = CheckpointStore(folder: disk.path + "/checkpoints")
        try store.write(CheckpointExample.make(step: 1), keep: 2)
        // From far too large to slightly too large: each size fails at another point of the writing.
        for width in [200_000, 20_000, 8_000, 4_500, 4_000, 3_800, 3_600, 3_400, 3_200, 3_000] {
            let large = CheckpointExample.make(step: 2, width: width)
            do {
                try store.write(large, keep: 2)
                try FileManager.default.removeItem(atPath: store.path(ofStep: 2))
                #expect(width < 8_000)
            } catch let error as FileError {
                #expect(error.kind == .inputOutput && error.reason.contains("No space left"), "\(width): \(error)")
                #expect(error.location.hasPrefix(store.path(ofStep: 2)), "\(error)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder) == ["step-00000001.h5"])
            // No open descriptor keeps the space of the deleted file.
            #expect(try disk.openFiles == [])
        }
        #expect(try store.newestVerified().found?.content.digest == CheckpointExample.make(step: 1).digest)
        try store.write(CheckpointExample.make(step: 2), keep: 1)
        #expect(try store.newestVerified().found?.content.digest == CheckpointExample.make(step: 2).digest)
    }

    @Test func filesReportAFullDisk() throws {
        let disk = try SmallDisk(kibibytes: 1_024)
        try DurableFile.replace(disk.path + "/a.json", with: "old")
        let lines = try LineFile(disk.path + "/metrics.jsonl")
        try lines.append("first")
        let large = #expect(throws: FileError.self) {
            try DurableFile.replace(disk.path + "/a.json", with: String(repeating: "x", count: 2_000_000))
        }
        #expect(large?.kind == .inputOutput && large?.reason.contains("No space left") == true)
        #expect(try String(contentsOfFile: disk.path + "/a.json", encoding: .utf8) == "old")
        #expect(throws: FileError.self) { try lines.append(String(repeating: "y", count: 2_000_000)) }
        try lines.append("second")
        #expect(try String(contentsOfFile: lines.path, encoding: .utf8) == "first\nsecond\n")
        #expect(throws: FileError.self) {
            let file = try HDF5File(creating: disk.path + "/large.h5")
            try file.write("x", Tensor([1000, 1000]))
            try file.close()
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: disk.path).sorted() == [
                "a.json", "large.h5", "metrics.jsonl",
            ])
    }
}
