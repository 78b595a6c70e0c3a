import CoupletFiles
import CoupletText

/// Reads the text of a config file.
package enum ConfigurationFile {
    /// Largest size in bytes. A config has about a page; a longer file is not a config.
    private static let largestSize = 1 << 20

    /// - Throws: `FileError`: `.inputOutput` if the system refuses, `.badData` if the file is not UTF-8 text.
    package static func text(at path: String) throws -> String {
        if FileSystem.isFolder(path) {
            let inside = path.hasSuffix("/") ? "\(path)config.yaml" : "\(path)/config.yaml"
            throw FileError(
                .inputOutput, at: path, reason: "is a folder, not a config",
                remedy: FileSystem.exists(inside) ? "the config of that run is \(inside)" : "name a YAML file")
        }
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.contents(of: path, limit: largestSize, acceptsPipe: true)
        } catch let error as FileError {
            let remedy = FileSystem.exists(path) ? error.remedy : suggestion(for: path) ?? error.remedy
            let reason = "cannot read the config: \(error.reason)"
            throw FileError(error.kind, at: path, reason: reason, remedy: remedy)
        }
        func refuse(_ reason: String) -> FileError {
            FileError(.badData, at: path, reason: reason, remedy: "a config is a short YAML text")
        }
        guard bytes.count <= largestSize else { throw refuse("is longer than \(largestSize) bytes") }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw FileError(
                .badData, at: path, reason: "is text in UTF-16", remedy: "save it as UTF-8, for example with iconv")
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw refuse("is not text in UTF-8")
        }
        return text
    }

    /// Suggests a config in the same folder whose name is similar to the name of the missing one.
    private static func suggestion(for path: String) -> String? {
        let name = FileSystem.lastComponent(of: path)
        let configs = FileSystem.names(in: FileSystem.folder(of: path))
            .filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        return NearestNames.guess(name, among: configs).map { "did you mean \(path.dropLast(name.count))\($0)?" }
    }
}
