import CHDF5
import CoupletFiles

extension HDF5File {
    /// A scalar attribute of a group or dataset; nil where there is none of this name.
    /// - Throws: `FileError(.badData)` where the object is missing or the attribute is no text and no single number.
    public func attribute(_ name: String, of object: String = "/") throws -> AttributeValue? {
        let (place, path) = ("\(place(object))@\(name)", Self.absolute(object))
        guard try kind(of: object) != nil else {
            throw FileError(.badData, place: self.place(object), reason: "is not there")
        }
        let isThere = try HDF5Library.call("H5Aexists_by_name", at: place) {
            H5Aexists_by_name(id, path, name, couplet_H5P_DEFAULT())
        }
        if isThere == 0 { return nil }
        let attribute = try HDF5Handle("H5Aopen_by_name", at: place, closedBy: H5Aclose) {
            H5Aopen_by_name(id, path, name, couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT())
        }
        guard let value = try value(of: attribute, place) else {
            throw FileError(.badData, place: place, reason: "is neither a text nor a single number")
        }
        return value
    }

    /// All attributes that are texts or single numbers, in the order they were written where the file keeps it, else by name.
    public func attributes(of object: String = "/") throws -> [(name: String, value: AttributeValue)] {
        let (place, path) = (place(object), Self.absolute(object))
        guard try kind(of: object) != nil else { throw FileError(.badData, place: place, reason: "is not there") }
        let opened = try HDF5Handle("H5Oopen", at: place, closedBy: H5Oclose) {
            H5Oopen(id, path, couplet_H5P_DEFAULT())
        }
        let objectID = opened.id
        var result: [(name: String, value: AttributeValue)] = []
        // An object that keeps no order of writing refuses to be asked by it.
        let probe = HDF5Library.quietly {
            H5Aopen_by_idx(
                objectID, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, 0, couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT())
        }
        if probe >= 0 { HDF5Library.quietly { H5Aclose(probe) } }
        let index = probe >= 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME
        let count = try HDF5Library.call("H5Aget_num_attrs", at: place) { H5Aget_num_attrs(objectID) }
        for number in 0..<hsize_t(count) {
            let attribute = try HDF5Handle("H5Aopen_by_idx", at: place, closedBy: H5Aclose) {
                H5Aopen_by_idx(objectID, ".", index, H5_ITER_INC, number, couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT())
            }
            let attributeID = attribute.id
            let size = try HDF5Library.call("H5Aget_name", at: place) { H5Aget_name(attributeID, 0, nil) }
            var buffer = [CChar](repeating: 0, count: size + 1)
            try HDF5Library.call("H5Aget_name", at: place) { H5Aget_name(attributeID, buffer.count, &buffer) }
            let name = String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if let value = try value(of: attribute, "\(place)@\(name)") { result.append((name, value)) }
        }
        return result
    }

    /// Sets an attribute of a group or dataset, in place of one of the same name.
    ///
    /// A text becomes a UTF-8 string of fixed length: HDF5 keeps strings of variable length where no checksum covers them. (h5py
    /// gives such an attribute as bytes: `file.attrs["config"].decode()`.)
    public func setAttribute(_ name: String, _ value: AttributeValue, of object: String = "/") throws {
        let place = "\(place(object))@\(name)"
        switch value {
        case .string(let text):
            let bytes = text.utf8.isEmpty ? [0] : Array(text.utf8)
            let type = try HDF5Handle("H5Tcopy", at: place, closedBy: H5Tclose) { H5Tcopy(couplet_H5T_C_S1()) }
            let typeID = type.id
            try HDF5Library.call("H5Tset_size", at: place) { H5Tset_size(typeID, bytes.count) }
            try HDF5Library.call("H5Tset_strpad", at: place) { H5Tset_strpad(typeID, H5T_STR_NULLPAD) }
            try HDF5Library.call("H5Tset_cset", at: place) { H5Tset_cset(typeID, H5T_CSET_UTF8) }
            try bytes.withUnsafeBytes {
                try setAttribute(name, object, place, inFile: typeID, inMemory: typeID, $0.baseAddress!)
            }
        case .integer(let number):
            try withUnsafeBytes(of: Int64(number)) {
                try setAttribute(
                    name, object, place, inFile: couplet_H5T_STD_I64LE(), inMemory: couplet_H5T_NATIVE_INT64(),
                    $0.baseAddress!)
            }
        case .unsigned(let number):
            try withUnsafeBytes(of: number) {
                try setAttribute(
                    name, object, place, inFile: couplet_H5T_STD_U64LE(), inMemory: couplet_H5T_NATIVE_UINT64(),
                    $0.baseAddress!)
            }
        case .double(let number):
            try withUnsafeBytes(of: number) {
                try setAttribute(
                    name, object, place, inFile: couplet_H5T_IEEE_F64LE(), inMemory: couplet_H5T_NATIVE_DOUBLE(),
                    $0.baseAddress!)
            }
        }
    }

    private func setAttribute(
        _ name: String, _ object: String, _ place: String, inFile: hid_t, inMemory: hid_t, _ value: UnsafeRawPointer
    ) throws {
        let path = Self.absolute(object)
        if try HDF5Library.call(
            "H5Aexists_by_name", at: place, { H5Aexists_by_name(id, path, name, couplet_H5P_DEFAULT()) }) > 0
        {
            try HDF5Library.call("H5Adelete_by_name", at: place) {
                H5Adelete_by_name(id, path, name, couplet_H5P_DEFAULT())
            }
        }
        let space = try HDF5Handle("H5Screate", at: place, closedBy: H5Sclose) { H5Screate(H5S_SCALAR) }
        let spaceID = space.id
        let attribute = try HDF5Handle("H5Acreate_by_name", at: place, closedBy: H5Aclose) {
            H5Acreate_by_name(
                id, path, name, inFile, spaceID, couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT(), couplet_H5P_DEFAULT())
        }
        let attributeID = attribute.id
        try HDF5Library.call("H5Awrite", at: place) { H5Awrite(attributeID, inMemory, value) }
        try attribute.close("H5Aclose", at: place)
    }

    /// An attribute's value; nil where it is neither a text nor a single number.
    private func value(of attribute: borrowing HDF5Handle, _ place: String) throws -> AttributeValue? {
        let attributeID = attribute.id
        let space = try HDF5Handle("H5Aget_space", at: place, closedBy: H5Sclose) { H5Aget_space(attributeID) }
        let type = try HDF5Handle("H5Aget_type", at: place, closedBy: H5Tclose) { H5Aget_type(attributeID) }
        let (spaceID, typeID) = (space.id, type.id)
        guard HDF5Library.quietly({ H5Sget_simple_extent_npoints(spaceID) }) == 1 else { return nil }
        func read<Value: BitwiseCopyable>(_ zero: Value, as memoryType: hid_t) throws -> Value {
            var value = zero
            try HDF5Library.call("H5Aread", at: place) { H5Aread(attributeID, memoryType, &value) }
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
            if try HDF5Library.call("H5Tis_variable_str", at: place, { H5Tis_variable_str(typeID) }) > 0 {
                let text = try read(UnsafeMutablePointer<CChar>?.none, as: typeID)
                defer { HDF5Library.quietly { H5free_memory(text) } }
                return .string(text.map { String(cString: $0) } ?? "")
            }
            var bytes = [UInt8](repeating: 0, count: HDF5Library.quietly { H5Tget_size(typeID) })
            try HDF5Library.call("H5Aread", at: place) { H5Aread(attributeID, typeID, &bytes) }
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
