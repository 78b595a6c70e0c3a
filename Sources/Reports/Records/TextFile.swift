import Glibc
import Storage

/// The bytes of files that reports read.
enum TextFile {
    /// nil where there is no such file.
    /// - Throws: `StorageError(.inputOutput)` where the system refuses.
    static func bytes(at path: String) throws -> [UInt8]? {
        func refused() -> StorageError {
            StorageError(.inputOutput, place: path, reason: "cannot read the file: \(String(cString: strerror(errno)))")
        }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw refused()
        }
        defer { close(file) }
        var result: [UInt8] = [], piece = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw refused() }
            if count == 0 { return result }
            result += piece[..<count]
        }
    }

    /// The same as text; what is no UTF-8 becomes U+FFFD.
    static func text(at path: String) throws -> String? { try bytes(at: path).map { String(decoding: $0, as: UTF8.self) } }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The names in a folder, sorted; none where it cannot be read.
    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
