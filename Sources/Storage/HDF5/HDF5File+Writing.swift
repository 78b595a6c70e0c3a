import CHDF5
import CoupletFiles
import CoupletTensors

extension HDF5File {
    /// The types of number this program writes.
    public enum ElementType: Sendable {
        case float32, float64, int64

        var inFile: hid_t {
            switch self {
            case .float32: couplet_H5T_IEEE_F32LE()
            case .float64: couplet_H5T_IEEE_F64LE()
            case .int64: couplet_H5T_STD_I64LE()
            }
        }

        var inMemory: hid_t {
            switch self {
            case .float32: couplet_H5T_NATIVE_FLOAT()
            case .float64: couplet_H5T_NATIVE_DOUBLE()
            case .int64: couplet_H5T_NATIVE_INT64()
            }
        }

        var bytes: Int { self == .float32 ? 4 : 8 }
    }

    /// Writes a new dataset of Float32, with the tensor's shape. Groups on the way are made.
    /// - Parameter checksum: keeps a checksum beside the numbers, so that reading tells when they were damaged.
    /// - Throws: `FileError`: `.badData` where the name is taken, `.inputOutput` where the system refuses.
    public func write(_ name: String, _ tensor: Tensor, checksum: Bool = false) throws {
        try write(name, .float32, tensor.shape, UnsafeRawPointer(tensor.pointer), checksum: checksum)
    }

    /// Writes a new dataset of Float64, row-major.
    public func write(_ name: String, _ values: [Double], shape: [Int], checksum: Bool = false) throws {
        precondition(values.count == shape.reduce(1, *), "\(values.count) numbers for the shape \(shape)")
        try values.withUnsafeBytes { try write(name, .float64, shape, $0.baseAddress, checksum: checksum) }
    }

    /// Writes a new dataset of whole numbers (64 bits), row-major.
    public func write(_ name: String, _ values: [Int], shape: [Int], checksum: Bool = false) throws {
        precondition(values.count == shape.reduce(1, *), "\(values.count) numbers for the shape \(shape)")
        try values.withUnsafeBytes { try write(name, .int64, shape, $0.baseAddress, checksum: checksum) }
    }

    /// Writes a matrix as a new dataset of Float64.
    public func write(_ name: String, _ matrix: Matrix, checksum: Bool = false) throws {
        try write(name, matrix.elements, shape: [matrix.rows, matrix.columns], checksum: checksum)
    }

    /// Makes a dataset whose rows `writeRows` will fill, all zero until then.
    public func create(_ name: String, _ type: ElementType, shape: [Int], checksum: Bool = false) throws {
        try make(name, type, shape, checksum: checksum).close("H5Dclose", at: place(name))
    }

    /// Fills the rows from `row` on of a dataset that `create` made.
    /// - Throws: `FileError(.badData)` where they lie outside it or rows have another count.
    public func writeRows(_ name: String, from row: Int, _ rows: Tensor) throws {
        try writeRows(name, from: row, .float32, rows.rows, columns: rows.columns, UnsafeRawPointer(rows.pointer))
    }

    /// Fills the rows from `row` on of a dataset that `create` made with whole numbers, row-major.
    public func writeRows(_ name: String, from row: Int, _ values: [Int], columns: Int = 1) throws {
        precondition(columns > 0 && values.count % columns == 0, "\(values.count) numbers in rows of \(columns)")
        try values.withUnsafeBytes {
            try writeRows(name, from: row, .int64, values.count / columns, columns: columns, $0.baseAddress)
        }
    }

    /// Takes a dataset out of the file.
    public func remove(_ name: String) throws {
        let (id, absolute, place) = (id, Self.absolute(name), place(name))
        try HDF5Library.call("H5Ldelete", at: place) { H5Ldelete(id, absolute, couplet_H5P_DEFAULT()) }
    }

    private func writeRows(
        _ name: String, from row: Int, _ type: ElementType, _ count: Int, columns: Int, _ source: UnsafeRawPointer?
    ) throws {
        let dataset = try open(dataset: name)
        let description = try describe(dataset, name)
        let rows = row..<(row + count)
        guard !description.shape.isEmpty, row >= 0, rows.upperBound <= description.rows, columns == description.columns
        else {
            throw FileError(
                .badData, place: place(name),
                reason: "has the shape \(description.shape); rows \(rows) of \(columns) numbers do not fit into it")
        }
        if rows.isEmpty || columns == 0 { return }
        let (datasetID, place) = (dataset.id, place(name))
        let slab = try HDF5Hyperslab(of: dataset, rows: rows, shape: description.shape, place)
        let (fileSpace, memorySpace) = (slab.fileSpace.id, slab.memorySpace.id)
        try HDF5Library.call("H5Dwrite", at: place) {
            H5Dwrite(datasetID, type.inMemory, memorySpace, fileSpace, couplet_H5P_DEFAULT(), source)
        }
        try dataset.close("H5Dclose", at: place)
    }

    private func write(_ name: String, _ type: ElementType, _ shape: [Int], _ source: UnsafeRawPointer?, checksum: Bool)
        throws
    {
        let dataset = try make(name, type, shape, checksum: checksum)
        let (datasetID, place) = (dataset.id, place(name))
        if shape.reduce(1, *) > 0 {
            try HDF5Library.call("H5Dwrite", at: place) {
                H5Dwrite(datasetID, type.inMemory, couplet_H5S_ALL(), couplet_H5S_ALL(), couplet_H5P_DEFAULT(), source)
            }
        }
        // A chunk may still be in HDF5's cache: closing writes it.
        try dataset.close("H5Dclose", at: place)
    }

    private func make(_ name: String, _ type: ElementType, _ shape: [Int], checksum: Bool) throws -> HDF5Handle {
        let (absolute, place) = (Self.absolute(name), place(name))
        if try kind(of: name) != nil {
            throw FileError(.badData, place: place, reason: "exists already in the file", remedy: "give another name")
        }
        try makeGroups(on: absolute)
        let extents = shape.map { hsize_t($0) }
        let space = try HDF5Handle("H5Screate_simple", at: place, closedBy: H5Sclose) {
            H5Screate_simple(CInt(shape.count), extents, nil)
        }
        let list = try HDF5Handle("H5Pcreate", at: place, closedBy: H5Pclose) {
            H5Pcreate(couplet_H5P_DATASET_CREATE())
        }
        let (spaceID, listID) = (space.id, list.id)
        // No time of creation: equal content makes equal files.
        try HDF5Library.call("H5Pset_obj_track_times", at: place) { H5Pset_obj_track_times(listID, false) }
        if checksum {
            if shape.isEmpty {
                // A single number cannot be chunked; it lies in the dataset's header, which `HDF5Format.checksummed` covers.
                try HDF5Library.call("H5Pset_layout", at: place) { H5Pset_layout(listID, H5D_COMPACT) }
            } else if !shape.contains(0) {
                let chunk = Self.chunk(shape, bytes: type.bytes).map { hsize_t($0) }
                try HDF5Library.call("H5Pset_chunk", at: place) { H5Pset_chunk(listID, CInt(chunk.count), chunk) }
                try HDF5Library.call("H5Pset_fletcher32", at: place) { H5Pset_fletcher32(listID) }
            }
        }
        return try HDF5Handle("H5Dcreate2", at: place, closedBy: H5Dclose) {
            H5Dcreate2(id, absolute, type.inFile, spaceID, couplet_H5P_DEFAULT(), listID, couplet_H5P_DEFAULT())
        }
    }

    /// The largest chunk of whole inner extents up to 4 MiB: few chunks, small working memory.
    static func chunk(_ shape: [Int], bytes: Int) -> [Int] {
        var chunk = shape
        var room = max(1, (4 << 20) / bytes)
        for axis in shape.indices.reversed() {
            chunk[axis] = min(shape[axis], room)
            room = max(1, room / max(chunk[axis], 1))
        }
        return chunk
    }

    /// Makes the groups a dataset is to lie in, where they are missing.
    private func makeGroups(on path: String) throws {
        var group = ""
        for component in path.split(separator: "/").dropLast() {
            group += "/" + component
            switch try kind(of: group) {
            case H5I_GROUP: continue
            case nil: break
            default: throw FileError(.badData, place: place(group), reason: "is a dataset, so \(path) cannot lie in it")
            }
            let (name, place) = (group, place(group))
            let list = try HDF5Handle("H5Pcreate", at: place, closedBy: H5Pclose) {
                H5Pcreate(couplet_H5P_GROUP_CREATE())
            }
            let listID = list.id
            try HDF5Library.call("H5Pset_link_creation_order", at: place) {
                H5Pset_link_creation_order(listID, couplet_H5P_CRT_ORDER_TRACKED_INDEXED())
            }
            try HDF5Library.call("H5Pset_obj_track_times", at: place) { H5Pset_obj_track_times(listID, false) }
            let made = try HDF5Handle("H5Gcreate2", at: place, closedBy: H5Gclose) {
                H5Gcreate2(id, name, couplet_H5P_DEFAULT(), listID, couplet_H5P_DEFAULT())
            }
            try made.close("H5Gclose", at: place)
        }
    }
}
