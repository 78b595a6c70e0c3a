import CHDF5
import CoupletFiles

/// Datasets of strings: one string a row, in UTF-8.
extension HDF5File {
    /// Reads a dataset of strings, of fixed or variable length, as h5py and this program write them.
    ///
    /// A string of fixed length ends at its padding: zeros, or spaces where the type of the dataset says so. A row that
    /// was never written is the empty string.
    /// - Parameter rows: a range of rows; nil: all rows.
    /// - Throws: `FileError(.badData)` if the dataset is missing, holds no strings, has another shape than N or N × 1,
    ///   has too few rows, or holds bytes that are no UTF-8.
    public func readStrings(_ name: String, rows: Range<Int>? = nil) throws -> [String] {
        try strings(name) { count in
            guard let rows else { return Array(0..<count) }
            guard rows.lowerBound >= 0, rows.upperBound <= count else {
                throw self.beyond(rows.upperBound - 1, count, name)
            }
            return Array(rows)
        }
    }

    /// Reads rows of a dataset of strings in any order, with repetitions.
    /// - Throws: `FileError` as `readStrings(_:rows:)`.
    public func readStrings(_ name: String, rowNumbers: [UInt64]) throws -> [String] {
        try strings(name) { count in
            if let wrong = rowNumbers.first(where: { $0 >= UInt64(count) }) {
                throw self.beyond(Int(clamping: wrong), count, name)
            }
            return rowNumbers.map { Int($0) }
        }
    }

    /// Writes a new dataset of strings of variable length in UTF-8, as h5py writes a list of texts.
    /// - Parameter shape: the extents, with as many elements as there are strings; nil for N.
    /// - Throws: `FileError`: `.badData` if the name exists, or if a string holds the character U+0000, with which
    ///   HDF5 ends a string; `.inputOutput` if the system refuses.
    public func write(_ name: String, _ strings: [String], shape: [Int]? = nil) throws {
        let location = location(of: name), shape = shape ?? [strings.count]
        precondition(shape.reduce(1, *) == strings.count, "\(strings.count) strings of the shape \(shape)")
        if let row = strings.firstIndex(where: { $0.utf8.contains(0) }) {
            throw FileError(
                .badData, at: location, reason: "row \(row) holds the character U+0000, which ends a string in HDF5",
                remedy: "remove it from the text")
        }
        let type = try Self.variableStrings(at: location), typeID = type.id
        let dataset = try createDataset(name, type: typeID, shape), datasetID = dataset.id
        if !strings.isEmpty {
            // All strings, each with a zero at its end, in one buffer.
            var (bytes, starts) = ([UInt8](), [Int]())
            for string in strings {
                starts.append(bytes.count)
                bytes += string.utf8
                bytes.append(0)
            }
            try bytes.withUnsafeBufferPointer { bytes in
                let pointers = starts.map { bytes.baseAddress! + $0 }
                try HDF5Library.call("H5Dwrite", at: location) {
                    H5Dwrite(
                        datasetID, typeID, couplet_H5S_ALL(), couplet_H5S_ALL(), couplet_H5P_DEFAULT(), pointers)
                }
            }
        }
        try dataset.close("H5Dclose", at: location)
    }

    // MARK: - Parts

    private static func variableStrings(at location: String) throws -> HDF5Handle {
        let type = try HDF5Handle("H5Tcopy", at: location, closedBy: H5Tclose) { H5Tcopy(couplet_H5T_C_S1()) }
        let typeID = type.id
        try HDF5Library.call("H5Tset_size", at: location) { H5Tset_size(typeID, couplet_H5T_VARIABLE()) }
        try HDF5Library.call("H5Tset_cset", at: location) { H5Tset_cset(typeID, H5T_CSET_UTF8) }
        return type
    }

    private func beyond(_ row: Int, _ count: Int, _ name: String) -> FileError {
        FileError(
            .badData, at: location(of: name), reason: "has \(count) rows; row \(row) (counted from 0) is requested")
    }

    /// - Parameter wanted: the rows to read, given the number of rows.
    private func strings(_ name: String, rows wanted: (Int) throws -> [Int]) throws -> [String] {
        let location = location(of: name), dataset = try open(dataset: name)
        let description = try describe(dataset, name)
        guard case .other("strings") = description.elementClass else {
            throw FileError(.badData, at: location, reason: "holds no strings")
        }
        guard !description.shape.isEmpty, description.columns == 1 else {
            throw FileError(
                .badData, at: location, reason: "has the shape \(description.shape); one string a row is expected")
        }
        let rows = try wanted(description.rows)
        // HDF5 reads each row once, in ascending order.
        let distinct = Array(Set(rows)).sorted()
        if distinct.isEmpty { return [] }
        let (datasetID, rank) = (dataset.id, description.shape.count)
        let type = try HDF5Handle("H5Dget_type", at: location, closedBy: H5Tclose) { H5Dget_type(datasetID) }
        let space = try HDF5Handle("H5Dget_space", at: location, closedBy: H5Sclose) { H5Dget_space(datasetID) }
        let memory = try HDF5Handle("H5Screate_simple", at: location, closedBy: H5Sclose) {
            H5Screate_simple(1, [hsize_t(distinct.count)], nil)
        }
        let (typeID, spaceID, memoryID) = (type.id, space.id, memory.id)
        if distinct.count < description.rows {
            var coordinates = [hsize_t](repeating: 0, count: distinct.count * rank)
            for (index, row) in distinct.enumerated() { coordinates[index * rank] = hsize_t(row) }
            try HDF5Library.call("H5Sselect_elements", at: location) {
                H5Sselect_elements(spaceID, H5S_SELECT_SET, distinct.count, coordinates)
            }
        }
        func read(into buffer: UnsafeMutableRawPointer) throws {
            try HDF5Library.call("H5Dread", at: location) {
                H5Dread(datasetID, typeID, memoryID, spaceID, couplet_H5P_DEFAULT(), buffer)
            }
        }
        func text(_ bytes: some Collection<UInt8>, _ row: Int) throws -> String {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw FileError(
                    .badData, at: location, reason: "row \(row) holds bytes that are no UTF-8",
                    remedy: "write the texts in UTF-8")
            }
            return text
        }
        var texts: [String] = []
        texts.reserveCapacity(distinct.count)
        if try HDF5Library.call("H5Tis_variable_str", at: location, { H5Tis_variable_str(typeID) }) > 0 {
            try requireMemory(distinct.count * MemoryLayout<UnsafePointer<CChar>>.stride, name)
            var pointers = [UnsafeMutablePointer<UInt8>?](repeating: nil, count: distinct.count)
            defer {
                HDF5Library.quietly { H5Dvlen_reclaim(typeID, memoryID, couplet_H5P_DEFAULT(), &pointers) }
            }
            try pointers.withUnsafeMutableBytes { try read(into: $0.baseAddress!) }
            for (pointer, row) in zip(pointers, distinct) {
                guard let pointer else {
                    texts.append("")
                    continue
                }
                var length = 0
                while pointer[length] != 0 { length += 1 }
                texts.append(try text(UnsafeBufferPointer(start: pointer, count: length), row))
            }
        } else {
            let length = description.elementBytes
            try requireMemory(distinct.count * length, name)
            let padding = HDF5Library.quietly { H5Tget_strpad(typeID) }
            var bytes = [UInt8](repeating: 0, count: distinct.count * length)
            try bytes.withUnsafeMutableBytes { try read(into: $0.baseAddress!) }
            for (index, row) in distinct.enumerated() {
                var string = bytes[index * length..<(index + 1) * length]
                switch padding {
                case H5T_STR_NULLTERM: string = string.prefix { $0 != 0 }
                case H5T_STR_SPACEPAD: while string.last == UInt8(ascii: " ") { string.removeLast() }
                default: while string.last == 0 { string.removeLast() }
                }
                texts.append(try text(string, row))
            }
        }
        if rows == distinct { return texts }
        return rows.map { row in
            var (low, high) = (0, distinct.count)
            while low < high {
                let middle = (low + high) / 2
                if distinct[middle] < row { low = middle + 1 } else { high = middle }
            }
            return texts[low]
        }
    }
}
