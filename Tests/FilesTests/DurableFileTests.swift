import CoupletFiles
import Foundation
import TestSupport
import Testing

@Suite struct DurableFileTests {
    let folder = TemporaryFolder()

    @Test func replacesWholeFiles() throws {
        let path = folder.file("config.yaml")
        try DurableFile.replace(path, with: "one")
        try DurableFile.replace(path, with: "")
        #expect(try folder.text(of: "config.yaml") == "")
        try DurableFile.replace(path, with: "größer")
        #expect(try folder.text(of: "config.yaml") == "größer")
        #expect(folder.names == ["config.yaml"])
        let error = #expect(throws: FileError.self) {
            try DurableFile.replace(folder.file("no/config.yaml"), with: "x")
        }
        #expect(error?.kind == .inputOutput)
        try FileManager.default.createDirectory(atPath: folder.file("taken"), withIntermediateDirectories: true)
        #expect(throws: FileError.self) { try DurableFile.replace(folder.file("taken"), with: "x") }
        #expect(folder.names == ["config.yaml", "taken"])
    }

    /// A file that another function writes appears under its name only when it is complete.
    @Test func aFailedWriteLeavesThePreviousFile() throws {
        struct Interruption: Error {}
        let path = try folder.write("a.h5", "previous")
        #expect(throws: Interruption.self) {
            try DurableFile.write(path) { temporaryPath in
                try Data("half".utf8).write(to: URL(fileURLWithPath: temporaryPath))
                throw Interruption()
            }
        }
        #expect(folder.names == ["a.h5"])
        #expect(try folder.text(of: "a.h5") == "previous")
        let error = #expect(throws: FileError.self) {
            try DurableFile.write(path) { throw FileError(.badData, at: "\($0):/x", reason: "is wrong") }
        }
        #expect(error?.location == "\(path):/x")
        let count = try DurableFile.write(path) { temporaryPath in
            try Data("whole".utf8).write(to: URL(fileURLWithPath: temporaryPath))
            return 5
        }
        #expect(try count == 5 && folder.text(of: "a.h5") == "whole" && folder.names == ["a.h5"])
    }

    /// Renaming a file to a device or a FIFO would replace it: the device of the whole system, if root does so.
    @Test func whatIsNoFileIsNotReplaced() throws {
        let fifo = folder.file("fifo")
        #expect(mkfifo(fifo, 0o600) == 0)
        let error = #expect(throws: FileError.self) { try DurableFile.replace(fifo, with: "x") }
        #expect(error?.reason.contains("is a pipe, not a regular file") == true)
        var status = stat()
        #expect(stat(fifo, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO && folder.names == ["fifo"])
    }

    /// A process that was killed while it wrote the same file left a temporary file.
    @Test func deletesAbandonedFilesOfTheSameName() throws {
        let process = try CompletedProcess(["true"]).processIdentifier
        try folder.write(".a.json.\(HostName.current).\(process).partial", "half")
        try folder.write(".b.json.\(HostName.current).\(process).partial", "half")
        try DurableFile.replace(folder.file("a.json"), with: "{}")
        #expect(folder.names == [".b.json.\(HostName.current).\(process).partial", "a.json"])
    }
}
