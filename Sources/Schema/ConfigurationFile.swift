import CoupletFiles
import CoupletText
import Glibc

/// Reads the text of a config.
package enum ConfigurationFile {
    /// A config is a page; more than this is some other file.
    private static let largest = 1 << 20

    /// - Throws: `FileError`, of kind inputOutput where the system refuses, badData where it is no text.
    package static func text(at path: String) throws -> String {
        func refused(_ code: Int32) -> FileError {
            FileError(
                .inputOutput, place: path, reason: "cannot read the config: \(String(cString: strerror(code)))",
                remedy: code == ENOENT ? suggestion(for: path) : "")
        }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw refused(errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw refused(errno) }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            let inside = path.hasSuffix("/") ? "\(path)config.yaml" : "\(path)/config.yaml"
            throw FileError(
                .inputOutput, place: path, reason: "wanted a config, found a folder",
                remedy: access(inside, R_OK) == 0 ? "the config of that run is \(inside)" : "name a YAML file")
        }
        var bytes = [UInt8](), piece = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw refused(errno) }
            if count == 0 { break }
            bytes += piece[..<count]
            guard bytes.count <= largest else {
                throw FileError(
                    .badData, place: path, reason: "longer than \(largest) bytes",
                    remedy: "a config is a short YAML text")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw FileError(.badData, place: path, reason: "no text in UTF-8", remedy: "a config is a short YAML text")
        }
        return text
    }

    /// The file beside a missing one that was probably meant.
    private static func suggestion(for path: String) -> String {
        let slash = path.lastIndex(of: "/"), folder = slash.map { String(path[...$0]) } ?? ""
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        let configs = FileSystem.names(in: folder.isEmpty ? "." : folder)
            .filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        return NearestNames.guess(name, among: configs).map { "did you mean \(folder)\($0)?" } ?? ""
    }
}
