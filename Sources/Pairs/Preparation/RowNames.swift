import CoupletStorage

/// What the rows of a dataset were made from: texts, or the names of picture files. A set has them beside its rows:
/// /text/second for the rows of /second, /name/first for those of /first.
public struct RowNames: Sendable {
    private let file: HDF5File
    private let dataset: String

    static func textName(_ modality: Modality) -> String { "/text/\(modality.rawValue)" }

    /// Nil if the file has no names for the rows of the dataset.
    /// - Throws: `FileError` if the file cannot be read.
    public init?(of dataset: String, in file: HDF5File) throws {
        guard let last = dataset.split(separator: "/").last, let rows = try file.dataset(dataset)?.rows else {
            return nil
        }
        for name in ["/text/\(last)", "/name/\(last)"] where name != dataset {
            if let names = try file.dataset(name), names.rows == rows, names.elementClass == .other("strings") {
                (self.file, self.dataset) = (file, name)
                return
            }
        }
        return nil
    }

    /// The names of these rows.
    /// - Throws: `FileError` if they cannot be read.
    public func names(_ rows: [Int]) throws -> [String] {
        try file.readStrings(dataset, rowNumbers: rows.map { UInt64($0) })
    }
}
