import Glibc

/// What a run's folder needs of the system, with errors that say what was refused on which path.
package enum FileSystem {
    /// The error of the call that just failed.
    package static func refused(_ action: String, _ path: String, code: Int32 = errno) -> FileError {
        let remedy =
            switch code {
            case ENOSPC, EDQUOT: "free some space or name another folder with --output"
            case EACCES, EPERM, EROFS: "name a folder that you may write to with --output"
            default: ""
            }
        return FileError(
            .inputOutput, place: path, reason: "cannot \(action): \(String(cString: strerror(code)))", remedy: remedy)
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Makes a folder and those around it; one that is there already is fine.
    package static func makeFolder(_ path: String) throws {
        guard !path.isEmpty, !isFolder(path) else { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolder(String(path[..<slash])) }
        // Another process may make it at the same moment.
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw refused("make the folder", path) }
        guard isFolder(path) else { throw refused("make the folder", path, code: ENOTDIR) }
    }

    /// The names in a folder, sorted; none where there is no such folder.
    package static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// All of a file, as a text in UTF-8.
    package static func text(at path: String) throws -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw refused("read the file", path) }
        defer { close(file) }
        var bytes: [UInt8] = [], piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw refused("read the file", path) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<count]
        }
    }

    /// Removes a file; one that is not there is fine.
    package static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw refused("remove the file", path) }
    }

    /// Writes all of a text, as far as anybody listens: who closed standard error wants no messages.
    package static func write(_ text: String, to file: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
