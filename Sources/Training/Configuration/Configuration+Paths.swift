import CoupletFiles
import CoupletSchema
import CoupletText
import Foundation

/// The paths of a config. They are relative to the folder in which the run was started, not to the one in which a later
/// command stands: `config.yaml` of a run names that folder.
extension Configuration {
    /// The keys whose values are paths.
    public static let pathKeys = dataPathKeys + ["initialize.from"]
    /// The keys that say where the data are. They may change if the data have moved and their digest is the same.
    public static let dataPathKeys = ["data.path", "data.covariance"]

    /// The beginning of the comment in `config.yaml` that names the folder of relative paths.
    private static let folderComment = "# relative paths begin at "

    /// The resolved YAML, and the current folder if a path is relative.
    var storedYAML: String {
        let settings = try? ConfigurationSettings(yaml: resolvedYAML, name: name)
        let isRelative = Self.pathKeys.contains { settings?[$0].map { !$0.hasPrefix("/") } ?? false }
        let folder = FileManager.default.currentDirectoryPath
        guard isRelative, folder.hasPrefix("/"), !folder.contains("\n") else { return resolvedYAML }
        return resolvedYAML + Self.folderComment + folder + "\n"
    }

    /// Overrides that make the relative paths of a stored config absolute: "data.path=…". A path that does not exist
    /// there stays relative to the current folder, because run and data may have moved together.
    static func resolvedPaths(storedYAML text: String, name: String) throws -> [String] {
        guard let line = text.split(separator: "\n").last, line.hasPrefix(folderComment) else { return [] }
        let folder = String(line.dropFirst(folderComment.count))
        let settings = try ConfigurationSettings(yaml: text, name: name)
        return pathKeys.compactMap { key in
            guard let path = settings[key], !path.hasPrefix("/") else { return nil }
            let absolute = folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
            return FileSystem.exists(absolute) ? "\(key)=\(JSONValue.string(absolute).text)" : nil
        }
    }
}
