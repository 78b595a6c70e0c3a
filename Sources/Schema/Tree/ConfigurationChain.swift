import CoupletFiles
import Glibc

/// A config file together with the files that it extends:
///
///     extends: base.yaml
///
/// The path is relative to the folder of the file that says it. The extended file may extend another one.
package struct ConfigurationChain: Sendable {
    package typealias Location = ConfigurationNode.Location

    /// The key that names the extended file. It stands at the top level of a file.
    package static let key = "extends"

    /// The values of all files, each with the file and line at which it stands.
    package private(set) var tree: ConfigurationNode
    /// The text of the first file.
    package let text: String
    /// The paths of the files, the config itself first.
    package let files: [String]

    /// Reads a file and the files that it extends.
    /// - Throws: `FileError` if the file itself cannot be read; `ConfigurationError` about the key `extends` if an
    ///   extended file cannot be read, is no block of keys, or extends itself, and if a file is not valid YAML.
    package init(path: String, _ merge: @autoclosure () -> ConfigurationMerge) throws {
        try self.init(text: ConfigurationFile.text(at: path), path: path, merge())
    }

    /// Reads the files that a text extends.
    /// - Parameters:
    ///   - path: the file that the text comes from.
    ///   - merge: how the values of the files are merged; made if there are several files.
    package init(text: String, path: String, _ merge: @autoclosure () -> ConfigurationMerge) throws {
        self.text = text
        var tree = try Self.parse(text, path), trees: [ConfigurationNode] = [], files = [path]
        while let reference = try Self.takeReference(&tree, of: files[files.count - 1]) {
            trees.append(tree)
            tree = try Self.extended(reference, files)
            files.append(reference.path)
        }
        self.files = files
        if !trees.isEmpty {
            let merge = merge()
            tree = trees.reversed().reduce(tree) { merge.merged($1, over: $0) }
        }
        self.tree = tree
    }

    /// Removes keys with their blocks, such as `objective.temperature.minimum`.
    package mutating func remove(_ keys: [String]) {
        for key in keys { tree.remove(key.split(separator: ".").map(String.init)) }
    }

    /// A path that a key `extends` holds.
    private struct Reference {
        let path: String
        let location: Location

        func problem(_ reason: String) -> ConfigurationError {
            ConfigurationError([.init(at: location, key: ConfigurationChain.key, reason: reason)])
        }
    }

    private static func parse(_ text: String, _ path: String) throws -> ConfigurationNode {
        try ConfigurationNode(yaml: text) { .file(name: path, line: $0, column: $1) }
    }

    /// Removes the key `extends` from a tree; nil if there is none.
    private static func takeReference(_ tree: inout ConfigurationNode, of file: String) throws -> Reference? {
        guard case .block(let entries) = tree.content, let entry = entries.first(where: { $0.key == key }) else {
            return nil
        }
        let problems = ConfigurationBlock.Problems()
        let block = ConfigurationBlock(tree, path: "", location: tree.location, problems: problems)
        guard let given = block.path(key, entry.value, example: "base.yaml") else {
            throw ConfigurationError(problems.all)
        }
        tree.remove([key])
        return Reference(path: path(given, from: file), location: entry.value.location)
    }

    /// A path that is relative to the folder of a file.
    package static func path(_ path: String, from file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    private static func extended(_ reference: Reference, _ files: [String]) throws -> ConfigurationNode {
        let identities = files.map(absolute), identity = absolute(reference.path)
        if let start = identities.firstIndex(of: identity) {
            let circle = (files[start...] + [reference.path]).joined(separator: ", which extends ")
            throw reference.problem("a file cannot extend itself: \(circle)")
        }
        let tree: ConfigurationNode
        do {
            tree = try parse(ConfigurationFile.text(at: reference.path), reference.path)
        } catch let error as FileError {
            throw reference.problem(error.description)
        }
        guard case .block = tree.content else {
            throw reference.problem("\(reference.path): wanted a config, a block of keys; found \(tree.found)")
        }
        return tree
    }

    /// The path without links, by which a file is recognised; the path itself if there is no such file.
    private static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
