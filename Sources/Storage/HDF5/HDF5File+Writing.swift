import CHDF5
import CoupletFiles
import CoupletTensors

extension HDF5File {
    /// The element types that this program writes.
    public enum ElementType: Sendable {
        case float32, float64, int64, int32, uint8

        var inFile: hid_t {
            switch self {
            case .float32: couplet_H5T_IEEE_F32LE()
            case .float64: couplet_H5T_IEEE_F64LE()
            case .int64: couplet_H5T_STD_I64LE()
            case .int32: couplet_H5T_STD_I32LE()
            case .uint8: couplet_H5T_STD_U8LE()
            }
        }

        var inMemory: hid_t {
            switch self {
            case .float32: couplet_H5T_NATIVE_FLOAT()
            case .float64: couplet_H5T_NATIVE_DOUBLE()
            case .int64: couplet_H5T_NATIVE_INT64()
            case .int32: couplet_H5T_NATIVE_INT32()
            case .uint8: couplet_H5T_NATIVE_UINT8()
            }
        }

        /// The size of an element.
        package var bytes: Int {
            switch self {
            case .uint8: 1
            case .float32, .int32: 4
            case .float64, .int64: 8
            }
        }
    }

    /// Writes a new dataset of Float32, with the shape of the tensor. Missing groups of its path are created.
    /// - Parameter checksum: whether a Fletcher-32 checksum is stored with each chunk, so that reading detects damage.
    /// - Throws: `FileError`: `.badData` if the name exists, `.inputOutput` if the system refuses.
    public func write(_ name: String, _ tensor: Tensor, checksum: Bool = false) throws {
        try write(name, .float32, tensor.shape, UnsafeRawPointer(tensor.pointer), checksum: checksum)
    }

    /// Writes a new dataset of Float64, row-major.
    public func write(_ name: String, _ values: [Double], shape: [Int], checksum: Bool = false) throws {
        precondition(values.count == shape.reduce(1, *), "\(values.count) numbers for the shape \(shape)")
        try values.withUnsafeBytes { try write(name, .float64, shape, $0.baseAddress, checksum: checksum) }
    }

    /// Writes a new dataset of Int64, row-major.
    public func write(_ name: String, _ values: [Int], shape: [Int], checksum: Bool = false) throws {
        precondition(values.count == shape.reduce(1, *), "\(values.count) numbers for the shape \(shape)")
        try values.withUnsafeBytes { try write(name, .int64, shape, $0.baseAddress, checksum: checksum) }
    }

    /// Writes a new dataset of Int32, row-major.
    public func write(_ name: String, _ values: [Int32], shape: [Int], checksum: Bool = false) throws {
        precondition(values.count == shape.reduce(1, *), "\(values.count) numbers for the shape \(shape)")
        try values.withUnsafeBytes { try write(name, .int32, shape, $0.baseAddress, checksum: checksum) }
    }

    /// Writes a new dataset of unsigned bytes, row-major.
    public func write(_ name: String, _ bytes: [UInt8], shape: [Int], checksum: Bool = false) throws {
        precondition(bytes.count == shape.reduce(1, *), "\(bytes.count) bytes for the shape \(shape)")
        try bytes.withUnsafeBytes { try write(name, .uint8, shape, $0.baseAddress, checksum: checksum) }
    }

    /// Writes a matrix as a new dataset of Float64.
    public func write(_ name: String, _ matrix: Matrix, checksum: Bool = false) throws {
        try write(name, matrix.elements, shape: [matrix.rows, matrix.columns], checksum: checksum)
    }

    /// Creates a dataset whose rows `writeRows` fills. It can be read when all of its rows are written.
    public func create(_ name: String, _ type: ElementType, shape: [Int], checksum: Bool = false) throws {
        try createDataset(name, type, shape, checksum: checksum).close("H5Dclose", at: location(of: name))
    }

    /// Writes Float32 rows of a dataset that `create` made, beginning with row `row`.
    /// - Throws: `FileError(.badData)` if the rows lie outside the dataset, or if its rows have another length.
    public func writeRows(_ name: String, from row: Int, _ rows: Tensor) throws {
        try writeRows(name, from: row, .float32, rows.rows, columns: rows.columns, UnsafeRawPointer(rows.pointer))
    }

    /// Writes Int64 rows of a dataset that `create` made, row-major, beginning with row `row`.
    public func writeRows(_ name: String, from row: Int, _ values: [Int], columns: Int = 1) throws {
        precondition(columns > 0 && values.count % columns == 0, "\(values.count) numbers in rows of \(columns)")
        try values.withUnsafeBytes {
            try writeRows(name, from: row, .int64, values.count / columns, columns: columns, $0.baseAddress)
        }
    }

    /// Writes Int32 rows of a dataset that `create` made, row-major, beginning with row `row`.
    public func writeRows(_ name: String, from row: Int, _ values: [Int32], columns: Int) throws {
        precondition(columns > 0 && values.count % columns == 0, "\(values.count) numbers in rows of \(columns)")
        try values.withUnsafeBytes {
            try writeRows(name, from: row, .int32, values.count / columns, columns: columns, $0.baseAddress)
        }
    }

    /// Writes rows of unsigned bytes of a dataset that `create` made, row-major, beginning with row `row`.
    public func writeRows(_ name: String, from row: Int, _ bytes: [UInt8], columns: Int) throws {
        precondition(columns > 0 && bytes.count % columns == 0, "\(bytes.count) bytes in rows of \(columns)")
        try bytes.withUnsafeBytes {
            try writeRows(name, from: row, .uint8, bytes.count / columns, columns: columns, $0.baseAddress)
        }
    }

    /// Writes rows of elements of this type, which are in memory one after another, of a dataset that `create` made.
    package func writeRows(_ name: String, from row: Int, _ type: ElementType, _ bytes: UnsafeRawBufferPointer) throws {
        guard let columns = try dataset(name)?.columns, columns > 0 else { return }
        precondition(bytes.count % (columns * type.bytes) == 0, "\(bytes.count) bytes in rows of \(columns) numbers")
        try writeRows(
            name, from: row, type, bytes.count / (columns * type.bytes), columns: columns, bytes.baseAddress)
    }

    /// Removes a dataset from the file.
    public func remove(_ name: String) throws {
        let (id, absolute, location) = (id, Self.absolute(name), location(of: name))
        close(dataset: name)
        try HDF5Library.call("H5Ldelete", at: location) { H5Ldelete(id, absolute, couplet_H5P_DEFAULT()) }
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
                .badData, at: location(of: name),
                reason: "has the shape \(description.shape); rows \(rows) of \(columns) numbers do not fit into it")
        }
        if rows.isEmpty || columns == 0 { return }
        let (datasetID, location) = (dataset.id, location(of: name))
        let slab = try HDF5Hyperslab(of: dataset, rows: rows, shape: description.shape, location)
        let (fileSpace, memorySpace) = (slab.fileSpace.id, slab.memorySpace.id)
        try HDF5Library.call("H5Dwrite", at: location) {
            H5Dwrite(datasetID, type.inMemory, memorySpace, fileSpace, couplet_H5P_DEFAULT(), source)
        }
        try dataset.close("H5Dclose", at: location)
    }

    private func write(_ name: String, _ type: ElementType, _ shape: [Int], _ source: UnsafeRawPointer?, checksum: Bool)
        throws
    {
        let dataset = try createDataset(name, type, shape, checksum: checksum)
        let (datasetID, location) = (dataset.id, location(of: name))
        if shape.reduce(1, *) > 0 {
            try HDF5Library.call("H5Dwrite", at: location) {
                H5Dwrite(datasetID, type.inMemory, couplet_H5S_ALL(), couplet_H5S_ALL(), couplet_H5P_DEFAULT(), source)
            }
        }
        // Closing writes chunks that are still in HDF5's cache.
        try dataset.close("H5Dclose", at: location)
    }

    private func createDataset(
        _ name: String, _ type: ElementType, _ shape: [Int], checksum: Bool
    ) throws -> HDF5Handle {
        try createDataset(
            name, type: type.inFile, shape, checksummedChunk: checksum ? Self.chunk(shape, bytes: type.bytes) : nil)
    }

    /// Creates a dataset with elements of any type of HDF5.
    /// - Parameter checksummedChunk: the shape of its chunks, which get a checksum each; nil for no chunks.
    func createDataset(
        _ name: String, type: hid_t, _ shape: [Int], checksummedChunk: [Int]? = nil
    ) throws -> HDF5Handle {
        let (absolute, location) = (Self.absolute(name), location(of: name))
        if try kind(of: name) != nil {
            throw FileError(.badData, at: location, reason: "exists already in the file", remedy: "give another name")
        }
        try createGroups(on: absolute)
        let extents = shape.map { hsize_t($0) }
        let space = try HDF5Handle("H5Screate_simple", at: location, closedBy: H5Sclose) {
            H5Screate_simple(CInt(shape.count), extents, nil)
        }
        let list = try HDF5Handle("H5Pcreate", at: location, closedBy: H5Pclose) {
            H5Pcreate(couplet_H5P_DATASET_CREATE())
        }
        let (spaceID, listID) = (space.id, list.id)
        // Files of equal content are equal byte for byte, so no time of creation is stored.
        try HDF5Library.call("H5Pset_obj_track_times", at: location) { H5Pset_obj_track_times(listID, false) }
        if let checksummedChunk {
            if shape.isEmpty {
                // A single number cannot be chunked. It is stored in the header, which has a checksum with
                // `HDF5Format.checksummed`.
                try HDF5Library.call("H5Pset_layout", at: location) { H5Pset_layout(listID, H5D_COMPACT) }
            } else if !shape.contains(0) {
                let chunk = checksummedChunk.map { hsize_t($0) }
                try HDF5Library.call("H5Pset_chunk", at: location) { H5Pset_chunk(listID, CInt(chunk.count), chunk) }
                try HDF5Library.call("H5Pset_fletcher32", at: location) { H5Pset_fletcher32(listID) }
            }
        }
        return try HDF5Handle("H5Dcreate2", at: location, closedBy: H5Dclose) {
            H5Dcreate2(id, absolute, type, spaceID, couplet_H5P_DEFAULT(), listID, couplet_H5P_DEFAULT())
        }
    }

    /// The largest chunk of at most 4 MiB, with whole inner extents as far as they fit: few chunks, each of which needs
    /// little memory.
    static func chunk(_ shape: [Int], bytes: Int) -> [Int] {
        var chunk = shape
        var elementsLeft = max(1, (4 << 20) / bytes)
        for axis in shape.indices.reversed() {
            chunk[axis] = min(shape[axis], elementsLeft)
            elementsLeft = max(1, elementsLeft / max(chunk[axis], 1))
        }
        return chunk
    }

    /// Creates the missing groups of a dataset's path.
    private func createGroups(on path: String) throws {
        var group = ""
        for component in path.split(separator: "/").dropLast() {
            group += "/" + component
            switch try kind(of: group) {
            case H5I_GROUP: continue
            case nil: break
            default:
                throw FileError(.badData, at: location(of: group), reason: "is a dataset, so it cannot contain \(path)")
            }
            let (name, location) = (group, location(of: group))
            let list = try HDF5Handle("H5Pcreate", at: location, closedBy: H5Pclose) {
                H5Pcreate(couplet_H5P_GROUP_CREATE())
            }
            let listID = list.id
            try HDF5Library.call("H5Pset_link_creation_order", at: location) {
                H5Pset_link_creation_order(listID, couplet_H5P_CRT_ORDER_TRACKED_INDEXED())
            }
            try HDF5Library.call("H5Pset_obj_track_times", at: location) { H5Pset_obj_track_times(listID, false) }
            let created = try HDF5Handle("H5Gcreate2", at: location, closedBy: H5Gclose) {
                H5Gcreate2(id, name, couplet_H5P_DEFAULT(), listID, couplet_H5P_DEFAULT())
            }
            try created.close("H5Gclose", at: location)
        }
    }
}
