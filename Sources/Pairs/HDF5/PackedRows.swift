import CCoupletKernels
import CoupletFiles
import CoupletStorage
import CoupletTensors
import Glibc

/// The rows of a dataset in memory, or in a mapped file: Float32, or unsigned bytes that become Float32 when they are
/// copied.
final class PackedRows: Sendable {
    private enum Numbers: Sendable {
        case floats(Tensor)
        case bytes([UInt8])
        case mapped(MappedFile, offset: Int, HDF5File.PlainElement)
    }

    private let numbers: Numbers
    private let count: Int
    private let columns: Int

    /// Reads a dataset: chunks are decompressed once.
    /// - Throws: `FileError` if it cannot be read.
    init(reading dataset: DatasetDescription, of file: HDF5File) throws {
        (count, columns) = (dataset.count, dataset.columns)
        numbers =
            dataset.holdsBytes
            ? .bytes(try file.readBytes(dataset.name)) : .floats(try file.readFloats(dataset.name))
    }

    /// Maps the numbers of a dataset, so that the processes of a host share the pages that the system has read.
    ///
    /// Nil if the dataset is smaller than `smallest` bytes, if its numbers must be decoded or converted, or if the
    /// system cannot map the file.
    /// - Throws: `FileError` if the dataset cannot be read.
    init?(mapping dataset: DatasetDescription, of file: HDF5File, from smallest: Int) throws {
        guard dataset.chunk == nil, dataset.count * dataset.elementBytes >= smallest,
            let (offset, element) = try file.plainNumbers(of: dataset.name),
            let mapped = try? MappedFile(file.path, isSequential: false),
            offset + dataset.count * element.rawValue <= mapped.bytes.count
        else { return nil }
        (count, columns) = (dataset.count, dataset.columns)
        numbers = .mapped(mapped, offset: offset, element)
    }

    var isMapped: Bool { if case .mapped = numbers { true } else { false } }

    /// Bytes of this process's memory; 0 if the numbers are mapped.
    var residentBytes: Int {
        switch numbers {
        case .floats(let tensor): tensor.count * MemoryLayout<Float>.stride
        case .bytes(let bytes): bytes.count
        case .mapped: 0
        }
    }

    /// Asks the system to read rows of a mapped file together, before they are copied one after another.
    func prefetch(_ rows: [UInt64]) {
        guard case .mapped(let file, let offset, let element) = numbers else { return }
        let rowBytes = columns * element.rawValue, page = Int(sysconf(Int32(_SC_PAGESIZE)))
        var pages = 0..<0
        /// Asks for the pages so far.
        func advise() {
            if pages.isEmpty { return }
            let start = UnsafeMutableRawPointer(mutating: file.bytes.baseAddress! + pages.lowerBound * page)
            madvise(start, min(pages.count * page, file.bytes.count - pages.lowerBound * page), MADV_WILLNEED)
        }
        for row in rows.sorted() {
            let start = offset + Int(row) * rowBytes
            let next = start / page..<(start + rowBytes - 1) / page + 1
            if next.lowerBound <= pages.upperBound, !pages.isEmpty {
                pages = pages.lowerBound..<max(pages.upperBound, next.upperBound)
            } else {
                advise()
                pages = next
            }
        }
        advise()
        withExtendedLifetime(file) {}
    }

    /// Copies rows of the dataset into the rows of the target.
    func copy(_ rows: [UInt64], into target: Tensor) {
        switch numbers {
        case .floats(let tensor): copy(rows, fromFloats: UnsafeRawPointer(tensor.pointer), into: target)
        case .bytes(let bytes):
            bytes.withUnsafeBufferPointer { copy(rows, fromBytes: $0.baseAddress!, into: target) }
        case .mapped(let file, let offset, let element):
            let start = file.bytes.baseAddress! + offset
            switch element {
            case .float32: copy(rows, fromFloats: start, into: target)
            case .uint8: copy(rows, fromBytes: start.assumingMemoryBound(to: UInt8.self), into: target)
            }
            withExtendedLifetime(file) {}
        }
    }

    private func copy(_ rows: [UInt64], fromFloats start: UnsafeRawPointer, into target: Tensor) {
        let rowBytes = columns * MemoryLayout<Float>.stride
        for (row, number) in rows.enumerated() {
            memcpy(target.pointer + row * columns, start + Int(number) * rowBytes, rowBytes)
        }
    }

    private func copy(_ rows: [UInt64], fromBytes start: UnsafePointer<UInt8>, into target: Tensor) {
        for (row, number) in rows.enumerated() {
            couplet_scale_bytes(columns, start + Int(number) * columns, 1, 0, target.pointer + row * columns)
        }
    }

    /// The first number that is not finite in Float32, and its row; nil if all are.
    var firstNotFinite: (row: Int, value: Float)? {
        func first(_ start: UnsafePointer<Float>) -> (row: Int, value: Float)? {
            let position = couplet_first_not_finite(count, start)
            return position < count ? (position / columns, start[position]) : nil
        }
        switch numbers {
        case .floats(let tensor): return first(UnsafePointer(tensor.pointer))
        case .mapped(let file, let offset, .float32):
            return withExtendedLifetime(file) {
                first((file.bytes.baseAddress! + offset).assumingMemoryBound(to: Float.self))
            }
        case .bytes, .mapped(_, _, .uint8): return nil
        }
    }
}

extension DatasetDescription {
    var holdsBytes: Bool { elementClass == .integer && isUnsigned && elementBytes == 1 }

    /// Size of the numbers in memory: one byte for bytes, four for all others, which become Float32.
    var bytesInMemory: Int { count * (holdsBytes ? 1 : MemoryLayout<Float>.stride) }
}
