import CHDF5
import CoupletFiles
import CoupletText

extension HDF5File {
    /// The shape and element type of a dataset; nil if there is no dataset of this name.
    /// - Throws: `FileError(.badData)` if the dataset is damaged.
    public func dataset(_ name: String) throws -> DatasetDescription? {
        guard try kind(of: name) == H5I_DATASET else { return nil }
        return try describe(try open(dataset: name), name)
    }

    /// The names of all datasets in the file, with the leading slash.
    public var datasetNames: [String] {
        get throws { try datasetNames(under: "/") }
    }

    /// The names of all datasets in a group and its subgroups, with the leading slash; empty if there is no such group.
    public func datasetNames(under group: String) throws -> [String] {
        var names: [String] = []
        try collectDatasets(under: Self.absolute(group), depth: 0, into: &names)
        return names
    }

    /// The names of the objects in a group, without its path, in the order in which they were written if the file keeps
    /// that order, otherwise sorted by name.
    /// - Throws: `FileError(.badData)` if there is no such group.
    public func children(of group: String) throws -> [String] {
        let location = location(of: group)
        let name = Self.absolute(group)
        guard try kind(of: name) == H5I_GROUP else {
            throw FileError(.badData, at: location, reason: "there is no such group")
        }
        let handle = try HDF5Handle("H5Gopen2", at: location, closedBy: H5Gclose) {
            H5Gopen2(id, name, couplet_H5P_DEFAULT())
        }
        let group = handle.id
        let list = try HDF5Handle("H5Gget_create_plist", at: location, closedBy: H5Pclose) {
            H5Gget_create_plist(group)
        }
        let listID = list.id
        var tracked: UInt32 = 0
        try HDF5Library.call("H5Pget_link_creation_order", at: location) {
            H5Pget_link_creation_order(listID, &tracked)
        }
        let index = tracked & couplet_H5P_CRT_ORDER_TRACKED_INDEXED() != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME
        var information = H5G_info_t()
        try HDF5Library.call("H5Gget_info", at: location) { H5Gget_info(group, &information) }
        return try (0..<information.nlinks).map { number in
            func get(_ buffer: UnsafeMutablePointer<CChar>?, _ size: Int) throws -> Int {
                try HDF5Library.call("H5Lget_name_by_idx", at: location) {
                    H5Lget_name_by_idx(group, ".", index, H5_ITER_INC, number, buffer, size, couplet_H5P_DEFAULT())
                }
            }
            var buffer = [CChar](repeating: 0, count: try get(nil, 0) + 1)
            _ = try get(&buffer, buffer.count)
            return String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// The type of the object with a name (H5I_DATASET, H5I_GROUP, …); nil if there is none, or only a dangling link.
    /// - Throws: `FileError(.badData)` if the path leads into another file.
    func kind(of name: String) throws -> H5I_type_t? {
        let location = location(of: name)
        try refuseExternalLinks(on: name)
        var path = ""
        for component in name.split(separator: "/") {
            path += "/" + component
            let next = path
            // H5Lexists fails if a group of the path is missing, and H5Oexists_by_name fails if the link is missing.
            guard try HDF5Library.call("H5Lexists", at: location, { H5Lexists(id, next, couplet_H5P_DEFAULT()) }) > 0,
                try HDF5Library.call(
                    "H5Oexists_by_name", at: location, { H5Oexists_by_name(id, next, couplet_H5P_DEFAULT()) }) > 0
            else { return nil }
            if next.utf8.count < Self.absolute(name).utf8.count, try objectKind(next, location) != H5I_GROUP {
                return nil
            }
        }
        return try objectKind(path.isEmpty ? "/" : path, location)
    }

    private func objectKind(_ path: String, _ location: String) throws -> H5I_type_t {
        let object = try HDF5Handle("H5Oopen", at: location, closedBy: H5Oclose) {
            H5Oopen(id, path, couplet_H5P_DEFAULT())
        }
        let objectID = object.id
        return HDF5Library.quietly { H5Iget_type(objectID) }
    }

    /// Opens a dataset.
    /// - Throws: `FileError`; if there is no such dataset, it lists the existing ones, those with the most similar
    ///   names first.
    /// - Parameter access: a property list of HDF5 (H5P_DATASET_ACCESS); nil for the default.
    func open(dataset name: String, access: hid_t? = nil) throws -> HDF5Handle {
        let absolute = Self.absolute(name)
        try refuseExternalLinks(on: name)
        do {
            return try HDF5Handle("H5Dopen2", at: location(of: name), closedBy: H5Dclose) {
                H5Dopen2(id, absolute, access ?? couplet_H5P_DEFAULT())
            }
        } catch let failure {
            switch try kind(of: name) {
            case nil: throw try missing(name)
            case H5I_DATASET: throw failure
            default:
                let inside = try datasetNames(under: name)
                throw FileError(
                    .badData, at: location(of: name), reason: "is a group, not a dataset",
                    remedy: inside.isEmpty ? "" : "it holds \(Self.listed(inside))")
            }
        }
    }

    private func missing(_ name: String) throws -> FileError {
        let names = NearestNames.sorted(try datasetNames, nearest: Self.absolute(name))
        return FileError(
            .badData, at: path, reason: "there is no dataset \(Self.absolute(name))",
            remedy: names.isEmpty ? "the file holds no datasets" : "it holds \(Self.listed(names))")
    }

    private static func listed(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }

    func describe(_ dataset: borrowing HDF5Handle, _ name: String) throws -> DatasetDescription {
        let (datasetID, location) = (dataset.id, location(of: name))
        let list = try HDF5Handle("H5Dget_create_plist", at: location, closedBy: H5Pclose) {
            H5Dget_create_plist(datasetID)
        }
        let listID = list.id
        let layout = HDF5Library.quietly { H5Pget_layout(listID) }
        // H5Dget_space opens the sources of a virtual dataset.
        if layout == H5D_VIRTUAL { try requireAcyclic(name) }
        let space = try HDF5Handle("H5Dget_space", at: location, closedBy: H5Sclose) { H5Dget_space(datasetID) }
        let spaceID = space.id
        let rank = Int(
            try HDF5Library.call("H5Sget_simple_extent_ndims", at: location) { H5Sget_simple_extent_ndims(spaceID) })
        var extents = [hsize_t](repeating: 0, count: rank)
        try HDF5Library.call("H5Sget_simple_extent_dims", at: location) {
            H5Sget_simple_extent_dims(spaceID, &extents, nil)
        }
        let shape = try Self.shape(extents, location)

        let type = try HDF5Handle("H5Dget_type", at: location, closedBy: H5Tclose) { H5Dget_type(datasetID) }
        let typeID = type.id
        let typeClass = HDF5Library.quietly { H5Tget_class(typeID) }
        var chunk: [Int]?
        if layout == H5D_CHUNKED {
            var sizes = [hsize_t](repeating: 0, count: rank)
            try HDF5Library.call("H5Pget_chunk", at: location) { H5Pget_chunk(listID, CInt(rank), &sizes) }
            chunk = try Self.shape(sizes, location)
        }
        return DatasetDescription(
            name: Self.absolute(name), shape: shape, elementClass: Self.elementClass(typeClass),
            elementBytes: HDF5Library.quietly { H5Tget_size(typeID) },
            isUnsigned: typeClass == H5T_INTEGER && HDF5Library.quietly { H5Tget_sign(typeID) } == H5T_SGN_NONE,
            chunk: chunk, isFiltered: HDF5Library.quietly { H5Pget_nfilters(listID) } > 0)
    }

    /// Converts extents to integers, and checks that their product does not overflow.
    private static func shape(_ extents: [hsize_t], _ location: String) throws -> [Int] {
        var product = 1
        return try extents.map { extent in
            let size = Int(exactly: extent) ?? Int.max
            let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
            if overflow || next > Int.max / 16 {
                throw FileError(.badData, at: location, reason: "its shape \(extents) is larger than any memory")
            }
            product = next
            return size
        }
    }

    private static func elementClass(_ type: H5T_class_t) -> DatasetDescription.ElementClass {
        switch type {
        case H5T_FLOAT: .float
        case H5T_INTEGER, H5T_ENUM: .integer
        case H5T_STRING: .other("strings")
        case H5T_COMPOUND: .other("compounds")
        case H5T_REFERENCE: .other("references")
        case H5T_VLEN: .other("rows of different lengths")
        case H5T_ARRAY: .other("arrays")
        case H5T_OPAQUE: .other("opaque bytes")
        case H5T_BITFIELD: .other("bit fields")
        default: .other("elements of an unknown class")
        }
    }

    private func collectDatasets(under group: String, depth: Int, into names: inout [String]) throws {
        // Hard links may form a cycle. The bounds end the recursion.
        guard depth < 16, names.count < 10_000, try kind(of: group) == H5I_GROUP else { return }
        for child in try children(of: group) {
            let path = (group == "/" ? "" : group) + "/" + child
            if try externalLink(on: path) != nil { continue }
            switch try kind(of: path) {
            case H5I_DATASET: names.append(path)
            case H5I_GROUP: try collectDatasets(under: path, depth: depth + 1, into: &names)
            default: break
            }
        }
    }
}

/// The shape and the element type of a dataset in an HDF5 file.
public struct DatasetDescription: Sendable, Equatable {
    /// The class of the elements. `other` holds a word for a class that is not numeric, such as "strings".
    public enum ElementClass: Sendable, Equatable {
        case float
        /// Integers and enumerations, such as h5py's booleans.
        case integer
        case other(String)
    }

    /// The path in the file, with the leading slash: "/covariance/uu".
    public let name: String
    /// The extents, outermost first; empty for a single number.
    public let shape: [Int]
    public let elementClass: ElementClass
    /// The size of an element in the file, in bytes.
    public let elementBytes: Int
    /// Whether the elements are unsigned integers.
    public let isUnsigned: Bool
    /// The extents of a chunk; nil if the dataset is stored contiguously.
    public let chunk: [Int]?
    /// Whether filters, such as a compression, change the chunks.
    public let isFiltered: Bool

    /// The first extent; 1 for a single number.
    public var rows: Int { shape.first ?? 1 }
    /// The number of elements in a row: the product of all extents but the first.
    public var columns: Int { shape.dropFirst().reduce(1, *) }
    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }
}
