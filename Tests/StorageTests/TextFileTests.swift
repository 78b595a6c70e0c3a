import CoupletFiles
import Foundation
import Testing

@Suite struct TextFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func aFileIsReplacedWhole() throws {
        let path = folder.file("config.yaml")
        try DurableFile.replace(path, with: "one")
        try DurableFile.replace(path, with: "")
        #expect(try text(path) == "")
        try DurableFile.replace(path, with: "größer")
        #expect(try text(path) == "größer")
        #expect(folder.names == ["config.yaml"])
        let error = #expect(throws: FileError.self) {
            try DurableFile.replace(folder.file("no/config.yaml"), with: "x")
        }
        #expect(error?.kind == .inputOutput)
        try FileManager.default.createDirectory(atPath: folder.file("taken"), withIntermediateDirectories: true)
        #expect(throws: FileError.self) { try DurableFile.replace(folder.file("taken"), with: "x") }
        #expect(folder.names == ["config.yaml", "taken"])
    }

    @Test func linesAreAddedAndDropped() throws {
        let path = folder.file("metrics.jsonl")
        let file = try LineFile(path)
        #expect(try file.truncate { _ in true } == 0)
        for step in 1...6 { try file.append("step \(step)") }
        #expect(try file.truncate { _ in true } == 0)
        // From the end on.
        #expect(try file.truncate { $0 < "step 5" } == 2)
        #expect(try text(path) == "step 1\nstep 2\nstep 3\nstep 4\n")
        // In the midst.
        #expect(try file.truncate { $0 != "step 2" } == 1)
        try file.append("step 7")
        #expect(try text(path) == "step 1\nstep 3\nstep 4\nstep 7\n")
        #expect(folder.names == ["metrics.jsonl"])
    }

    @Test func halfALineIsDropped() throws {
        let path = folder.file("metrics.jsonl")
        try Data("whole\nhal".utf8).write(to: URL(fileURLWithPath: path))
        let file = try LineFile(path)
        #expect(try file.truncate { _ in true } == 1)
        try file.append("next")
        try file.synchronize()
        #expect(try text(path) == "whole\nnext\n")
        // A file of nothing but half a line.
        try Data("hal".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try LineFile(path).truncate { _ in true } == 1)
        #expect(try text(path) == "")
    }
}
