import CHDF5
import CoupletFiles
import CoupletTensors
import Glibc

extension HDF5File {
    /// Reads a dataset of any numeric type, narrowed to Float32; all of it, or a range of its rows (its first extent).
    /// - Parameter target: where to; its count must be that of what is read. Nil makes a new tensor, of the dataset's shape.
    /// - Throws: `FileError` where it is missing, not numeric, damaged, has too few rows or does not fit the target.
    @discardableResult
    public func readFloats(_ name: String, rows: Range<Int>? = nil, into target: Tensor? = nil) throws -> Tensor {
        let dataset = try open(dataset: name)
        let description = try describe(dataset, name)
        let shape = try shape(of: description, rows: rows)
        let count = shape.reduce(1, *)
        if let target, target.count != count {
            throw FileError(
                .badData, place: place(name),
                reason: "has the shape \(shape), \(count) numbers; \(target.shape) are expected")
        }
        try requireNumeric(description)
        try requireMemory(count * MemoryLayout<Float>.stride, name)
        let tensor = target ?? Tensor(shape)
        try read(dataset, description, rows: rows, as: couplet_H5T_NATIVE_FLOAT(), into: tensor.pointer)
        return tensor
    }

    /// Reads a dataset of any numeric type as Float64, in row-major order.
    public func readDoubles(_ name: String, rows: Range<Int>? = nil) throws -> [Double] {
        try readArray(name, rows: rows, as: couplet_H5T_NATIVE_DOUBLE(), zero: 0.0)
    }

    /// Reads a dataset of whole numbers, in row-major order. Numbers kept as floats will do where each is whole.
    /// - Throws: `FileError(.badData)` where one is not, or is too large for an `Int`.
    public func readIntegers(_ name: String, rows: Range<Int>? = nil) throws -> [Int] {
        guard let description = try dataset(name) else {
            return try readArray(name, as: couplet_H5T_NATIVE_INT64(), zero: 0)
        }
        func refuse(_ position: Int, _ value: Any) -> FileError {
            FileError(
                .badData, place: place(name), reason: "holds \(value) at position \(position); integers are expected")
        }
        if description.elementClass == .float {
            return try readDoubles(name, rows: rows).enumerated().map { position, value in
                guard let integer = Int(exactly: value) else { throw refuse(position, value) }
                return integer
            }
        }
        if description.isUnsigned, description.elementBytes >= 8 {
            return try readArray(name, rows: rows, as: couplet_H5T_NATIVE_UINT64(), zero: UInt64(0)).enumerated().map {
                guard let integer = Int(exactly: $1) else { throw refuse($0, $1) }
                return integer
            }
        }
        return try readArray(name, rows: rows, as: couplet_H5T_NATIVE_INT64(), zero: 0)
    }

    /// Reads a dataset of rank 2 as a matrix.
    public func readMatrix(_ name: String) throws -> Matrix {
        let elements = try readDoubles(name)
        guard let shape = try dataset(name)?.shape, shape.count == 2 else {
            throw FileError(
                .badData, place: place(name),
                reason: "has the shape \(try dataset(name)?.shape ?? []); a matrix has two extents")
        }
        return Matrix(rows: shape[0], columns: shape[1], elements: elements)
    }

    private func readArray<Element>(
        _ name: String, rows: Range<Int>? = nil, as type: hid_t, zero: Element
    ) throws -> [Element] {
        let dataset = try open(dataset: name)
        let description = try describe(dataset, name)
        let count = try shape(of: description, rows: rows).reduce(1, *)
        try requireNumeric(description)
        try requireMemory(count * MemoryLayout<Element>.stride, name)
        var result = [Element](repeating: zero, count: count)
        try result.withUnsafeMutableBytes {
            if let base = $0.baseAddress { try read(dataset, description, rows: rows, as: type, into: base) }
        }
        return result
    }

    /// The one way into memory: whole datasets, or the slab of some rows.
    func read(
        _ dataset: borrowing HDF5Handle, _ description: DatasetDescription, rows: Range<Int>?, as type: hid_t,
        into target: UnsafeMutableRawPointer
    ) throws {
        let (datasetID, place) = (dataset.id, place(description.name))
        guard let rows, rows != 0..<description.rows else {
            if description.count > 0 {
                try HDF5Library.call("H5Dread", at: place) {
                    H5Dread(datasetID, type, couplet_H5S_ALL(), couplet_H5S_ALL(), couplet_H5P_DEFAULT(), target)
                }
            }
            return
        }
        if rows.isEmpty || description.columns == 0 { return }
        let slab = try HDF5Hyperslab(of: dataset, rows: rows, shape: description.shape, place)
        let (fileSpace, memorySpace) = (slab.fileSpace.id, slab.memorySpace.id)
        try HDF5Library.call("H5Dread", at: place) {
            H5Dread(datasetID, type, memorySpace, fileSpace, couplet_H5P_DEFAULT(), target)
        }
    }

    /// The shape of what is asked for, once that is known to be there.
    private func shape(of description: DatasetDescription, rows: Range<Int>?) throws -> [Int] {
        guard let rows else { return description.shape }
        guard !description.shape.isEmpty else {
            throw FileError(.badData, place: place(description.name), reason: "is a single number, without rows")
        }
        guard rows.lowerBound >= 0, rows.upperBound <= description.rows else {
            throw FileError(
                .badData, place: place(description.name),
                reason: "has \(description.rows) rows; rows \(rows) are asked for")
        }
        return [rows.count] + description.shape.dropFirst()
    }

    func requireNumeric(_ description: DatasetDescription) throws {
        if case .other(let elements) = description.elementClass {
            throw FileError(.badData, place: place(description.name), reason: "holds \(elements), not numbers")
        }
    }

    /// A damaged or strange file may claim any size: better told than killed.
    func requireMemory(_ bytes: Int, _ name: String) throws {
        let memory = sysconf(CInt(_SC_PHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE))
        if bytes > memory {
            throw FileError(
                .badData, place: place(name),
                reason: "takes \(bytes >> 20) MiB in memory; this machine has \(memory >> 20)",
                remedy: "read it in ranges of rows, or check the file")
        }
    }
}
