import CHDF5
import CoupletFiles
import CoupletTensors
import Glibc

extension HDF5File {
    /// Reads rows in any order, also repeated ones: row `rowNumbers[i]` into row i of the target, narrowed to Float32.
    ///
    /// The numbers are sorted; neighbours with a small gap between them are read in one piece, so that a shuffled batch of a small
    /// file is a few long reads and each chunk of a compressed one is unpacked once.
    /// - Throws: `FileError` as `readFloats(_:rows:into:)`.
    public func readFloats(_ name: String, rowNumbers: [UInt64], into target: Tensor) throws {
        let dataset = try open(dataset: name)
        let description = try describe(dataset, name)
        try requireNumeric(description)
        let columns = description.columns
        guard !description.shape.isEmpty, target.count == rowNumbers.count * columns else {
            throw FileError(
                .badData, place: place(name),
                reason: "has the shape \(description.shape); \(rowNumbers.count) rows of it do not fill \(target.shape)"
            )
        }
        if let beyond = rowNumbers.first(where: { $0 >= UInt64(description.rows) }) {
            throw FileError(
                .badData, place: place(name),
                reason: "has \(description.rows) rows; row \(beyond) (counted from 0) is asked for")
        }
        if target.count == 0 { return }

        let order = rowNumbers.indices.sorted { rowNumbers[$0] < rowNumbers[$1] }
        let longest = max(1, Self.pieceBytes / (columns * MemoryLayout<Float>.stride), description.chunk?[0] ?? 1)
        let gap = max(Self.gapBytes / (columns * MemoryLayout<Float>.stride), description.chunk?[0] ?? 0)
        var piece: Tensor?
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
            try readPiece(
                dataset, description, rows: first..<(last + 1), order[position..<end], rowNumbers, into: target,
                by: &piece, longest)
            position = end
        }
    }

    /// Below this, in numbers as Float32, a gap costs less to read and convert than another call of HDF5 (some 5 µs).
    private static var gapBytes: Int { 16 << 10 }
    /// The memory for a piece with gaps.
    private static var pieceBytes: Int { 2 << 20 }

    /// Reads one run of rows and hands them out to the batch's rows `order`.
    private func readPiece(
        _ dataset: borrowing HDF5Handle, _ description: DatasetDescription, rows: Range<Int>, _ order: ArraySlice<Int>,
        _ rowNumbers: [UInt64], into target: Tensor, by piece: inout Tensor?, _ longest: Int
    ) throws {
        let columns = description.columns
        let float = couplet_H5T_NATIVE_FLOAT()
        let isInPlace =
            order.count == rows.count
            && zip(order, rows).enumerated().allSatisfy {
                $1.0 == order.first! + $0 && rowNumbers[$1.0] == UInt64($1.1)
            }
        if isInPlace {
            return try read(dataset, description, rows: rows, as: float, into: target.pointer + order.first! * columns)
        }
        let buffer = piece ?? Tensor([longest, columns])
        piece = buffer
        try read(dataset, description, rows: rows, as: float, into: buffer.pointer)
        for row in order {
            memcpy(
                target.pointer + row * columns, buffer.pointer + (Int(rowNumbers[row]) - rows.lowerBound) * columns,
                columns * MemoryLayout<Float>.stride)
        }
    }
}
