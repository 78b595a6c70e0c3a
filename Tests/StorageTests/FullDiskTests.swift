import CoupletFiles
import CoupletStorage
import CoupletTensors
import Foundation
import Testing

/// A disk of 1 MiB that fills up: errors that say so, what was there stays, and the process goes on working.
@Suite(.enabled(if: TinyDisk.isAvailable)) struct FullDiskTests {
    @Test func aCheckpointThatDoesNotFitLeavesTheFormerOne() throws {
        let disk = try TinyDisk()
        let store = CheckpointStore(folder: disk.path + "/checkpoints")
        try store.write(CheckpointExample.make(step: 1), keep: 2)
        // From hopelessly large to missing by a little: each failing at another moment of the writing.
        for width in [200_000, 20_000, 8_000, 4_500, 4_000, 3_800, 3_600, 3_400, 3_200, 3_000] {
            let large = CheckpointExample.make(step: 2, width: width)
            do {
                try store.write(large, keep: 2)
                try FileManager.default.removeItem(atPath: store.path(ofStep: 2))
                #expect(width < 8_000)
            } catch let error as FileError {
                #expect(error.kind == .inputOutput && error.reason.contains("No space left"), "\(width): \(error)")
                #expect(error.place.hasPrefix(store.path(ofStep: 2)), "\(error)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder) == ["step-00000001.h5"])
            // Nor is the space of the deleted file held by a descriptor that nobody closed.
            #expect(try disk.openFiles == [])
        }
        #expect(try store.newestVerified().found?.content.digest == CheckpointExample.make(step: 1).digest)
        try store.write(CheckpointExample.make(step: 2), keep: 1)
        #expect(try store.newestVerified().found?.content.digest == CheckpointExample.make(step: 2).digest)
    }

    @Test func datasetsAndTextsSayThatTheDiskIsFull() throws {
        let disk = try TinyDisk()
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

/// A file system of 1 MiB in memory, mounted for a test.
final class TinyDisk {
    let path: String

    /// Whether this user may mount one; says so once where not.
    static let isAvailable: Bool = {
        if (try? TinyDisk()) != nil { return true }
        print("skipped what happens on a full disk: only root can mount a small one")
        return false
    }()

    /// The files on it, deleted ones included, that this process has open.
    var openFiles: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }.filter { $0.hasPrefix(path) }
        }
    }

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/couplet-disk-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0 else {
            rmdir(path)
            throw CocoaError(.fileWriteNoPermission)
        }
    }

    deinit {
        umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }
}
