import Glibc

/// Calls of the operating system on files, each through one check.
package enum SystemCall {
    /// Runs one system call on a path, again where a signal interrupted it.
    /// - Returns: what the call returned, where that is not negative.
    /// - Throws: `FileError(.inputOutput)` with the call's name and the system's reason.
    @discardableResult
    package static func check<Result: SignedInteger>(_ name: StaticString, _ path: String, _ body: () -> Result) throws
        -> Result
    {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw FileError(systemCall: "\(name)", on: path, errorNumber: code) }
        }
    }

    /// Waits until a file's content is on the disk.
    package static func synchronizeFile(_ path: String) throws {
        let descriptor = try check("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
        defer { close(descriptor) }
        try check("fsync", path) { fsync(descriptor) }
    }

    /// Waits until a folder's list of names is on the disk: a rename is lasting only after this.
    static func synchronizeFolder(_ path: String) throws {
        let descriptor = try check("open", path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(descriptor) }
        // Some network file systems cannot fsync a folder and say EINVAL; they order renames themselves.
        if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP {
            throw FileError(systemCall: "fsync", on: path, errorNumber: errno)
        }
    }

    /// Gives a complete file its name, in place of what had the name, for good.
    package static func rename(_ source: String, to target: String) throws {
        try check("rename", target) { Glibc.rename(source, target) }
        try synchronizeFolder(folder(of: target))
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func lastComponent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Makes a folder and those it lies in, where they are missing.
    package static func makeFolder(_ path: String) throws {
        if exists(path) { return }
        let parent = folder(of: path)
        if parent != path { try makeFolder(parent) }
        if mkdir(path, 0o777) != 0, errno != EEXIST {
            throw FileError(systemCall: "mkdir", on: path, errorNumber: errno)
        }
    }

    /// The names in a folder, without "." and "..", in no order.
    package static func names(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else {
            throw FileError(systemCall: "opendir", on: folder, errorNumber: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        if errno != 0 { throw FileError(systemCall: "readdir", on: folder, errorNumber: errno) }
        return names
    }

    /// The whole content of a file.
    static func contents(of path: String) throws -> [UInt8] {
        let descriptor = try check("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
        defer { close(descriptor) }
        var status = stat()
        try check("fstat", path) { fstat(descriptor, &status) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: max(Int(status.st_size), 4096))
        while true {
            let count = try check("read", path) { read(descriptor, &piece, piece.count) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    /// Writes all bytes, in as many calls as the system wants.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, _ path: String) throws {
        var done = 0
        while done < bytes.count {
            done += try check("write", path) { Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done) }
        }
    }
}
