import CHDF5
import CoupletFiles
import Synchronization

/// Calls HDF5's C functions. Every call is checked, prints no error messages, and holds a lock if the library needs
/// one.
enum HDF5Library {
    /// Whether the library is built thread-safe. If it is not, each call holds `lock`.
    static let isThreadSafe: Bool = {
        // H5dont_atexit must be the first call. At exit, HDF5 1.10.8 would try again to write what a full disk refused,
        // and crash. Files are closed by their owners instead, which can report a failure.
        _ = H5dont_atexit()
        var answer: hbool_t = false
        return H5is_library_threadsafe(&answer) >= 0 && answer
    }()

    private static let lock = Mutex<Void>(())

    /// The version of the library, such as "1.10.8".
    static let version: String = {
        var (major, minor, release) = (UInt32(0), UInt32(0), UInt32(0))
        quietly { H5get_libversion(&major, &minor, &release) }
        return "\(major).\(minor).\(release)"
    }()

    /// Calls an HDF5 function.
    /// - Returns: the return value, which is not negative.
    /// - Throws: `FileError` with the location, the name of the function and HDF5's innermost message: `.inputOutput`
    ///   if the system refused, `.badData` otherwise.
    @discardableResult
    static func call<Result: SignedInteger>(
        _ function: StaticString, at location: @autoclosure () -> String, _ body: () -> Result
    ) throws -> Result {
        let (result, message) = serialized {
            let result = body()
            return (result, result < 0 ? innermostMessage() : "")
        }
        if result < 0 { throw error(function, at: location(), message) }
        return result
    }

    /// Calls an HDF5 function and ignores its failure, such as a close in a `deinit`.
    @discardableResult
    static func quietly<Result>(_ body: () -> Result) -> Result { serialized(body) }

    private static func serialized<Result>(_ body: () -> Result) -> Result {
        if isThreadSafe { return silenced(body) }
        var result: Result?
        lock.withLock { _ in result = silenced(body) }
        return result!
    }

    private static func silenced<Result>(_ body: () -> Result) -> Result {
        // A thread-safe build has an error stack for each thread, with its own setting for printing, so each call turns
        // it off.
        _ = H5Eset_auto2(couplet_H5E_DEFAULT(), nil, nil)
        return body()
    }

    /// The message of the innermost function on the error stack, which is the cause.
    private static func innermostMessage() -> String {
        var message = ""
        withUnsafeMutablePointer(to: &message) { pointer in
            _ = H5Ewalk2(
                couplet_H5E_DEFAULT(), H5E_WALK_UPWARD,
                { number, entry, context in
                    if number == 0, let text = entry?.pointee.desc {
                        context!.assumingMemoryBound(to: String.self).pointee = String(cString: text)
                    }
                    return 0
                }, pointer)
        }
        return message
    }

    private static func error(_ function: StaticString, at location: String, _ message: String) -> FileError {
        // HDF5's drivers report errors of the system in the text: "file write failed: …, errno = 28, error message =
        // '…', …".
        if let number = value(after: "errno = ", in: message).flatMap({ CInt($0) }), number != 0 {
            return FileError(systemCall: "\(function)", at: location, errorNumber: number)
        }
        if message.contains("Fletcher32") {
            return FileError(
                .badData, at: location,
                reason: "its checksum does not match: the file was altered or damaged (\(function))",
                remedy: "restore the file from a copy")
        }
        let reason = message.isEmpty ? "\(function) failed" : "\(message) (\(function))"
        return message.contains("version")
            ? NewerFormat.error(reason, at: location) : FileError(.badData, at: location, reason: reason)
    }

    private static func value(after key: String, in message: String) -> Substring? {
        var rest = message[...]
        while !rest.isEmpty {
            if rest.hasPrefix(key) { return rest.dropFirst(key.count).prefix { $0.isNumber } }
            rest = rest.dropFirst()
        }
        return nil
    }
}

/// Owns an HDF5 identifier (of a dataset, dataspace, datatype, property list, …), and closes it at the end of its
/// lifetime.
struct HDF5Handle: ~Copyable {
    let id: hid_t
    private let closeFunction: @convention(c) (hid_t) -> herr_t

    /// Owns the identifier that `open` returns.
    /// - Throws: `FileError` if the identifier is invalid.
    init(
        _ function: StaticString, at location: @autoclosure () -> String,
        closedBy close: @convention(c) (hid_t) -> herr_t,
        _ open: () -> hid_t
    ) throws {
        id = try HDF5Library.call(function, at: location(), open)
        closeFunction = close
    }

    deinit {
        let (id, close) = (id, closeFunction)
        HDF5Library.quietly { close(id) }
    }

    /// Closes the identifier and reports a failure. Closing a dataset may write its last data.
    consuming func close(_ function: StaticString, at location: @autoclosure () -> String) throws {
        let (id, close) = (id, closeFunction)
        discard self
        try HDF5Library.call(function, at: location()) { close(id) }
    }
}

/// A range of rows of a dataset (an HDF5 hyperslab), and a dataspace for contiguous memory of the same shape.
struct HDF5Hyperslab: ~Copyable {
    let fileSpace: HDF5Handle
    let memorySpace: HDF5Handle

    init(of dataset: borrowing HDF5Handle, rows: Range<Int>, shape: [Int], _ location: String) throws {
        let datasetID = dataset.id
        var start = [hsize_t](repeating: 0, count: shape.count)
        var extents = shape.map { hsize_t($0) }
        start[0] = hsize_t(rows.lowerBound)
        extents[0] = hsize_t(rows.count)
        let selection = try HDF5Handle("H5Dget_space", at: location, closedBy: H5Sclose) { H5Dget_space(datasetID) }
        // HDF5 copies whole runs only if both dataspaces have the same rank.
        let memory = try HDF5Handle("H5Screate_simple", at: location, closedBy: H5Sclose) {
            H5Screate_simple(CInt(shape.count), extents, nil)
        }
        let spaceID = selection.id
        try HDF5Library.call("H5Sselect_hyperslab", at: location) {
            H5Sselect_hyperslab(spaceID, H5S_SELECT_SET, start, nil, extents, nil)
        }
        fileSpace = selection
        memorySpace = memory
    }
}
