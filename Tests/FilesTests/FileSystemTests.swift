import CoupletFiles
import Glibc
import TestSupport
import Testing

@Suite struct FileSystemTests {
    let folder = TemporaryFolder()

    /// Opening a FIFO without a writer waits for ever; a device may have no end.
    @Test(.timeLimit(.minutes(5))) func onlyRegularFilesAreRead() throws {
        let fifo = folder.file("fifo")
        #expect(mkfifo(fifo, 0o600) == 0)
        for path in [fifo, "/dev/zero", folder.path] {
            let readers: [(String) throws -> Void] = [
                { _ = try FileSystem.contents(of: $0) }, { _ = try FileSystem.contents(of: $0, acceptsPipe: true) },
                { _ = try MappedFile($0) }, { _ = try DecompressedFile(reading: $0) }, { _ = try LineFile($0) },
            ]
            for read in readers {
                let error = #expect(throws: FileError.self) { try read(path) }
                #expect(error?.kind == .inputOutput && error?.location == path)
                #expect(error?.reason.contains("not a regular file") == true, "\(path): \(error?.reason ?? "")")
            }
        }
        // Files of /proc are regular files of size 0.
        #expect(try !FileSystem.text(at: "/proc/self/status").isEmpty)
    }

    @Test func aTildeIsTheFolderOfAUser() {
        let home = String(cString: getenv("HOME"))
        #expect(FileSystem.expandingTilde("~") == home && FileSystem.expandingTilde("~/a/~b") == "\(home)/a/~b")
        #expect(FileSystem.expandingTilde("~root/x") == "/root/x")
        #expect(FileSystem.expandingTilde("~no-such-user/x") == nil)
        #expect(FileSystem.expandingTilde("a/~/b") == "a/~/b" && FileSystem.expandingTilde("") == "")
    }
}
