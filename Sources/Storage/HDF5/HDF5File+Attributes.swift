import CHDF5
import CoupletFiles

extension HDF5File {
    /// Reads a scalar attribute of a group or dataset; nil if it has no attribute of this name.
    /// - Throws: `FileError(.badData)` if the object is missing, or if the attribute is neither a string nor a single
    ///   number.
    public func attribute(_ name: String, of object: String = "/") throws -> AttributeValue? {
        let (location, path) = ("\(location(of: object))@\(name)", Self.absolute(object))
        guard try kind(of: object) != nil else {
            throw FileError(.badData, at: self.location(of: object), reason: "does not exist")
        }
        let exists = try HDF5Library.call("H5Aexists_by_name", at: location) {
            H5Aexists_by_name(id, path, name, couplet_H5P_DEFAULT())
        }
        if exists == 0 { return nil }
        let attribute = try HDF5Handle("H5Aopen_by_name", at: location, closedBy: H5Aclose) {
            H5Aopen_by_name(id, path, name, couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT())
        }
        guard let value = try value(of: attribute, location) else {
            throw FileError(.badData, at: location, reason: "is neither a string nor a single number")
        }
        return value
    }

    /// Reads all attributes that are strings or single numbers, in the order in which they were written if the file
    /// keeps that order, otherwise by name.
    /// - Throws: `FileError(.badData)` if the object is missing.
    public func attributes(of object: String = "/") throws -> [(name: String, value: AttributeValue)] {
        let (location, path) = (location(of: object), Self.absolute(object))
        guard try kind(of: object) != nil else { throw FileError(.badData, at: location, reason: "does not exist") }
        let opened = try HDF5Handle("H5Oopen", at: location, closedBy: H5Oclose) {
            H5Oopen(id, path, couplet_H5P_DEFAULT())
        }
        let objectID = opened.id
        var result: [(name: String, value: AttributeValue)] = []
        // H5Aopen_by_idx fails if the object does not keep the order of creation.
        let probe = HDF5Library.quietly {
            H5Aopen_by_idx(
                objectID, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, 0, couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT())
        }
        if probe >= 0 { HDF5Library.quietly { H5Aclose(probe) } }
        let index = probe >= 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME
        let count = try HDF5Library.call("H5Aget_num_attrs", at: location) { H5Aget_num_attrs(objectID) }
        for number in 0..<hsize_t(count) {
            let attribute = try HDF5Handle("H5Aopen_by_idx", at: location, closedBy: H5Aclose) {
                H5Aopen_by_idx(objectID, ".", index, H5_ITER_INC, number, couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT())
            }
            let attributeID = attribute.id
            let size = try HDF5Library.call("H5Aget_name", at: location) { H5Aget_name(attributeID, 0, nil) }
            var buffer = [CChar](repeating: 0, count: size + 1)
            try HDF5Library.call("H5Aget_name", at: location) { H5Aget_name(attributeID, buffer.count, &buffer) }
            let name = String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if let value = try value(of: attribute, "\(location)@\(name)") { result.append((name, value)) }
        }
        return result
    }

    /// Writes an attribute of a group or dataset, and replaces one of the same name.
    ///
    /// A string is written as a UTF-8 string of fixed length, because no checksum covers HDF5's strings of variable
    /// length. (h5py returns such an attribute as bytes: `file.attrs["config"].decode()`.)
    public func setAttribute(_ name: String, _ value: AttributeValue, of object: String = "/") throws {
        let location = "\(location(of: object))@\(name)"
        switch value {
        case .string(let text):
            let bytes = text.utf8.isEmpty ? [0] : Array(text.utf8)
            let type = try HDF5Handle("H5Tcopy", at: location, closedBy: H5Tclose) { H5Tcopy(couplet_H5T_C_S1()) }
            let typeID = type.id
            try HDF5Library.call("H5Tset_size", at: location) { H5Tset_size(typeID, bytes.count) }
            try HDF5Library.call("H5Tset_strpad", at: location) { H5Tset_strpad(typeID, H5T_STR_NULLPAD) }
            try HDF5Library.call("H5Tset_cset", at: location) { H5Tset_cset(typeID, H5T_CSET_UTF8) }
            try bytes.withUnsafeBytes {
                try setAttribute(name, object, location, inFile: typeID, inMemory: typeID, $0.baseAddress!)
            }
        case .integer(let number):
            try withUnsafeBytes(of: Int64(number)) {
                try setAttribute(
                    name, object, location, inFile: couplet_H5T_STD_I64LE(), inMemory: couplet_H5T_NATIVE_INT64(),
                    $0.baseAddress!)
            }
        case .unsigned(let number):
            try withUnsafeBytes(of: number) {
                try setAttribute(
                    name, object, location, inFile: couplet_H5T_STD_U64LE(), inMemory: couplet_H5T_NATIVE_UINT64(),
                    $0.baseAddress!)
            }
        case .double(let number):
            try withUnsafeBytes(of: number) {
                try setAttribute(
                    name, object, location, inFile: couplet_H5T_IEEE_F64LE(), inMemory: couplet_H5T_NATIVE_DOUBLE(),
                    $0.baseAddress!)
            }
        }
    }

    private func setAttribute(
        _ name: String, _ object: String, _ location: String, inFile: hid_t, inMemory: hid_t, _ value: UnsafeRawPointer
    ) throws {
        let path = Self.absolute(object)
        if try HDF5Library.call(
            "H5Aexists_by_name", at: location, { H5Aexists_by_name(id, path, name, couplet_H5P_DEFAULT()) }) > 0
        {
            try HDF5Library.call("H5Adelete_by_name", at: location) {
                H5Adelete_by_name(id, path, name, couplet_H5P_DEFAULT())
            }
        }
        let space = try HDF5Handle("H5Screate", at: location, closedBy: H5Sclose) { H5Screate(H5S_SCALAR) }
        let spaceID = space.id
        let attribute = try HDF5Handle("H5Acreate_by_name", at: location, closedBy: H5Aclose) {
            H5Acreate_by_name(
                id, path, name, inFile, spaceID, couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT())
        }
        let attributeID = attribute.id
        try HDF5Library.call("H5Awrite", at: location) { H5Awrite(attributeID, inMemory, value) }
        try attribute.close("H5Aclose", at: location)
    }

    /// The value of an attribute; nil if it is neither a string nor a single number.
    private func value(of attribute: borrowing HDF5Handle, _ location: String) throws -> AttributeValue? {
        let attributeID = attribute.id
        let space = try HDF5Handle("H5Aget_space", at: location, closedBy: H5Sclose) { H5Aget_space(attributeID) }
        let type = try HDF5Handle("H5Aget_type", at: location, closedBy: H5Tclose) { H5Aget_type(attributeID) }
        let (spaceID, typeID) = (space.id, type.id)
        guard HDF5Library.quietly({ H5Sget_simple_extent_npoints(spaceID) }) == 1 else { return nil }
        func read<Value: BitwiseCopyable>(_ zero: Value, as memoryType: hid_t) throws -> Value {
            var value = zero
            try HDF5Library.call("H5Aread", at: location) { H5Aread(attributeID, memoryType, &value) }
            return value
        }
        switch HDF5Library.quietly({ H5Tget_class(typeID) }) {
        case H5T_FLOAT:
            return .double(try read(0.0, as: couplet_H5T_NATIVE_DOUBLE()))
        case H5T_INTEGER, H5T_ENUM:
            if HDF5Library.quietly({ H5Tget_class(typeID) == H5T_INTEGER && H5Tget_sign(typeID) == H5T_SGN_NONE }) {
                let number = try read(UInt64(0), as: couplet_H5T_NATIVE_UINT64())
                return Int(exactly: number).map { .integer($0) } ?? .unsigned(number)
            }
            return .integer(Int(try read(Int64(0), as: couplet_H5T_NATIVE_INT64())))
        case H5T_STRING:
            if try HDF5Library.call("H5Tis_variable_str", at: location, { H5Tis_variable_str(typeID) }) > 0 {
                let text = try read(UnsafeMutablePointer<CChar>?.none, as: typeID)
                defer { HDF5Library.quietly { H5free_memory(text) } }
                return .string(text.map { String(cString: $0) } ?? "")
            }
            var bytes = [UInt8](repeating: 0, count: HDF5Library.quietly { H5Tget_size(typeID) })
            try HDF5Library.call("H5Aread", at: location) { H5Aread(attributeID, typeID, &bytes) }
            var text = bytes.prefix { $0 != 0 }
            if HDF5Library.quietly({ H5Tget_strpad(typeID) }) == H5T_STR_SPACEPAD {
                while text.last == UInt8(ascii: " ") { text.removeLast() }
            }
            return .string(String(decoding: text, as: UTF8.self))
        default:
            return nil
        }
    }
}

/// The value of a scalar attribute of an HDF5 object.
public enum AttributeValue: Sendable, Equatable {
    case string(String)
    case integer(Int)
    /// A whole number that may exceed `Int.max`, such as a seed. A number that is read is `unsigned` only if it exceeds
    /// `Int.max`.
    case unsigned(UInt64)
    case double(Double)
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
}
