import Foundation

/// A small file system in memory, mounted for a test of what happens on a full disk. Only root can mount one.
public final class SmallDisk {
    public let path: String

    /// Whether this user may mount one. Prints a line, once, where not.
    public static let isAvailable: Bool = {
        if (try? SmallDisk(kibibytes: 64)) != nil { return true }
        print("This user cannot mount a tmpfs: full disks are not tested.")
        return false
    }()

    /// - Parameter path: the folder to mount at, which is made; a temporary one if nil.
    /// - Throws: where the folder cannot be made, or the file system not mounted.
    public init(kibibytes: Int, at path: String? = nil) throws {
        let path = path ?? FileManager.default.temporaryDirectory.path + "/couplet-disk-\(UUID().uuidString)"
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k") == 0 else {
            rmdir(path)
            throw CocoaError(.fileWriteNoPermission)
        }
    }

    deinit {
        umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }

    /// The files on the disk that this process has open, deleted ones included.
    public var openFiles: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            }.filter { $0.hasPrefix(path) }
        }
    }
}
