import CHDF5
import CoupletFiles

/// The numbers that stand for "no number" in a dataset: the attributes _FillValue and missing_value of netCDF and of
/// the CF conventions.
struct MissingValues: Sendable {
    private(set) var values: [(origin: String, value: Double)] = []

    /// netCDF's default for rows that nobody wrote, which it does not store as an attribute.
    private static let netCDFDefault = 9.969_209_968_386_869e36

    init() {}

    /// - Throws: `FileError(.badData)` if the dataset is packed: it has a scale_factor or an add_offset.
    init(of dataset: borrowing HDF5Handle, at location: String) throws {
        for (name, neutral) in [("scale_factor", 1.0), ("add_offset", 0.0)] {
            guard let numbers = try Self.numbers(name, of: dataset, location), numbers != [neutral] else { continue }
            throw FileError(
                .badData, at: location,
                reason: "has the attribute \(name) = \(numbers.map { "\($0)" }.joined(separator: ", ")): its numbers "
                    + "are packed, and are not what they stand for",
                remedy: "unpack them when you write the file (value · scale_factor + add_offset), and leave the "
                    + "attribute out")
        }
        for name in ["_FillValue", "missing_value"] {
            let numbers = try Self.numbers(name, of: dataset, location) ?? []
            values += numbers.map { ("the attribute \(name)", $0) }
        }
        let fill = try Self.fillValue(of: dataset, location)
        if let fill, abs(fill) > 9.969e36, abs(fill) < 9.970e36 {
            values.append(("the fill value of netCDF", Self.netCDFDefault))
        }
    }

    mutating func add(_ other: MissingValues) { values += other.values }

    /// - Parameter row: maps a position among the elements to a row of the dataset.
    /// - Throws: `FileError(.badData)` with the first row that holds a missing value.
    func refuse(in elements: UnsafeBufferPointer<Float>, at location: String, row: (Int) -> Int) throws {
        for (origin, value) in values where !value.isNaN {
            let wanted = Float(value)
            if let position = elements.firstIndex(where: { $0 == wanted }) {
                throw Self.error(origin, value, row(position), location)
            }
        }
    }

    /// - Parameter number: converts an element.
    /// - Throws: `FileError(.badData)` with the first row that holds a missing value.
    func refuse<Element>(
        in elements: UnsafeBufferPointer<Element>, at location: String, number: (Element) -> Double, row: (Int) -> Int
    ) throws {
        for (origin, value) in values where !value.isNaN {
            if let position = elements.firstIndex(where: { number($0) == value }) {
                throw Self.error(origin, value, row(position), location)
            }
        }
    }

    private static func error(_ origin: String, _ value: Double, _ row: Int, _ location: String) -> FileError {
        FileError(
            .badData, at: location,
            reason: "row \(row) (counted from 0) holds \(value), which \(origin) declares to be a missing value",
            remedy: "leave such rows out, or give them numbers; if it is a number like others, delete the attribute")
    }

    /// The numbers of an attribute; nil if the dataset does not have it, or if it is no number.
    private static func numbers(
        _ name: String, of dataset: borrowing HDF5Handle, _ location: String
    ) throws -> [Double]? {
        let datasetID = dataset.id
        guard try HDF5Library.call("H5Aexists", at: location, { H5Aexists(datasetID, name) }) > 0 else { return nil }
        let attribute = try HDF5Handle("H5Aopen", at: location, closedBy: H5Aclose) {
            H5Aopen(datasetID, name, couplet_H5P_DEFAULT())
        }
        let attributeID = attribute.id
        let type = try HDF5Handle("H5Aget_type", at: location, closedBy: H5Tclose) { H5Aget_type(attributeID) }
        let space = try HDF5Handle("H5Aget_space", at: location, closedBy: H5Sclose) { H5Aget_space(attributeID) }
        let (typeID, spaceID) = (type.id, space.id)
        let typeClass = HDF5Library.quietly { H5Tget_class(typeID) }
        let count = HDF5Library.quietly { H5Sget_simple_extent_npoints(spaceID) }
        guard typeClass == H5T_FLOAT || typeClass == H5T_INTEGER, (1...1_024).contains(count) else { return nil }
        var numbers = [Double](repeating: 0, count: Int(count))
        try HDF5Library.call("H5Aread", at: location) { H5Aread(attributeID, couplet_H5T_NATIVE_DOUBLE(), &numbers) }
        return numbers
    }

    /// The fill value that the writer of a floating-point dataset chose; nil if there is none.
    private static func fillValue(of dataset: borrowing HDF5Handle, _ location: String) throws -> Double? {
        let datasetID = dataset.id
        let type = try HDF5Handle("H5Dget_type", at: location, closedBy: H5Tclose) { H5Dget_type(datasetID) }
        let list = try HDF5Handle("H5Dget_create_plist", at: location, closedBy: H5Pclose) {
            H5Dget_create_plist(datasetID)
        }
        let (typeID, listID) = (type.id, list.id)
        guard HDF5Library.quietly({ H5Tget_class(typeID) }) == H5T_FLOAT else { return nil }
        var status = H5D_FILL_VALUE_UNDEFINED
        try HDF5Library.call("H5Pfill_value_defined", at: location) { H5Pfill_value_defined(listID, &status) }
        guard status == H5D_FILL_VALUE_USER_DEFINED else { return nil }
        var value = 0.0
        try HDF5Library.call("H5Pget_fill_value", at: location) {
            H5Pget_fill_value(listID, couplet_H5T_NATIVE_DOUBLE(), &value)
        }
        return value
    }
}
