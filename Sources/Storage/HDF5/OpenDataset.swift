import CHDF5
import CoupletFiles
import Glibc

/// A dataset that may be read: its elements are numbers, and all of them are stored.
final class OpenDataset: @unchecked Sendable {
    let handle: HDF5Handle
    let description: DatasetDescription
    let missing: MissingValues
    /// The most memory that decompressed chunks take, which stay there for the next read; 0 if none stay.
    let cacheBytes: Int
    var keepsChunks: Bool { cacheBytes > 0 }

    init(_ handle: consuming HDF5Handle, _ description: DatasetDescription, _ missing: MissingValues, cacheBytes: Int) {
        self.handle = handle
        self.description = description
        self.missing = missing
        self.cacheBytes = cacheBytes
    }
}

extension HDF5File {
    /// Opens a dataset and checks that its numbers are there.
    /// - Parameter inParts: whether ranges of its rows are read. The dataset then stays open, and keeps its
    ///   decompressed chunks up to `chunkMemory` bytes.
    /// - Throws: `FileError` if it is missing, not numeric or damaged, or if some of its rows were never stored.
    func openForReading(_ name: String, inParts: Bool) throws -> OpenDataset {
        let absolute = Self.absolute(name)
        // One thread at a time: HDF5 sizes the cache when the first handle of a dataset is opened.
        return try openDatasets.withLock { datasets in
            if let dataset = datasets[absolute] { return dataset }
            let dataset = try checked(name, inParts: inParts)
            if inParts { datasets[absolute] = dataset }
            return dataset
        }
    }

    private func checked(_ name: String, inParts: Bool) throws -> OpenDataset {
        let handle = try open(dataset: name)
        let description = try describe(handle, name)
        if case .other(let elements) = description.elementClass {
            throw FileError(.badData, at: location(of: name), reason: "holds \(elements), not numbers")
        }
        if let chunk = description.chunk {
            try requireMemory(chunk.reduce(1, *) * description.elementBytes, name)
        }
        var check = StoredRowsCheck()
        try check.run(handle, description, in: self)
        guard inParts, let cache = ChunkCache(description, limit: chunkMemory) else {
            return OpenDataset(handle, description, check.missing, cacheBytes: 0)
        }
        try handle.close("H5Dclose", at: location(of: name))
        let access = try cache.accessList(at: location(of: name))
        return OpenDataset(
            try open(dataset: name, access: access.id), description, check.missing, cacheBytes: cache.bytes)
    }

    /// The most memory that the decompressed chunks of a dataset take while parts of it are read.
    package func cacheBytes(of name: String) throws -> Int { try openForReading(name, inParts: true).cacheBytes }

    /// Where the numbers of a dataset lie in the file, one after another; nil if they must be decoded or converted
    /// first, or if some stand for missing numbers.
    /// - Throws: `FileError` if the dataset cannot be read.
    package func plainNumbers(of name: String) throws -> (offset: Int, element: PlainElement)? {
        let dataset = try openForReading(name, inParts: false)
        let (datasetID, location) = (dataset.handle.id, location(of: name))
        guard dataset.missing.values.isEmpty, dataset.description.chunk == nil else { return nil }
        let offset = HDF5Library.quietly { H5Dget_offset(datasetID) }
        guard offset != haddr_t.max else { return nil }
        let type = try HDF5Handle("H5Dget_type", at: location, closedBy: H5Tclose) { H5Dget_type(datasetID) }
        let typeID = type.id
        if HDF5Library.quietly({ H5Tequal(typeID, couplet_H5T_STD_U8LE()) }) > 0 { return (Int(offset), .uint8) }
        return offset % 4 == 0 && HDF5Library.quietly({ H5Tequal(typeID, couplet_H5T_IEEE_F32LE()) }) > 0
            ? (Int(offset), .float32) : nil
    }

    /// The types of elements that programs read without HDF5.
    package enum PlainElement: Int, Sendable {
        case uint8 = 1
        case float32 = 4
    }

    /// Closes a dataset that stayed open, and frees its chunks.
    package func close(dataset name: String) {
        _ = openDatasets.withLock { $0.removeValue(forKey: Self.absolute(name)) }
    }

    /// Refuses what does not fit into the memory that this process may have. A damaged file may claim any size.
    package func requireMemory(_ bytes: Int, _ name: String) throws {
        var memory = min(HostMemory.physical, HostMemory.limit ?? .max)
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max {
            memory = min(memory, Int(clamping: limit.rlim_cur))
        }
        if bytes > memory {
            throw FileError(
                .badData, at: location(of: name),
                reason: "takes \(bytes >> 20) MiB in memory; this process may have \(memory >> 20) MiB",
                remedy: "read it in ranges of rows, or check the file")
        }
    }
}

/// The cache of decompressed chunks that HDF5 keeps for an open dataset.
struct ChunkCache {
    /// The most memory that the chunks take.
    let bytes: Int
    private let slots: Int

    /// Readers that each walk through rows of their own, such as the threads of a search, each use a band of chunks.
    private static let largestBandCount = 16
    /// HDF5 keeps a pointer for each slot.
    private static let largestSlotCount = 1 << 22

    /// Nil if the dataset has no filters, if its chunks hold one row, or if a band of chunks exceeds the limit.
    ///
    /// A band is all chunks with the same rows. Reading rows in order takes one band, or two where a read crosses the
    /// border.
    init?(_ dataset: DatasetDescription, limit: Int) {
        guard dataset.isFiltered, let chunk = dataset.chunk, chunk[0] > 1 else { return nil }
        let counts = zip(dataset.shape, chunk).map { ($0 + $1 - 1) / $1 }
        let chunkBytes = chunk.reduce(1, *) * dataset.elementBytes
        let (band, overflow) = counts.dropFirst().reduce(1, *).multipliedReportingOverflow(by: chunkBytes)
        if overflow || band > limit { return nil }
        let bands = max(1, min(counts[0], limit / band, Self.largestBandCount))
        bytes = bands * band
        // HDF5 packs the number of a chunk along each axis into as many bits as it needs, and takes the remainder by
        // the number of slots. Two chunks of one slot displace each other.
        var packed = bands + 1
        for count in counts.dropFirst() {
            var power = 1
            while power < count { power *= 2 }
            packed *= power
            if packed > Self.largestSlotCount { return nil }
        }
        slots = packed + 1
    }

    /// A property list with which a dataset is opened.
    func accessList(at location: String) throws -> HDF5Handle {
        let list = try HDF5Handle("H5Pcreate", at: location, closedBy: H5Pclose) {
            H5Pcreate(couplet_H5P_DATASET_ACCESS())
        }
        let listID = list.id
        try HDF5Library.call("H5Pset_chunk_cache", at: location) { H5Pset_chunk_cache(listID, slots, bytes, 0.75) }
        return list
    }
}
