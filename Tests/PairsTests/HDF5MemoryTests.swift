import CoupletFiles
import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTensors
import Glibc
import TestSupport
import Testing

/// Where the rows of a file of pairs are: in memory as bytes or Float32, mapped, or read at each step.
@Suite struct HDF5MemoryTests {
    private static let count = 600

    private static func write(_ path: String) throws {
        try Python.run(
            """
            import h5py, numpy as np, sys
            n = \(count)
            r = np.random.default_rng(5)
            images, codes = r.integers(0, 256, (n, 3, 8, 8), "u1"), r.normal(size=(n, 5)).astype("f4")
            for name, keys in (("plain", {}), ("gzip", dict(compression="gzip", shuffle=True)),
                               ("rows", dict(compression="gzip", chunks=True)), ("big_endian", dict(dtype=">f4"))):
                with h5py.File(f"{sys.argv[1]}/{name}.h5", "w") as f:
                    keys = dict(keys)
                    if name == "rows": keys["chunks"] = (1, 3, 8, 8)
                    f.create_dataset("first", data=images, **keys)
                    f.create_dataset("second", data=codes, **{k: v for k, v in keys.items() if k != "chunks"})
            """, path)
    }

    private func source(_ path: String, memory: Int, mapping: Int) throws -> HDF5Source {
        try HDF5Source(path: path, heldOut: 0.1, seed: 3, memoryLimit: memory, smallestMapping: mapping)
    }

    @Test(.enabled(if: Python.isAvailable)) func sameSamplesFromEveryPlace() throws {
        let folder = TemporaryFolder()
        try Self.write(folder.path)
        let numbers = (0..<200).map { UInt64($0 * 37 % 540) }
        func samples(_ name: String, _ memory: Int, _ mapping: Int) throws -> [[Float]] {
            let source = try source(folder.file("\(name).h5"), memory: memory, mapping: mapping)
            return try [Modality.first, .second].map { try source.readRaw(.training, numbers, $0).values }
        }
        let reference = try samples("plain", 1 << 30, .max)
        #expect(Set(reference[0]).count == 256)
        for name in ["plain", "gzip", "rows", "big_endian"] {
            for (memory, mapping) in [
                (1 << 30, Int.max), (1 << 30, 0), (0, .max), (0, 0), (20_000, 0), (130_000, .max),
            ] {
                #expect(try samples(name, memory, mapping) == reference, "\(name) \(memory) \(mapping)")
            }
        }
    }

    @Test(.enabled(if: Python.isAvailable)) func bytesStayBytes() throws {
        let folder = TemporaryFolder()
        try Self.write(folder.path)
        let images = Self.count * 192, codes = Self.count * 5 * 4
        for name in ["plain", "gzip"] {
            let all = try source(folder.file("\(name).h5"), memory: images + codes, mapping: .max)
            #expect(all.residentBytes == images + codes)
            #expect(!all.waitsForStorage && all.storageNotices.isEmpty)
            // The smaller dataset is in memory even if the larger does not fit.
            let part = try source(folder.file("\(name).h5"), memory: images + codes - 1, mapping: .max)
            #expect(part.waitsForStorage)
            #expect(part.residentBytes >= codes)
            #expect(name == "gzip" || part.residentBytes == codes)
        }
        let mapped = try source(folder.file("plain.h5"), memory: images + codes, mapping: 0)
        #expect(mapped.residentBytes == 0 && !mapped.waitsForStorage)
        #expect(try source(folder.file("plain.h5"), memory: 0, mapping: 0).waitsForStorage)
    }

    @Test(.enabled(if: Python.isAvailable)) func slowChunksAreNamedWithTheRemedy() throws {
        let folder = TemporaryFolder()
        try Self.write(folder.path)
        let notices = try source(folder.file("gzip.h5"), memory: 13_000, mapping: 0).storageNotices
        #expect(notices.count == 1)
        for part in ["gzip.h5:/first", "data.cache_memory (13000 B)", "h5repack -l first:CHUNK=1x3x8x8"] {
            #expect(notices.first?.contains(part) == true, "\(notices)")
        }
        // One row a chunk needs no remedy, and plain files have no chunks.
        #expect(try source(folder.file("rows.h5"), memory: 13_000, mapping: 0).storageNotices.isEmpty)
        #expect(try source(folder.file("plain.h5"), memory: 0, mapping: .max).storageNotices.isEmpty)
    }

    @Test func aMappedFileThatIsShortenedIsAnError() throws {
        let pairs = try PairFile {
            try $0.write("/first", Tensor([5_000, 8]))
            try $0.write("/second", Tensor([5_000, 4]))
        }
        let source = try source(pairs.path, memory: 1 << 30, mapping: 0)
        let rows = (0..<4_500).map { UInt64($0) }
        #expect(try source.readRaw(.training, rows, .first).count == 4_500 * 8)
        truncate(pairs.path, 4_096)
        let error = #expect(throws: FileError.self) { try source.readRaw(.training, rows, .first) }
        #expect(error?.reason.contains("was modified") == true)
    }

    @Test(arguments: [0, 1 << 30]) func notFiniteNumbersOfAMappedFile(memory: Int) throws {
        let pairs = try PairFile { file in
            var values = [Float](repeating: 1, count: 3_000 * 3)
            values[2_017 * 3 + 1] = .infinity
            try file.write("/first", Tensor([3_000, 3], values))
            try file.write("/second", Tensor([3_000, 1]))
        }
        let error = #expect(throws: DataError.self) {
            let source = try HDF5Source(
                path: pairs.path, heldOut: 0, seed: 1, memoryLimit: memory, smallestMapping: 0)
            _ = try source.readRaw(.training, (0..<3_000).map { UInt64($0) }, .first)
        }
        #expect(error?.description.contains("/first: row 2017 holds inf") == true)
    }

    /// Every dataset that decides what is trained on which rows.
    @Test(arguments: ["/first", "/second", "/labels", "/split"]) func unwrittenDatasetsAreRefused(name: String) throws {
        let pairs = try PairFile { file in
            for other in ["/first", "/second"] where other != name { try file.write(other, Tensor([40, 3])) }
            if name == "/first" || name == "/second" {
                try file.create(name, .float32, shape: [40, 3])
            } else {
                try file.create(name, .int64, shape: [40])
            }
        }
        for (memory, mapping) in [(0, Int.max), (1 << 30, .max), (0, 0)] {
            let error = #expect(throws: FileError.self) {
                try HDF5Source(
                    path: pairs.path, heldOut: 0, seed: 1, memoryLimit: memory, smallestMapping: mapping)
            }
            #expect(error?.description.contains("\(pairs.path):\(name): no row was ever written") == true, "\(error!)")
        }
    }

    @Test func cacheMemoryIsAKey() throws {
        #expect(HDF5Specification(path: "a").cacheMemory == 1 << 30)
        #expect(HDF5Specification(path: "a", cacheMemory: 5).entries.contains { $0.key == "cache_memory" })
    }
}
