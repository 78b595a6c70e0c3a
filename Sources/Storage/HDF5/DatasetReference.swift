import CoupletFiles

/// A dataset in a file, written "FILE.h5:/dataset".
public struct DatasetReference: Sendable, Equatable, CustomStringConvertible {
    public let file: String
    /// The path of the dataset in the file, with the leading slash: "/covariance/uu".
    public let dataset: String

    public init(file: String, dataset: String) {
        self.file = file
        self.dataset = dataset
    }

    /// - Throws: `FileError(.badData)` if the text has no file or no dataset.
    public init(_ text: String) throws {
        func refuse(_ reason: String) -> FileError {
            FileError(
                .badData, at: "“\(text)”", reason: reason, remedy: "write FILE.h5:/dataset, such as pairs.h5:/first")
        }
        var colon: String.Index?
        for position in text.indices where text[position] == ":" {
            let next = text.index(after: position)
            if next < text.endIndex, text[next] == "/" { colon = position }
        }
        guard let colon else {
            throw refuse(
                text.contains(":")
                    ? "the dataset after the colon does not begin with a slash" : "names a file but no dataset in it")
        }
        file = String(text[..<colon])
        dataset = String(text[text.index(after: colon)...])
        if file.isEmpty { throw refuse("names no file before the colon") }
        if dataset.split(separator: "/").isEmpty { throw refuse("names no dataset after the colon") }
        if dataset.hasSuffix("/") { throw refuse("ends with a slash, so it names a group and not a dataset") }
    }

    public var description: String { "\(file):\(dataset)" }
}
