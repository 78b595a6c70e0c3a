import CHDF5
import CoupletFiles
import Glibc

/// Checks that somebody stored every number of a dataset. HDF5 hands out a fill value, mostly 0, for chunks that were
/// never written and for missing parts of a virtual dataset; nobody can tell it from a number.
///
/// What HDF5 does not record cannot be found: rows within a chunk, or within a contiguous dataset, of which another row
/// was written; and space that the writer allocated early (H5D_ALLOC_TIME_EARLY).
struct StoredRowsCheck {
    /// A dataset by the identity of its file.
    struct Node: Hashable {
        let device: dev_t, inode: ino_t
        let dataset: String

        init(_ file: HDF5File, _ dataset: String) throws {
            var status = stat()
            try SystemCall.check("stat", file.path) { stat(file.path, &status) }
            (device, inode, self.dataset) = (status.st_dev, status.st_ino, HDF5File.absolute(dataset))
        }
    }

    /// Sources that were checked already, with the rows of each.
    private var checked: [Node: [ClosedRange<Int>]] = [:]
    /// Missing values of the dataset and of all its sources.
    private(set) var missing = MissingValues()

    /// Checks a dataset.
    /// - Parameters:
    ///   - rows: the rows that are needed, first and last; nil for all.
    ///   - users: the virtual datasets, outermost first, that take rows from this dataset.
    /// - Throws: `FileError` with the first rows that are not stored, or the reason why the dataset cannot be read.
    mutating func run(
        _ dataset: borrowing HDF5Handle, _ description: DatasetDescription, in file: HDF5File,
        rows: ClosedRange<Int>? = nil, users: [HDF5File] = []
    ) throws {
        let location = file.location(of: description.name), datasetID = dataset.id
        missing.add(try MissingValues(of: dataset, at: location))
        if description.count == 0 { return }
        let list = try HDF5Handle("H5Dget_create_plist", at: location, closedBy: H5Pclose) {
            H5Dget_create_plist(datasetID)
        }
        let listID = list.id
        try Self.refuseExternalStorage(listID, at: location)
        try MissingFilter.refuse(dataset, at: location, isCertain: true)
        switch HDF5Library.quietly({ H5Pget_layout(listID) }) {
        case H5D_CHUNKED: try Self.requireChunks(dataset, description, rows, at: location)
        case H5D_CONTIGUOUS: try Self.requireContiguous(dataset, description, in: file)
        case H5D_VIRTUAL: try requireSources(dataset, list, description, rows, in: file, users: users + [file])
        default: break
        }
    }

    /// Refuses numbers that lie in another file, of any format.
    private static func refuseExternalStorage(_ list: hid_t, at location: String) throws {
        guard HDF5Library.quietly({ H5Pget_external_count(list) }) > 0 else { return }
        var name = [CChar](repeating: 0, count: 4_097)
        var (offset, size) = (off_t(0), hsize_t(0))
        try HDF5Library.call("H5Pget_external", at: location) {
            H5Pget_external(list, 0, name.count - 1, &name, &offset, &size)
        }
        let file = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        throw FileError(
            .badData, at: location,
            reason: "its numbers lie in another file, \(file) (HDF5's external storage), which is not read: "
                + "such a dataset can show any file of yours",
            remedy: "if you trust it, copy the numbers into an HDF5 file, in Python: new[name] = old[name][:]")
    }

    private static func requireContiguous(
        _ dataset: borrowing HDF5Handle, _ description: DatasetDescription, in file: HDF5File
    ) throws {
        let datasetID = dataset.id
        let bytes = HDF5Library.quietly { H5Dget_storage_size(datasetID) }
        guard bytes > 0 else { throw neverWritten("no row was ever written", file.location(of: description.name)) }
        let offset = HDF5Library.quietly { H5Dget_offset(datasetID) }
        var status = stat()
        guard offset != haddr_t.max, !file.isWritable, stat(file.path, &status) == 0 else { return }
        let (end, overflow) = hsize_t(offset).addingReportingOverflow(bytes)
        if overflow || end > hsize_t(status.st_size) {
            throw FileError(
                .badData, at: file.location(of: description.name),
                reason: "its numbers would end at byte \(end), but the file has \(status.st_size) bytes",
                remedy: "the file is damaged or incomplete: copy it again, or write it again")
        }
    }

    // MARK: - Chunks

    /// Number of chunks that are looked up to name the rows. A lookup takes about a microsecond.
    private static let lookups = 500_000

    private static func requireChunks(
        _ dataset: borrowing HDF5Handle, _ description: DatasetDescription, _ rows: ClosedRange<Int>?,
        at location: String
    ) throws {
        guard let chunk = description.chunk else { return }
        let datasetID = dataset.id
        var stored: hsize_t = 0
        let space = try HDF5Handle("H5Dget_space", at: location, closedBy: H5Sclose) { H5Dget_space(datasetID) }
        let spaceID = space.id
        try HDF5Library.call("H5Dget_num_chunks", at: location) { H5Dget_num_chunks(datasetID, spaceID, &stored) }
        let counts = zip(description.shape, chunk).map { ($0 + $1 - 1) / $1 }
        let wanted = counts.reduce(1, *)
        if stored >= hsize_t(wanted) { return }
        if stored == 0 { throw neverWritten("no row was ever written", location) }

        let rows = rows ?? 0...(description.rows - 1)
        let inner = counts.dropFirst().reduce(1, *)
        var gaps = RowRanges()
        var lookups = 0
        for band in (rows.lowerBound / chunk[0])...(rows.upperBound / chunk[0]) {
            var isWhole = true
            for number in 0..<inner where isWhole {
                var offset = [hsize_t](repeating: hsize_t(band * chunk[0]), count: chunk.count)
                var rest = number
                for axis in stride(from: chunk.count - 1, to: 0, by: -1) {
                    offset[axis] = hsize_t(rest % counts[axis] * chunk[axis])
                    rest /= counts[axis]
                }
                var bytes: hsize_t = 0
                let result = HDF5Library.quietly { H5Dget_chunk_storage_size(datasetID, offset, &bytes) }
                isWhole = result >= 0 && bytes > 0
                lookups += 1
            }
            if !isWhole { gaps.add(band * chunk[0], min((band + 1) * chunk[0], description.rows) - 1) }
            if gaps.isFull || lookups > Self.lookups { break }
        }
        if !gaps.isEmpty { throw neverWritten("\(gaps) were never written, or only in part", location) }
        if lookups > Self.lookups {
            throw neverWritten("only \(stored) of its \(wanted) chunks were ever written", location)
        }
    }

    private static func neverWritten(_ what: String, _ location: String) -> FileError {
        FileError(
            .badData, at: location, reason: "\(what): HDF5 would make the numbers up",
            remedy: "write the rows, or make the dataset as long as the rows that you have (h5py: dataset.resize)")
    }

    // MARK: - Virtual datasets

    private mutating func requireSources(
        _ dataset: borrowing HDF5Handle, _ list: borrowing HDF5Handle, _ description: DatasetDescription,
        _ rows: ClosedRange<Int>?, in file: HDF5File, users: [HDF5File]
    ) throws {
        let location = file.location(of: description.name), datasetID = dataset.id
        let uncovered = try HDF5Handle("H5Dget_space", at: location, closedBy: H5Sclose) { H5Dget_space(datasetID) }
        let uncoveredID = uncovered.id
        try HDF5Library.call("H5Sselect_all", at: location) { H5Sselect_all(uncoveredID) }
        for part in try VirtualPart.all(of: list, at: location) {
            guard let target = try part.selection(at: location) else { continue }
            let targetRows = target.rows(of: description)
            if let rows, !targetRows.overlaps(rows) {
                try target.remove(from: uncovered, sourceSlices: nil, at: location)
                continue
            }
            do {
                let source = try part.open(for: file, users: users)
                let opened = try source.open(dataset: part.dataset)
                let found = try source.describe(opened, part.dataset)
                let needed = try part.sourceRows(
                    of: found, for: target, at: source.location(of: part.dataset))
                let node = try Node(source, part.dataset)
                if checked[node]?.contains(where: {
                    $0.lowerBound <= needed.lowerBound && $0.upperBound >= needed.upperBound
                })
                    != true
                {
                    try run(opened, found, in: source, rows: needed, users: users)
                    checked[node, default: []].append(needed)
                }
                try target.remove(
                    from: uncovered, sourceSlices: try part.slices(of: found, at: location), at: location)
            } catch let error as FileError {
                throw FileError(
                    error.kind, at: location,
                    reason: "rows \(targetRows.lowerBound) to \(targetRows.upperBound) (counted from 0) are those of a "
                        + "part that cannot be used: \(error.location): \(error.reason)",
                    remedy: error.kind == .inputOutput
                        ? "bring the part back to that place, or write the data into one file" : error.remedy)
            }
        }
        let left = HDF5Library.quietly { H5Sget_select_npoints(uncoveredID) }
        if left == 0 { return }
        let gaps = try RowRanges(selectedIn: uncovered, within: rows, rank: description.shape.count, at: location)
        if gaps.isEmpty { return }
        throw FileError(
            .badData, at: location, reason: "\(gaps) are of no part of this virtual dataset: HDF5 would make them up",
            remedy: "make its shape that of the parts that you have")
    }
}

/// Some ranges of rows, for a message.
private struct RowRanges: CustomStringConvertible {
    private var ranges: [ClosedRange<Int>] = []
    private static let limit = 4

    var isEmpty: Bool { ranges.isEmpty }
    /// Whether more ranges than a message shows are there.
    var isFull: Bool { ranges.count > Self.limit }

    init() {}

    /// The rows of the selected elements of a dataspace.
    init(selectedIn space: borrowing HDF5Handle, within rows: ClosedRange<Int>?, rank: Int, at location: String) throws
    {
        let spaceID = space.id
        var blocks: [hsize_t] = []
        if HDF5Library.quietly({ H5Sget_select_type(spaceID) }) == H5S_SEL_HYPERSLABS {
            let count = min(4_096, HDF5Library.quietly { H5Sget_select_hyper_nblocks(spaceID) })
            blocks = [hsize_t](repeating: 0, count: max(0, Int(count)) * rank * 2)
            try HDF5Library.call("H5Sget_select_hyper_blocklist", at: location) {
                H5Sget_select_hyper_blocklist(spaceID, 0, hsize_t(count), &blocks)
            }
        } else {
            blocks = [hsize_t](repeating: 0, count: rank * 2)
            try HDF5Library.call("H5Sget_select_bounds", at: location) {
                blocks.withUnsafeMutableBufferPointer {
                    H5Sget_select_bounds(spaceID, $0.baseAddress!, $0.baseAddress! + rank)
                }
            }
        }
        for block in stride(from: 0, to: blocks.count, by: rank * 2) {
            let (first, last) = (Int(blocks[block]), Int(blocks[block + rank]))
            let start = max(first, rows?.lowerBound ?? 0), end = min(last, rows?.upperBound ?? .max)
            if start <= end { add(start, end) }
        }
    }

    /// Ranges come in ascending order.
    mutating func add(_ first: Int, _ last: Int) {
        if let previous = ranges.last, first <= previous.upperBound + 1, first >= previous.lowerBound {
            ranges[ranges.count - 1] = previous.lowerBound...max(previous.upperBound, last)
        } else {
            ranges.append(first...last)
        }
    }

    var description: String {
        let texts = ranges.prefix(Self.limit).map {
            $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)"
        }
        return "rows \(texts.joined(separator: ", "))\(isFull ? " and more" : "") (counted from 0)"
    }
}
