import Glibc

/// Writes files that are whole or absent. A crash at any moment leaves either the previous file or the new one. Once a
/// function has returned, the new file survives a power cut.
///
/// The content is written to a temporary file in the same folder, which is flushed to the disk and then renamed
/// (`TemporaryFile`).
public enum DurableFile {
    /// Writes bytes to a file, and replaces the previous file.
    /// - Throws: `FileError(.inputOutput)`; the previous file is then untouched.
    public static func replace(_ path: String, with bytes: [UInt8]) throws {
        try write(path) { temporaryPath in
            let descriptor = try SystemCall.check("open", temporaryPath) {
                open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
            }
            defer { close(descriptor) }
            try bytes.withUnsafeBytes { try FileSystem.write($0, to: descriptor, temporaryPath) }
        }
    }

    /// Writes text in UTF-8 to a file, and replaces the previous file.
    /// - Throws: `FileError(.inputOutput)`; the previous file is then untouched.
    public static func replace(_ path: String, with text: String) throws { try replace(path, with: Array(text.utf8)) }

    /// Writes a file with `body` under a temporary path, then renames it to `path`. It replaces the previous file.
    /// - Parameter body: writes and closes the file at the temporary path.
    /// - Returns: the result of `body`.
    /// - Throws: `FileError(.inputOutput)` and the errors of `body`; a `FileError` names `path` in place of the
    ///   temporary path. The previous file is then untouched, and the temporary file is deleted.
    package static func write<Result>(_ path: String, _ body: (_ temporaryPath: String) throws -> Result) throws
        -> Result
    {
        let file = try TemporaryFile(for: path)
        do {
            let result = try body(file.temporaryPath)
            try file.commit()
            return result
        } catch {
            file.discard()
            throw file.withFinalPath(error)
        }
    }
}

/// A file that has a hidden name until it is complete: ".NAME.HOST.PROCESS.partial", in the folder of its final path.
///
/// Use this type directly for a file that stays open for long; `DurableFile` is simpler otherwise.
package struct TemporaryFile: Sendable {
    /// The final path.
    package let path: String
    package let temporaryPath: String

    private static let suffix = ".partial"
    /// Age in seconds from which a file of a process on another host counts as abandoned. A running process writes to
    /// its file more often than that.
    private static let abandonedAge = 600

    /// Chooses the temporary path, and deletes the files that killed processes left for the same final path. Nothing is
    /// created.
    /// - Throws: `FileError(.inputOutput)` if the folder cannot be read, or if the path names something else than a
    ///   file: renaming a file to /dev/null would replace the device.
    package init(for path: String) throws {
        try FileSystem.requireRegularFile(path)
        let (folder, name) = (FileSystem.folder(of: path), FileSystem.lastComponent(of: path))
        do {
            try Self.removeAbandoned(in: folder, name: name)
        } catch let error as FileError {
            throw FileError(error.kind, at: path, reason: "its folder: \(error.reason)", remedy: error.remedy)
        }
        self.init(path: path, temporaryPath: "\(folder)/.\(name).\(HostName.current).\(getpid())\(Self.suffix)")
    }

    /// A temporary file whose path another process or thread chose.
    init(path: String, temporaryPath: String) {
        self.path = path
        self.temporaryPath = temporaryPath
    }

    /// Flushes the closed file to the disk and gives it its final name.
    /// - Throws: `FileError(.inputOutput)`.
    package func commit() throws {
        do {
            try FileSystem.synchronizeFile(temporaryPath)
            try FileSystem.rename(temporaryPath, to: path)
        } catch {
            throw withFinalPath(error)
        }
    }

    /// Deletes the unfinished file.
    package func discard() { unlink(temporaryPath) }

    /// The error with the final path in place of the temporary one, which the user does not know.
    fileprivate func withFinalPath(_ error: any Error) -> any Error {
        guard let error = error as? FileError, error.location.hasPrefix(temporaryPath) else { return error }
        let location = path + error.location.dropFirst(temporaryPath.count)
        return FileError(error.kind, at: location, reason: error.reason, remedy: error.remedy)
    }

    /// Deletes the temporary files of killed processes in a folder. It also deletes the temporary files of this
    /// process, so none of them may be in use.
    /// - Parameter name: only files whose final name is this one; nil: all.
    /// - Returns: the names of the deleted files.
    /// - Throws: `FileError(.inputOutput)` if the folder cannot be read.
    @discardableResult
    package static func removeAbandoned(in folder: String, name: String? = nil) throws -> [String] {
        let prefix = name.map { ".\($0)." } ?? "."
        return try FileSystem.entries(of: folder).filter { entry in
            entry.hasPrefix(prefix) && isAbandoned(entry, in: folder) && unlink("\(folder)/\(entry)") == 0
        }
    }

    /// Whether `name` is a temporary name of a file with the final name `finalName`.
    package static func isTemporary(_ name: String, for finalName: String) -> Bool {
        name.hasPrefix(".\(finalName).") && name.hasSuffix(suffix)
    }

    private static func isAbandoned(_ name: String, in folder: String) -> Bool {
        guard name.hasSuffix(suffix) else { return false }
        let stem = name.dropLast(suffix.count)
        guard let dot = stem.lastIndex(of: "."), let process = pid_t(stem[stem.index(after: dot)...]) else {
            return false
        }
        if stem[..<dot].hasSuffix(".\(HostName.current)") {
            // A container gives out the same process numbers at each start, so a file with our number is from an
            // earlier start.
            return process == getpid() || !isRunning(process)
        }
        var status = stat()
        return stat("\(folder)/\(name)", &status) == 0 && time(nil) - status.st_mtim.tv_sec > abandonedAge
    }

    /// Whether a process runs. A zombie, which its parent has not waited for yet, does not.
    private static func isRunning(_ process: pid_t) -> Bool {
        if kill(process, 0) != 0, errno == ESRCH { return false }
        // The format is "NUMBER (NAME) STATE …". The name may contain parentheses.
        guard let text = ProcFile.text("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return true }
        return !text[end...].dropFirst(2).hasPrefix("Z")
    }
}
