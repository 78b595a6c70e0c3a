import CHDF5
import CoupletFiles
import Glibc
import Synchronization

/// The one door to HDF5's C functions: every call is serialized where the library's build needs that, silenced and checked.
enum HDF5Library {
    /// Whether the library locks itself. Where it does not, `call` locks.
    static let isThreadSafe: Bool = {
        // Before the first other call, or it has no effect. At exit HDF5 would try once more to write what a full disk refused,
        // and crash (1.10.8): files are closed by their owners, where a failure can be told.
        _ = H5dont_atexit()
        var answer: hbool_t = false
        return H5is_library_threadsafe(&answer) >= 0 && answer
    }()

    private static let lock = Mutex<Void>(())

    /// Runs one HDF5 function.
    /// - Returns: what it returned, where that is not negative.
    /// - Throws: `FileError` with the place, the function's name and HDF5's innermost message: `.inputOutput` where the
    ///   system refused, `.badData` otherwise.
    @discardableResult
    static func call<Result: SignedInteger>(
        _ function: StaticString, at place: @autoclosure () -> String, _ body: () -> Result
    ) throws -> Result {
        let (result, message) = serialized {
            let result = body()
            return (result, result < 0 ? innermostMessage() : "")
        }
        if result < 0 { throw error(function, at: place(), message) }
        return result
    }

    /// Runs one HDF5 function whose failure has no consequence, such as a close in a `deinit`.
    @discardableResult
    static func quietly<Result>(_ body: () -> Result) -> Result { serialized(body) }

    private static func serialized<Result>(_ body: () -> Result) -> Result {
        if isThreadSafe { return silenced(body) }
        var result: Result?
        lock.withLock { _ in result = silenced(body) }
        return result!
    }

    private static func silenced<Result>(_ body: () -> Result) -> Result {
        // A thread-safe build keeps one error stack, and one setting for printing it, a *thread*: so not once, but at each call.
        _ = H5Eset_auto2(couplet_H5E_DEFAULT(), nil, nil)
        return body()
    }

    /// What the deepest function in the stack of errors said: the cause; the others say who called whom.
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

    private static func error(_ function: StaticString, at place: String, _ message: String) -> FileError {
        // HDF5's drivers put the system's refusal into the text: "file write failed: …, errno = 28, error message = '…', …".
        if let number = value(after: "errno = ", in: message).flatMap({ CInt($0) }), number != 0 {
            return FileError(systemCall: "\(function)", on: place, errorNumber: number)
        }
        if message.contains("Fletcher32") {
            return FileError(
                .badData, place: place,
                reason: "its checksum does not match: the file was altered or damaged (\(function))",
                remedy: "restore the file from a copy")
        }
        return FileError(
            .badData, place: place, reason: message.isEmpty ? "\(function) failed" : "\(message) (\(function))")
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
