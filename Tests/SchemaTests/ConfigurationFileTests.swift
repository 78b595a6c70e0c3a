import CoupletFiles
import CoupletSchema
import Glibc
import TestSupport
import Testing

@Suite struct ConfigurationFileTests {
    let folder = TemporaryFolder()

    private func error(_ path: String) throws -> FileError {
        try #require(throws: FileError.self) { try ConfigurationFile.text(at: path) }
    }

    @Test func readsText() throws {
        let path = try folder.write("größer.yaml", "name: größer\n")
        #expect(try ConfigurationFile.text(at: path) == "name: größer\n")
    }

    @Test func aMissingConfigSuggestsASimilarName() throws {
        try folder.write("gaussian.yaml", "")
        let misspelled = try error(folder.file("gausian.yaml"))
        #expect(misspelled.kind == .inputOutput && misspelled.reason.hasPrefix("cannot read the config: No such file"))
        #expect(misspelled.remedy == "did you mean \(folder.file("gaussian.yaml"))?")
        #expect(try !error(folder.file("other.yaml")).remedy.contains("did you mean"))
    }

    @Test func aFolderSuggestsTheConfigInIt() throws {
        try folder.write("run/config.yaml", "")
        #expect(try error(folder.file("run")).remedy == "the config of that run is \(folder.file("run/config.yaml"))")
        #expect(try error(folder.path).remedy == "name a YAML file")
    }

    @Test func otherFilesAreRefused() throws {
        let binary = try folder.write("a.yaml", [0x61, 0xFF, 0x00])
        #expect(try error(binary).kind == .badData && error(binary).reason == "is not text in UTF-8")
        let long = try folder.write("b.yaml", [UInt8](repeating: 0x61, count: (1 << 20) + 1))
        #expect(try error(long).kind == .badData && error(long).reason == "is longer than 1048576 bytes")
        let utf16 = try folder.write("c.yaml", [0xFF, 0xFE, 0x61, 0x00])
        #expect(try error(utf16).reason == "is text in UTF-16")
    }

    /// Opening a FIFO without a writer would wait for ever, and a device may have no end.
    @Test(.timeLimit(.minutes(5))) func whatIsNoFileIsRefused() throws {
        #expect(try error("/dev/zero").reason.contains("is a device, not a regular file"))
        let fifo = folder.file("fifo.yaml")
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect(try error(fifo).reason.contains("is a pipe, not a regular file"))
    }

    /// A shell's `<(command)` is a pipe that the program has inherited.
    @Test func anInheritedPipeIsRead() throws {
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        _ = "name: piped\n".withCString { write(ends[1], $0, 12) }
        close(ends[1])
        defer { close(ends[0]) }
        #expect(try ConfigurationFile.text(at: "/dev/fd/\(ends[0])") == "name: piped\n")
    }
}
