import CHDF5
import CoupletFiles
import CoupletTensors
import Glibc

extension HDF5File {
    /// Reads a dataset of any numeric type as Float32.
    /// - Parameters:
    ///   - rows: a range of the first extent; nil: all rows.
    ///   - target: the tensor to fill, with as many elements as are read; nil: a new tensor with the shape of the
    ///     dataset.
    /// - Throws: `FileError` if the dataset is missing, not numeric, damaged, has too few rows or does not fit the
    ///   target.
    @discardableResult
    public func readFloats(_ name: String, rows: Range<Int>? = nil, into target: Tensor? = nil) throws -> Tensor {
        let dataset = try openForReading(name, inParts: rows != nil)
        let description = dataset.description
        let shape = try shape(of: description, rows: rows)
        let count = shape.reduce(1, *)
        if let target, target.count != count {
            throw FileError(
                .badData, at: location(of: name),
                reason: "has the shape \(shape), \(count) numbers; \(target.shape) are expected")
        }
        try requireMemory(count * MemoryLayout<Float>.stride, name)
        let tensor = target ?? Tensor(shape)
        try read(dataset, rows: rows, as: couplet_H5T_NATIVE_FLOAT(), into: tensor.pointer)
        try dataset.missing.refuse(
            in: UnsafeBufferPointer(start: tensor.pointer, count: count), at: location(of: name)
        ) { (rows?.lowerBound ?? 0) + $0 / description.columns }
        return tensor
    }

    /// Reads a dataset of unsigned bytes as bytes, in row-major order.
    /// - Throws: `FileError` as `readFloats(_:rows:into:)`; `.badData` if the elements are no unsigned bytes.
    package func readBytes(_ name: String, rows: Range<Int>? = nil) throws -> [UInt8] {
        let dataset = try openForReading(name, inParts: rows != nil)
        guard dataset.description.isUnsigned, dataset.description.elementBytes == 1 else {
            throw FileError(.badData, at: location(of: name), reason: "does not hold unsigned bytes")
        }
        return try readArray(dataset, rows: rows, as: couplet_H5T_NATIVE_UINT8(), zero: 0) { Double($0) }
    }

    /// Reads a dataset of any numeric type as Float64, in row-major order.
    /// - Throws: `FileError` as `readFloats(_:rows:into:)`.
    public func readDoubles(_ name: String, rows: Range<Int>? = nil) throws -> [Double] {
        try readArray(
            openForReading(name, inParts: rows != nil), rows: rows, as: couplet_H5T_NATIVE_DOUBLE(), zero: 0.0
        ) { $0 }
    }

    /// Reads rows of a dataset of any numeric type as Float64, with NaN in place of numbers that the dataset declares
    /// to be missing.
    /// - Throws: `FileError` as `readFloats(_:rows:into:)`.
    package func readDoublesOrMissing(_ name: String, rows: Range<Int>) throws -> [Double] {
        let dataset = try openForReading(name, inParts: true)
        let count = try shape(of: dataset.description, rows: rows).reduce(1, *)
        try requireMemory(count * MemoryLayout<Double>.stride, name)
        var result = [Double](repeating: 0, count: count)
        try result.withUnsafeMutableBytes {
            if let base = $0.baseAddress { try read(dataset, rows: rows, as: couplet_H5T_NATIVE_DOUBLE(), into: base) }
        }
        let missing = Set(dataset.missing.values.map(\.value))
        if !missing.isEmpty {
            for index in result.indices where missing.contains(result[index]) { result[index] = .nan }
        }
        return result
    }

    /// Reads a dataset of integers, in row-major order. A floating-point dataset is accepted if all its numbers are
    /// whole.
    /// - Throws: `FileError(.badData)` if a number is not whole or does not fit an `Int`.
    public func readIntegers(_ name: String, rows: Range<Int>? = nil) throws -> [Int] {
        let dataset = try openForReading(name, inParts: rows != nil)
        let description = dataset.description
        func refuse(_ position: Int, _ value: Any) -> FileError {
            FileError(
                .badData, at: location(of: name),
                reason: "holds \(value) at position \(position); integers are expected")
        }
        if description.elementClass == .float {
            return try readDoubles(name, rows: rows).enumerated().map { position, value in
                guard let integer = Int(exactly: value) else { throw refuse(position, value) }
                return integer
            }
        }
        if description.isUnsigned, description.elementBytes >= 8 {
            return try readArray(
                dataset, rows: rows, as: couplet_H5T_NATIVE_UINT64(), zero: UInt64(0), number: { Double($0) }
            ).enumerated().map {
                guard let integer = Int(exactly: $1) else { throw refuse($0, $1) }
                return integer
            }
        }
        return try readArray(dataset, rows: rows, as: couplet_H5T_NATIVE_INT64(), zero: 0) { Double($0) }
    }

    /// Reads a dataset of rank 2 as a matrix.
    /// - Throws: `FileError` as `readFloats(_:rows:into:)`; `.badData` if the rank is not 2.
    public func readMatrix(_ name: String) throws -> Matrix {
        let elements = try readDoubles(name)
        guard let shape = try dataset(name)?.shape, shape.count == 2 else {
            throw FileError(
                .badData, at: location(of: name),
                reason: "has the shape \(try dataset(name)?.shape ?? []); a matrix has two extents")
        }
        return Matrix(rows: shape[0], columns: shape[1], elements: elements)
    }

    /// - Parameter number: converts an element, to compare it with the dataset's missing values.
    private func readArray<Element>(
        _ dataset: OpenDataset, rows: Range<Int>?, as type: hid_t, zero: Element, number: (Element) -> Double
    ) throws -> [Element] {
        let description = dataset.description, name = description.name
        let count = try shape(of: description, rows: rows).reduce(1, *)
        try requireMemory(count * MemoryLayout<Element>.stride, name)
        var result = [Element](repeating: zero, count: count)
        try result.withUnsafeMutableBytes {
            if let base = $0.baseAddress { try read(dataset, rows: rows, as: type, into: base) }
        }
        try result.withUnsafeBufferPointer {
            try dataset.missing.refuse(in: $0, at: location(of: name), number: number) {
                (rows?.lowerBound ?? 0) + $0 / description.columns
            }
        }
        return result
    }

    /// Reads a dataset, or a range of its rows, into memory. All functions that read numbers call it.
    private func read(
        _ dataset: OpenDataset, rows: Range<Int>?, as type: hid_t, into target: UnsafeMutableRawPointer
    ) throws {
        let location = location(of: dataset.description.name)
        do {
            try read(dataset.handle, dataset.description, rows: rows, as: type, into: target, location)
        } catch {
            try MissingFilter.refuse(dataset.handle, at: location, isCertain: false)
            throw error
        }
    }

    private func read(
        _ dataset: borrowing HDF5Handle, _ description: DatasetDescription, rows: Range<Int>?, as type: hid_t,
        into target: UnsafeMutableRawPointer, _ location: String
    ) throws {
        let datasetID = dataset.id
        guard let rows, rows != 0..<description.rows else {
            if description.count > 0 {
                try HDF5Library.call("H5Dread", at: location) {
                    H5Dread(datasetID, type, couplet_H5S_ALL(), couplet_H5S_ALL(), couplet_H5P_DEFAULT(), target)
                }
            }
            return
        }
        if rows.isEmpty || description.columns == 0 { return }
        let slab = try HDF5Hyperslab(of: dataset, rows: rows, shape: description.shape, location)
        let (fileSpace, memorySpace) = (slab.fileSpace.id, slab.memorySpace.id)
        try HDF5Library.call("H5Dread", at: location) {
            H5Dread(datasetID, type, memorySpace, fileSpace, couplet_H5P_DEFAULT(), target)
        }
    }

    /// The shape of a range of rows, after a check that the dataset has these rows.
    private func shape(of description: DatasetDescription, rows: Range<Int>?) throws -> [Int] {
        guard let rows else { return description.shape }
        guard !description.shape.isEmpty else {
            throw FileError(.badData, at: location(of: description.name), reason: "is a single number and has no rows")
        }
        guard rows.lowerBound >= 0, rows.upperBound <= description.rows else {
            throw FileError(
                .badData, at: location(of: description.name),
                reason: "has \(description.rows) rows; rows \(rows) are requested")
        }
        return [rows.count] + description.shape.dropFirst()
    }

    // MARK: - Rows in any order

    /// Reads rows in any order, with repetitions, as Float32: row i of the target becomes row `rowNumbers[i]` of the
    /// dataset.
    ///
    /// Row numbers are sorted, and rows with small gaps between them are read in one call. A shuffled batch of a small
    /// file thus takes a few long reads, and each chunk of a compressed file is decompressed once.
    /// - Throws: `FileError` as `readFloats(_:rows:into:)`.
    public func readFloats(_ name: String, rowNumbers: [UInt64], into target: Tensor) throws {
        let dataset = try openForReading(name, inParts: true)
        let description = dataset.description
        let columns = description.columns
        guard !description.shape.isEmpty, target.count == rowNumbers.count * columns else {
            throw FileError(
                .badData, at: location(of: name),
                reason: "has the shape \(description.shape); \(rowNumbers.count) rows of it do not fill \(target.shape)"
            )
        }
        if let beyond = rowNumbers.first(where: { $0 >= UInt64(description.rows) }) {
            throw FileError(
                .badData, at: location(of: name),
                reason: "has \(description.rows) rows; row \(beyond) (counted from 0) is requested")
        }
        if target.count == 0 { return }

        let order = rowNumbers.indices.sorted { rowNumbers[$0] < rowNumbers[$1] }
        let rowBytes = columns * MemoryLayout<Float>.stride
        // Chunks that stay in memory between the calls are decompressed once in any case.
        let chunkRows = dataset.keepsChunks ? 0 : min(description.chunk?[0] ?? 0, Self.longestRunBytes / rowBytes)
        let longest = max(1, Self.runBytes / rowBytes, chunkRows)
        let gap = max(Self.gapBytes / rowBytes, chunkRows)
        var buffer: Tensor?
        var position = 0
        while position < order.count {
            let first = Int(rowNumbers[order[position]])
            var end = position + 1
            var last = first
            while end < order.count {
                let next = Int(rowNumbers[order[end]])
                if next - last > gap + 1 || next - first >= longest { break }
                last = next
                end += 1
            }
            try readRun(
                dataset, rows: first..<(last + 1), order[position..<end], rowNumbers, into: target,
                buffer: &buffer, longest)
            position = end
        }
        try dataset.missing.refuse(
            in: UnsafeBufferPointer(start: target.pointer, count: target.count), at: location(of: name)
        ) { Int(rowNumbers[$0 / columns]) }
    }

    /// Largest gap, in bytes of Float32, that costs less to read and convert than another call of HDF5 (about 5 µs).
    private static var gapBytes: Int { 16 << 10 }
    /// Size of the buffer for a run of rows with gaps, in bytes.
    private static var runBytes: Int { 2 << 20 }
    /// Limit of that buffer for datasets whose chunks hold many rows, in bytes.
    private static var longestRunBytes: Int { 256 << 20 }

    /// Reads one run of rows, and copies those that are wanted into rows `order` of the target.
    private func readRun(
        _ dataset: OpenDataset, rows: Range<Int>, _ order: ArraySlice<Int>, _ rowNumbers: [UInt64], into target: Tensor,
        buffer: inout Tensor?, _ longest: Int
    ) throws {
        let columns = dataset.description.columns
        let float = couplet_H5T_NATIVE_FLOAT()
        let isInPlace =
            order.count == rows.count
            && zip(order, rows).enumerated().allSatisfy {
                $1.0 == order.first! + $0 && rowNumbers[$1.0] == UInt64($1.1)
            }
        if isInPlace {
            return try read(dataset, rows: rows, as: float, into: target.pointer + order.first! * columns)
        }
        let run = buffer ?? Tensor([longest, columns])
        buffer = run
        try read(dataset, rows: rows, as: float, into: run.pointer)
        for row in order {
            memcpy(
                target.pointer + row * columns, run.pointer + (Int(rowNumbers[row]) - rows.lowerBound) * columns,
                columns * MemoryLayout<Float>.stride)
        }
    }
}
