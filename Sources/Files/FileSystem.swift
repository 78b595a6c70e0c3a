import Glibc

/// Runs system calls; every return code is checked here.
package enum SystemCall {
    /// Runs a system call on a path, and repeats it while a signal interrupts it.
    /// - Returns: the return value of the call, which is not negative.
    /// - Throws: `FileError(.inputOutput)` with the name of the call and the message of `errno`.
    @discardableResult
    package static func check<Result: SignedInteger>(
        _ name: StaticString, _ path: String, _ call: () -> Result
    ) throws -> Result {
        while true {
            let result = call()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { throw FileError(systemCall: "\(name)", at: path, errorNumber: code) }
        }
    }
}

/// Operations on files and folders, with errors that name the path.
package enum FileSystem {
    // MARK: - Paths

    /// The path without its last component; "." if it has one component only.
    package static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    package static func lastComponent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    /// A path whose first component is `~` or `~user`, with the folder of that user in its place. Other paths stay.
    ///
    /// The folder of `~` is the environment variable HOME, as in a shell.
    /// - Returns: nil if there is no such user.
    package static func expandingTilde(_ path: String) -> String? {
        guard path.hasPrefix("~") else { return path }
        let end = path.firstIndex(of: "/") ?? path.endIndex
        let user = String(path[path.index(after: path.startIndex)..<end])
        guard let folder = user.isEmpty ? ownFolder : folder(ofUser: user) else { return nil }
        return (folder == "/" ? "" : folder) + path[end...]
    }

    private static var ownFolder: String? {
        if let home = getenv("HOME").map({ String(cString: $0) }), !home.isEmpty { return home }
        return getpwuid(getuid()).map { String(cString: $0.pointee.pw_dir) }
    }

    private static func folder(ofUser name: String) -> String? {
        getpwnam(name).map { String(cString: $0.pointee.pw_dir) }
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func isReadable(_ path: String) -> Bool { access(path, R_OK) == 0 }

    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Refuses a path at which a file or folder exists, for commands that must not overwrite it.
    /// - Throws: `FileError(.inputOutput)`.
    package static func requireAbsent(_ path: String) throws {
        if exists(path) {
            throw FileError(
                .inputOutput, at: path, reason: "exists already", remedy: "give another name, or delete it first")
        }
    }

    // MARK: - Folders

    /// Makes a folder and its missing parents. An existing folder is no error.
    /// - Throws: `FileError(.inputOutput)`.
    package static func makeFolder(_ path: String) throws {
        guard !path.isEmpty, !isFolder(path) else { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolder(String(path[..<slash])) }
        // Another process may make the folder at the same moment.
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
            throw FileError(cannot: "make the folder", at: path, errorNumber: errno)
        }
        guard isFolder(path) else { throw FileError(cannot: "make the folder", at: path, errorNumber: ENOTDIR) }
    }

    /// The names in a folder, sorted; empty if the folder does not exist or cannot be read.
    package static func names(in folder: String) -> [String] { ((try? entries(of: folder)) ?? []).sorted() }

    /// The names in a folder, without "." and "..", in no particular order.
    /// - Throws: `FileError(.inputOutput)` if the folder does not exist or cannot be read.
    package static func entries(of folder: String) throws -> [String] {
        guard let stream = opendir(folder) else {
            throw FileError(systemCall: "opendir", at: folder, errorNumber: errno)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        if errno != 0 { throw FileError(systemCall: "readdir", at: folder, errorNumber: errno) }
        return names
    }

    // MARK: - Files

    /// The content of a file. If the file is longer than `limit` bytes, the result may be only its beginning, but it is
    /// also longer than `limit` bytes, so that the caller can refuse the file.
    /// - Throws: `FileError(.inputOutput)`.
    /// - Parameter acceptsPipe: whether the path may name a pipe that this process has inherited, such as /dev/stdin
    ///   or a shell's `<(command)`. It is read to its end.
    package static func contents(
        of path: String, limit: Int = .max, acceptsPipe: Bool = false
    ) throws -> [UInt8] {
        let (descriptor, status) = try openForReading(path, acceptsPipe: acceptsPipe && isInherited(path))
        defer { close(descriptor) }
        let isPipe = status.st_mode & S_IFMT != S_IFREG
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: max(4_096, min(Int(status.st_size), limit, 1 << 30)))
        while bytes.count <= limit {
            if isPipe { try waitForInput(descriptor, path) }
            let count = try SystemCall.check("read", path) { read(descriptor, &chunk, chunk.count) }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Opens a regular file for reading.
    ///
    /// The descriptor does not block: opening a FIFO would otherwise wait for a writer, perhaps for ever, and a device
    /// may have no end.
    /// - Returns: the descriptor, which the caller closes, and the status of the file.
    /// - Throws: `FileError(.inputOutput)` if the system refuses, or if the path names something else than a file.
    static func openForReading(_ path: String, acceptsPipe: Bool = false) throws -> (descriptor: CInt, status: stat) {
        let descriptor = try SystemCall.check("open", path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        do {
            var status = stat()
            try SystemCall.check("fstat", path) { fstat(descriptor, &status) }
            let type = status.st_mode & S_IFMT
            guard type == S_IFREG || acceptsPipe && type == S_IFIFO else {
                throw FileError(
                    .inputOutput, at: path, reason: "is \(name(ofType: type)), not a regular file",
                    remedy: "name a file, or write the content to one first")
            }
            return (descriptor, status)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Refuses a path that names something else than a regular file, for a library that opens the path itself. A path
    /// at which nothing is passes: the library's own error says so.
    /// - Throws: `FileError(.inputOutput)`.
    package static func requireRegularFile(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return }
        throw FileError(
            .inputOutput, at: path, reason: "is \(name(ofType: status.st_mode & S_IFMT)), not a regular file",
            remedy: "name a file, or write the content to one first")
    }

    private static func name(ofType type: mode_t) -> String {
        switch type {
        case S_IFDIR: "a folder"
        case S_IFIFO: "a pipe"
        case S_IFCHR, S_IFBLK: "a device"
        case S_IFSOCK: "a socket"
        default: "something else"
        }
    }

    /// Whether the path names a descriptor of this process.
    static func isInherited(_ path: String) -> Bool {
        path == "/dev/stdin" || path.hasPrefix("/dev/fd/") || path.hasPrefix("/proc/self/fd/")
    }

    /// Waits until a pipe has data or has ended.
    /// - Throws: `FileError(.inputOutput)` after 30 s without either.
    static func waitForInput(_ descriptor: CInt, _ path: String) throws {
        var descriptors = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard try SystemCall.check("poll", path, { poll(&descriptors, 1, 30_000) }) > 0 else {
            throw FileError(.inputOutput, at: path, reason: "nothing was written to this pipe for 30 s")
        }
    }

    /// The content of a file as UTF-8 text. Invalid bytes become replacement characters.
    package static func text(at path: String) throws -> String {
        String(decoding: try contents(of: path), as: UTF8.self)
    }

    /// Writes all bytes to a file descriptor, in as many calls as the system needs.
    package static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, _ path: String) throws {
        var written = 0
        while written < bytes.count {
            written += try SystemCall.check("write", path) {
                Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            }
        }
    }

    /// Writes bytes to a file that is whole or absent after a kill, and replaces the previous file. Nothing waits for
    /// the disk, so a power cut can lose the file; use `DurableFile` for what cannot be made again.
    /// - Throws: `FileError(.inputOutput)`; the previous file is then untouched.
    package static func writeWhole(_ bytes: [UInt8], to path: String) throws {
        let name = lastComponent(of: path), temporary = "\(folder(of: path))/.\(name).\(getpid())\(partialEnding)"
        let descriptor = try SystemCall.check("open", path) {
            open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        }
        do {
            defer { close(descriptor) }
            try bytes.withUnsafeBytes { try write($0, to: descriptor, path) }
        } catch {
            unlink(temporary)
            throw error
        }
        try SystemCall.check("rename", path) { Glibc.rename(temporary, path) }
    }

    /// Deletes the unfinished files that killed processes left in a folder (`writeWhole`).
    package static func removePartialFiles(in folder: String) throws {
        for name in names(in: folder) where name.hasPrefix(".") && name.hasSuffix(partialEnding) {
            try remove("\(folder)/\(name)")
        }
    }

    private static let partialEnding = ".partial"

    /// Writes text to a file descriptor and ignores errors: a closed standard error is no reason to stop.
    package static func write(_ text: String, to descriptor: CInt) {
        var text = text
        text.withUTF8 { try? write(UnsafeRawBufferPointer($0), to: descriptor, "") }
    }

    /// Deletes a file. A missing file is no error.
    /// - Throws: `FileError(.inputOutput)`.
    package static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw FileError(cannot: "remove the file", at: path, errorNumber: errno)
        }
    }

    // MARK: - Durability

    /// Waits until the content of a file is on the disk (fsync).
    static func synchronizeFile(_ path: String) throws {
        let descriptor = try SystemCall.check("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
        defer { close(descriptor) }
        try SystemCall.check("fsync", path) { fsync(descriptor) }
    }

    /// Renames a file, and waits until the new name is on the disk. It replaces an existing file of that name.
    /// - Throws: `FileError(.inputOutput)`.
    package static func rename(_ source: String, to target: String) throws {
        try SystemCall.check("rename", target) { Glibc.rename(source, target) }
        try synchronizeFolder(folder(of: target))
    }

    /// Waits until the names in a folder are on the disk. A rename survives a power cut only after this.
    private static func synchronizeFolder(_ path: String) throws {
        let descriptor = try SystemCall.check("open", path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(descriptor) }
        // Some network file systems refuse to fsync a folder (EINVAL). They order renames themselves.
        if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP {
            throw FileError(systemCall: "fsync", at: path, errorNumber: errno)
        }
    }
}
