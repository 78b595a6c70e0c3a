import CoupletStorage
import CoupletText

/// Datasets with one integer a pair: /labels, /split, /groups.
enum HDF5Columns {
    /// Reads an optional dataset of N integers; N × 1 and whole floats are accepted.
    /// - Throws: `DataError` if it has another shape, or if it is missing though the config names it; `FileError` if it
    ///   cannot be read or a number is not whole.
    static func integers(
        _ member: KeyPath<HDF5DatasetNames, String?>, _ names: HDF5DatasetNames, of file: HDF5File, count: Int
    ) throws -> [Int]? {
        let name = names[member]
        guard let dataset = try file.dataset(name) else {
            if names[keyPath: member] == nil { return nil }
            throw try missing(name, of: file, HDF5DatasetNames.key(member))
        }
        guard dataset.rows == count, !dataset.shape.isEmpty, dataset.columns == 1 else {
            throw DataError(
                at: "\(file.path):\(name)", reason: "has the shape \(dataset.shape), but there are \(count) pairs",
                remedy: "give one integer a pair, the shape [\(count)]")
        }
        return try file.readIntegers(name)
    }

    /// The error of a dataset that the file does not have.
    /// - Parameter key: the key of the config that names it.
    static func missing(_ name: String, of file: HDF5File, _ key: String) throws -> DataError {
        let names = NearestNames.sorted(try file.datasetNames, nearest: name)
        return DataError(
            at: file.path,
            reason:
                "has no dataset \(name); it has \(names.isEmpty ? "none" : names.prefix(8).joined(separator: ", "))",
            remedy: "data.\(key) names the dataset")
    }

    /// Reads labels.
    /// - Parameters:
    ///   - allowsNone: whether -1, "no label", is allowed.
    ///   - reading: the table of the labels; `.fromData` for those that occur.
    ///   - isFormer: whether `.fromData` means 0 … largest label, as in runs without `data.split_seed`.
    /// - Throws: `DataError` if a label is negative or not in the table, or if there are too many.
    static func labels(
        _ labels: [Int], at location: String, allowsNone: Bool, reading: LabelReading, isFormer: Bool
    ) throws -> LabelColumn {
        if let wrong = labels.firstIndex(where: { $0 < (allowsNone ? LabelTable.none : 0) }) {
            throw DataError(
                at: location, reason: "row \(wrong) holds the label \(labels[wrong])",
                remedy: allowsNone
                    ? "labels are integers from 0; -1 is no label"
                    : "labels are integers from 0; a sample without a label has no place in this modality: leave the "
                        + "row out")
        }
        let table =
            switch reading {
            case .table(let table): table
            case .fromData: isFormer ? LabelTable(upTo: (labels.max() ?? -1) + 1) : LabelTable(labels)
            }
        guard table.count <= LabelColumn.largestCount else {
            throw DataError(
                at: location,
                reason: isFormer
                    ? "a list of integers holds labels, but this one goes up to \(table.count - 1)"
                    : "a list of integers holds labels, but this one has \(table.count) different ones",
                remedy: "write quantities that are not labels as floats")
        }
        do {
            return try LabelColumn(labels, table: table)
        } catch {
            throw DataError(
                at: location,
                reason: "row \(error.row) holds the label \(error.label), which the run does not know: it has "
                    + "\(table.count) labels, \(table.summary)",
                remedy: "leave out rows of other classes, or train a run on data that have them")
        }
    }
}
