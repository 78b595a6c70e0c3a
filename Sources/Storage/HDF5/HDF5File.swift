import CHDF5
import CoupletFiles
import Glibc
import Synchronization

/// An open HDF5 file. Any thread may use it: HDF5 does one call at a time, under its own lock or ours.
///
/// Names of datasets are paths in the file, with or without the leading slash. Whatever is wrong with a file is a `FileError`
/// that names file, dataset, HDF5's function and its innermost message.
public final class HDF5File: Sendable {
    public let path: String
    private let identifier: Atomic<hid_t>
    /// -1 once closed: HDF5 then refuses every call, as an error.
    var id: hid_t { identifier.load(ordering: .acquiring) }

    /// Opens a file to read it.
    /// - Throws: `FileError`: `.inputOutput` where it is missing or cannot be opened, `.badData` where it is no HDF5 file or
    ///   damaged.
    public convenience init(reading path: String) throws {
        try Self.requireHDF5(path, access: R_OK)
        try self.init(path, "H5Fopen") { H5Fopen(path, couplet_H5F_ACC_RDONLY(), $0) }
    }

    /// Opens a file to read it and add to it.
    /// - Throws: as `init(reading:)`.
    public convenience init(modifying path: String) throws {
        try Self.requireHDF5(path, access: R_OK | W_OK)
        try self.init(path, "H5Fopen") { H5Fopen(path, couplet_H5F_ACC_RDWR(), $0) }
    }

    /// Makes a new file. One that is there already is an error, or with `overwriting` is emptied at once; who must not lose it
    /// writes under another name and renames.
    /// - Throws: `FileError(.inputOutput)`.
    public convenience init(
        creating path: String, overwriting: Bool = false, format: HDF5Format = .compatible
    ) throws {
        if !overwriting, SystemCall.exists(path) {
            throw FileError(
                .inputOutput, place: path, reason: "exists already", remedy: "give another name, or delete it first")
        }
        let creation = try HDF5Handle("H5Pcreate", at: path, closedBy: H5Pclose) {
            H5Pcreate(couplet_H5P_FILE_CREATE())
        }
        let creationID = creation.id
        if format == .checksummed {
            let order = couplet_H5P_CRT_ORDER_TRACKED_INDEXED()
            try HDF5Library.call("H5Pset_link_creation_order", at: path) {
                H5Pset_link_creation_order(creationID, order)
            }
            try HDF5Library.call("H5Pset_attr_creation_order", at: path) {
                H5Pset_attr_creation_order(creationID, order)
            }
        }
        let mode = overwriting ? couplet_H5F_ACC_TRUNC() : couplet_H5F_ACC_EXCL()
        try self.init(path, "H5Fcreate", format) { H5Fcreate(path, mode, creationID, $0) }
    }

    private init(_ path: String, _ function: StaticString, _ format: HDF5Format = .compatible, _ open: (hid_t) -> hid_t)
        throws
    {
        let access = try HDF5Handle("H5Pcreate", at: path, closedBy: H5Pclose) { H5Pcreate(couplet_H5P_FILE_ACCESS()) }
        let accessID = access.id
        // Strong: closing the file closes it, whatever a failed write may have left open in it.
        try HDF5Library.call("H5Pset_fclose_degree", at: path) { H5Pset_fclose_degree(accessID, H5F_CLOSE_STRONG) }
        if format == .checksummed {
            try HDF5Library.call("H5Pset_libver_bounds", at: path) {
                H5Pset_libver_bounds(accessID, H5F_LIBVER_V110, H5F_LIBVER_V110)
            }
        }
        self.path = path
        let id = try HDF5Library.call(function, at: path) { open(accessID) }
        identifier = Atomic(id)
        // A program started meanwhile must not hold on to the file, or to its lock.
        var handle: UnsafeMutableRawPointer?
        try HDF5Library.call("H5Fget_vfd_handle", at: path) { H5Fget_vfd_handle(id, 0, &handle) }
        if let handle { _ = fcntl(handle.load(as: CInt.self), F_SETFD, FD_CLOEXEC) }
    }

    deinit {
        let id = id
        if id >= 0 { HDF5Library.quietly { H5Fclose(id) } }
    }

    /// Hands everything written to the operating system.
    public func flush() throws {
        try HDF5Library.call("H5Fflush", at: path) { H5Fflush(id, H5F_SCOPE_LOCAL) }
    }

    /// Writes what is left and closes the file. A file that is merely let go is closed as well, but cannot say whether that worked.
    public func close() throws {
        let id = identifier.exchange(-1, ordering: .acquiringAndReleasing)
        if id >= 0 { try HDF5Library.call("H5Fclose", at: path) { H5Fclose(id) } }
    }

    /// "FILE:/name", for errors.
    func place(_ name: String) -> String { "\(path):\(Self.absolute(name))" }

    static func absolute(_ name: String) -> String { name.hasPrefix("/") ? name : "/" + name }

    /// Names what keeps a path from being read as HDF5, as the system and the first bytes tell it.
    private static func requireHDF5(_ path: String, access mode: CInt) throws {
        var status = stat()
        try SystemCall.check("stat", path) { stat(path, &status) }
        if status.st_mode & S_IFMT == S_IFDIR {
            throw FileError(
                .inputOutput, place: path, reason: "is a folder, not an HDF5 file", remedy: "name a file in it")
        }
        try SystemCall.check("access", path) { Glibc.access(path, mode) }
        if try HDF5Library.call("H5Fis_hdf5", at: path, { H5Fis_hdf5(path) }) == 0 {
            throw FileError(
                .badData, place: path,
                reason: status.st_size == 0
                    ? "is empty, not an HDF5 file" : "is not an HDF5 file: its signature is missing")
        }
    }
}
