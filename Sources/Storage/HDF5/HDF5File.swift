import CHDF5
import CoupletFiles
import Glibc
import Synchronization

/// An open HDF5 file. All threads may use it; a lock, of HDF5 or of `HDF5Library`, serializes the calls.
///
/// Names of datasets are paths in the file; the leading slash may be left out. Errors are `FileError`s with the file,
/// the dataset, the HDF5 function and its innermost message.
public final class HDF5File: Sendable {
    /// The path that messages name. A file with a temporary name has its final path.
    public let path: String
    /// The limit of the decompressed chunks that each dataset keeps between reads of parts of it, in bytes.
    let chunkMemory: Int
    /// Datasets of which parts are read. They stay open, because HDF5 drops a dataset's chunks when it is closed.
    let openDatasets = Mutex<[String: OpenDataset]>([:])
    /// Virtual datasets that do not depend on themselves.
    let acyclicDatasets = Mutex<Set<String>>([])
    let isWritable: Bool
    private let identifier: Atomic<hid_t>
    /// -1 after `close`; HDF5 then refuses every call with an error.
    var id: hid_t { identifier.load(ordering: .acquiring) }

    /// Opens an existing file for reading.
    /// - Throws: `FileError`: `.inputOutput` if it is missing or cannot be opened, `.badData` if it is not an HDF5 file
    ///   or is damaged.
    public convenience init(reading path: String) throws {
        try self.init(reading: path, chunkMemory: Self.defaultChunkMemory)
    }

    /// Opens an existing file for reading.
    /// - Parameter chunkMemory: the limit of the decompressed chunks that each dataset keeps between reads of parts of
    ///   it, in bytes.
    /// - Throws: `FileError` as `init(reading:)`.
    package convenience init(reading path: String, chunkMemory: Int) throws {
        try Self.requireHDF5(path, access: R_OK)
        try self.init(path, "H5Fopen", isWritable: false, chunkMemory: chunkMemory) {
            H5Fopen(path, couplet_H5F_ACC_RDONLY(), $0)
        }
    }

    /// 1 GiB.
    private static let defaultChunkMemory = 1 << 30

    /// Opens an existing file for reading and writing.
    /// - Throws: `FileError` as `init(reading:)`.
    public convenience init(modifying path: String) throws {
        try Self.requireHDF5(path, access: R_OK | W_OK)
        try self.init(path, "H5Fopen") { H5Fopen(path, couplet_H5F_ACC_RDWR(), $0) }
    }

    /// Creates a file.
    /// - Parameter overwriting: whether to empty an existing file at once; if false, an existing file is an error.
    ///   `create(_:_:)` keeps an existing file until the new one is complete.
    /// - Throws: `FileError(.inputOutput)`.
    public convenience init(
        creating path: String, overwriting: Bool = false, format: HDF5Format = .compatible
    ) throws {
        try self.init(creating: path, shownAs: path, overwriting: overwriting, format: format)
    }

    /// Creates a file under its temporary name. Messages name the final path.
    /// - Throws: `FileError(.inputOutput)`.
    package convenience init(creating file: TemporaryFile) throws {
        try self.init(creating: file.temporaryPath, shownAs: file.path, overwriting: true, format: .compatible)
    }

    private convenience init(creating path: String, shownAs shownPath: String, overwriting: Bool, format: HDF5Format)
        throws
    {
        if !overwriting { try FileSystem.requireAbsent(path) }
        let creation = try HDF5Handle("H5Pcreate", at: shownPath, closedBy: H5Pclose) {
            H5Pcreate(couplet_H5P_FILE_CREATE())
        }
        let creationID = creation.id
        if format == .checksummed {
            let order = couplet_H5P_CRT_ORDER_TRACKED_INDEXED()
            try HDF5Library.call("H5Pset_link_creation_order", at: shownPath) {
                H5Pset_link_creation_order(creationID, order)
            }
            try HDF5Library.call("H5Pset_attr_creation_order", at: shownPath) {
                H5Pset_attr_creation_order(creationID, order)
            }
        }
        let mode = overwriting ? couplet_H5F_ACC_TRUNC() : couplet_H5F_ACC_EXCL()
        try self.init(shownPath, "H5Fcreate", format) { H5Fcreate(path, mode, creationID, $0) }
    }

    /// Creates a file that is whole or absent (`DurableFile`). It replaces an existing file when it is complete.
    /// - Throws: `FileError` if the system refuses, and the errors of `write`; no partial file is left then.
    package static func create(_ path: String, _ write: (HDF5File) throws -> Void) throws {
        try DurableFile.write(path) { temporaryPath in
            let file = try HDF5File(
                creating: temporaryPath, shownAs: path, overwriting: true, format: .compatible)
            try write(file)
            try file.close()
        }
    }

    private init(
        _ path: String, _ function: StaticString, _ format: HDF5Format = .compatible, isWritable: Bool = true,
        chunkMemory: Int = HDF5File.defaultChunkMemory, _ open: (hid_t) -> hid_t
    ) throws {
        let access = try HDF5Handle("H5Pcreate", at: path, closedBy: H5Pclose) { H5Pcreate(couplet_H5P_FILE_ACCESS()) }
        let accessID = access.id
        // With H5F_CLOSE_STRONG, closing the file also closes objects in it that a failed write left open. HDF5 opens
        // the sources of virtual datasets with H5F_CLOSE_WEAK, and takes a source for missing if it is open otherwise.
        let degree = isWritable ? H5F_CLOSE_STRONG : H5F_CLOSE_WEAK
        try HDF5Library.call("H5Pset_fclose_degree", at: path) { H5Pset_fclose_degree(accessID, degree) }
        if format == .checksummed {
            try HDF5Library.call("H5Pset_libver_bounds", at: path) {
                H5Pset_libver_bounds(accessID, H5F_LIBVER_V110, H5F_LIBVER_V110)
            }
        }
        self.path = path
        self.isWritable = isWritable
        self.chunkMemory = chunkMemory
        let id = try Self.waitingForLock { try HDF5Library.call(function, at: path) { open(accessID) } }
        identifier = Atomic(id)
        // A child process must not inherit the file and its lock.
        var handle: UnsafeMutableRawPointer?
        try HDF5Library.call("H5Fget_vfd_handle", at: path) { H5Fget_vfd_handle(id, 0, &handle) }
        if let handle { _ = fcntl(handle.load(as: CInt.self), F_SETFD, FD_CLOEXEC) }
    }

    /// Opens a file, and tries again for a second while another process holds its lock. A process that this one has
    /// just started holds the locks of this one until it runs its own program.
    private static func waitingForLock(_ open: () throws -> hid_t) throws -> hid_t {
        let locked = String(cString: strerror(EAGAIN))
        for _ in 0..<20 {
            do { return try open() } catch let error as FileError where error.reason.contains(locked) {
                usleep(50_000)
            }
        }
        return try open()
    }

    deinit {
        openDatasets.withLock { $0 = [:] }
        let id = id
        if id >= 0 { HDF5Library.quietly { H5Fclose(id) } }
    }

    /// Passes all written data to the operating system.
    public func flush() throws {
        try HDF5Library.call("H5Fflush", at: path) { H5Fflush(id, H5F_SCOPE_LOCAL) }
    }

    /// Writes pending data and closes the file. `deinit` closes it too, but cannot report an error.
    public func close() throws {
        openDatasets.withLock { $0 = [:] }
        let id = identifier.exchange(-1, ordering: .acquiringAndReleasing)
        if id >= 0 { try HDF5Library.call("H5Fclose", at: path) { H5Fclose(id) } }
    }

    /// "FILE:/name", for error messages.
    func location(of name: String) -> String { "\(path):\(Self.absolute(name))" }

    static func absolute(_ name: String) -> String { name.hasPrefix("/") ? name : "/" + name }

    /// Throws the reason why a path cannot be read as HDF5: from the file system, or from the signature of the file.
    private static func requireHDF5(_ path: String, access mode: CInt) throws {
        var status = stat()
        try SystemCall.check("stat", path) { stat(path, &status) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR:
            throw FileError(
                .inputOutput, at: path, reason: "is a folder, not an HDF5 file", remedy: "name a file in it")
        default:
            // Opening a pipe waits for its writer, perhaps for ever.
            throw FileError(
                .inputOutput, at: path, reason: "is a pipe, a socket or a device, not an HDF5 file",
                remedy: "HDF5 reads at any position: write the data into a file on a disk, and name that")
        }
        try SystemCall.check("access", path) { Glibc.access(path, mode) }
        if try HDF5Library.call("H5Fis_hdf5", at: path, { H5Fis_hdf5(path) }) == 0 {
            throw FileError(
                .badData, at: path,
                reason: status.st_size == 0
                    ? "is empty, not an HDF5 file" : "is not an HDF5 file: its signature is missing")
        }
    }
}

/// The storage format of a new HDF5 file.
public enum HDF5Format: Sendable {
    /// Every HDF5 since 1.4 reads it. It is for files that other programs read.
    case compatible
    /// All metadata of the file have checksums, so that HDF5 detects damage before it follows them. Attributes may have
    /// any length, and names keep the order in which they were written. HDF5 1.10 and later read it.
    case checksummed
}
