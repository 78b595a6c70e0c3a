import Glibc

/// A file as it was when reading from it began: who reads from it for long finds out whether somebody wrote into it meanwhile. HDF5 does not: it reads
/// what a shortened file has lost as zeros.
public struct FileIdentity: Equatable, Sendable {
    private let device: dev_t, number: ino_t
    private let bytes: Int, seconds: Int, nanoseconds: Int

    /// - Throws: `FileError(.inputOutput)` where there is no such file.
    public init(of path: String) throws {
        var status = stat()
        try SystemCall.check("stat", path) { stat(path, &status) }
        self.init(status)
    }

    private init(_ status: stat) {
        (device, number, bytes) = (status.st_dev, status.st_ino, Int(status.st_size))
        (seconds, nanoseconds) = (Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec))
    }

    /// A file that was removed or replaced is still there for those who have it open: that is no fault.
    /// - Throws: `FileError(.badData)` where the very file was written into or shortened.
    public func requireUnchanged(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        let now = FileIdentity(status)
        if now.device == device, now.number == number, now != self {
            throw FileError(
                .badData, place: path,
                reason: "was written into while it was read: it had \(bytes) bytes and has \(now.bytes)",
                remedy: "put the right file back, and go on from the last checkpoint")
        }
    }
}
