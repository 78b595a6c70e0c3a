import CoupletFiles
import Foundation
import Synchronization
import Testing

/// Another process that holds a lock is tested with the real program, in CommandTests.
@Suite struct FolderLockTests {
    @Test func oneHolderAtATime() throws {
        let folder = try TemporaryFolder()
        var lock: FolderLock? = try FolderLock(folder.path)
        #expect(lock?.isHeld == true)
        let error = try #require(throws: FileError.self) { try FolderLock(folder.path) }
        #expect(error.kind == .inputOutput && error.place == folder.path)
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(error.reason.contains("process \(getpid()) on host \(host), since 20"), "\(error)")
        lock = nil
        // The file is left, and locks nothing.
        #expect(folder.names == [FolderLock.fileName])
        lock = try FolderLock(folder.path)
        #expect(lock?.isHeld == true)
    }

    @Test func aHolderThatIsJustEndingIsWaitedFor() throws {
        let folder = try TemporaryFolder()
        let holder = Holder(try FolderLock(folder.path))
        Thread.detachNewThread {
            usleep(300_000)
            holder.release()
        }
        let start = ContinuousClock.now
        #expect(try FolderLock(folder.path).isHeld)
        #expect(.now - start >= .milliseconds(200))
    }

    @Test func whatCannotBeLockedIsAClearError() throws {
        let folder = try TemporaryFolder()
        #expect(
            try #require(throws: FileError.self) { try FolderLock(folder.file("none")) }.place
                == folder.file("none/.lock"))
    }

    private final class Holder: Sendable {
        private let lock: Mutex<FolderLock?>
        init(_ lock: FolderLock) { self.lock = Mutex(lock) }
        func release() { lock.withLock { $0 = nil } }
    }
}
