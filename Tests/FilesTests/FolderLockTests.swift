import CoupletFiles
import Foundation
import Synchronization
import TestSupport
import Testing

/// CommandTests tests a lock that another process holds, with the real program.
@Suite struct FolderLockTests {
    let folder = TemporaryFolder()

    @Test func oneHolderAtATime() throws {
        var lock: FolderLock? = try FolderLock(folder.path)
        #expect(lock?.isHeld == true)
        let error = try #require(throws: FileError.self) { try FolderLock(folder.path) }
        #expect(error.kind == .inputOutput && error.location == folder.path)
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(error.reason.contains("process \(getpid()) on host \(host), since 20"), "\(error)")
        lock = nil
        // The lock file remains, and locks nothing.
        #expect(folder.names == [FolderLock.fileName])
        lock = try FolderLock(folder.path)
        #expect(lock?.isHeld == true)
    }

    @Test func waitsForAHolderThatIsEnding() throws {
        let holder = Holder(try FolderLock(folder.path))
        Thread.detachNewThread {
            usleep(300_000)
            holder.release()
        }
        let start = ContinuousClock.now
        #expect(try FolderLock(folder.path).isHeld)
        #expect(.now - start >= .milliseconds(200))
    }

    @Test func aMissingFolderIsAnErrorWithThePath() throws {
        let error = try #require(throws: FileError.self) { try FolderLock(folder.file("none")) }
        #expect(error.location == folder.file("none/.lock"))
    }

    private final class Holder: Sendable {
        private let lock: Mutex<FolderLock?>
        init(_ lock: FolderLock) { self.lock = Mutex(lock) }
        func release() { lock.withLock { $0 = nil } }
    }
}
