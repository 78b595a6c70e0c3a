import CoupletFiles
import CoupletStorage
import CoupletTensors
import Glibc
import TestSupport
import Testing

/// Rows that HDF5 would make up, and numbers that lie elsewhere.
@Suite struct StoredRowsTests {
    let folder = TemporaryFolder()

    /// Reads a dataset in each of the ways in which programs do.
    /// - Returns: the errors.
    private func refusals(_ file: String, _ dataset: String) throws -> [FileError] {
        let path = folder.file(file)
        let reads: [(HDF5File) throws -> Void] = [
            { try $0.readFloats(dataset) }, { try $0.readFloats(dataset, rows: 0..<1) },
            { _ = try $0.readDoubles(dataset) }, { _ = try $0.readIntegers(dataset) },
            {
                let columns = try #require(try $0.dataset(dataset)).columns
                try $0.readFloats(dataset, rowNumbers: [1, 0], into: Tensor([2, columns]))
            },
        ]
        return try reads.compactMap { read in
            do {
                try read(try HDF5File(reading: path))
                return nil
            } catch let error as FileError {
                return error
            }
        }
    }

    private func expectRefusals(
        _ file: String, _ dataset: String, _ parts: String..., at location: SourceLocation = #_sourceLocation
    ) throws {
        let errors = try refusals(file, dataset)
        #expect(errors.count == 5, "\(file):\(dataset)", sourceLocation: location)
        for error in errors {
            for part in parts + [dataset] {
                #expect(error.description.contains(part), "\(error)", sourceLocation: location)
            }
        }
    }

    private func expectReadable(_ file: String, _ dataset: String, at location: SourceLocation = #_sourceLocation)
        throws
    {
        let errors = try refusals(file, dataset)
        #expect(errors.isEmpty, "\(errors)", sourceLocation: location)
    }

    private func python(_ program: String) throws {
        try Python.run("import h5py, numpy as np, os, sys; os.chdir(sys.argv[1])\n" + program, folder.path)
    }

    @Test func rowsOfTheProgramsOwnFiles() throws {
        let file = try HDF5File(creating: folder.file("own.h5"))
        let rows = 1_500_000
        for checksum in [false, true] {
            let name = "/\(checksum)"
            try file.create(name, .float32, shape: [rows, 2], checksum: checksum)
            #expect(throws: FileError.self) { try file.readFloats(name, rows: 0..<1) }
            for start in stride(from: 0, to: rows, by: 500_000) {
                try file.writeRows(name, from: start, Tensor([500_000, 2]))
            }
            #expect(try file.readFloats(name).count == 2 * rows)
        }
        try file.create("/part", .float32, shape: [rows, 2], checksum: true)
        try file.writeRows("/part", from: 0, Tensor([1_000, 2]))
        let error = #expect(throws: FileError.self) { try file.readFloats("/part", rows: 0..<10) }
        #expect(error?.reason.contains("rows 524288 to 1499999 (counted from 0)") == true, "\(error!)")
    }

    @Test(.enabled(if: Python.isAvailable)) func chunksAndDatasetsNeverWritten() throws {
        try python(
            """
            with h5py.File("a.h5", "w") as f:
                f.create_dataset("never", (7, 3), "f8")
                f.create_dataset("never_chunked", (7, 3), "i4", chunks=(2, 3))
                f.create_dataset("zeros", data=np.zeros((7, 3)))
                f.create_dataset("zeros_chunked", data=np.zeros((7, 3), "u1"), chunks=(2, 2), compression="gzip")
                d = f.create_dataset("column", (9, 4), "f4", chunks=(3, 2)); d[:, :2] = 1; d[3:6] = 2
                d = f.create_dataset("shrunk", (9, 4), "i2", chunks=(3, 2), maxshape=(None, 4))
                d[:6] = 1
                d.resize(6, 0)
                d = f.create_dataset("grown", (6, 4), "i2", chunks=(3, 2), maxshape=(None, 4))
                d[:] = 1
                d.resize(10, 0)
                f.create_dataset("labels", (5,), "i8")
                f.create_dataset("one_chunk", data=np.ones((4, 4)), chunks=(4, 4), maxshape=(4, 4))
            """)
        for name in ["never", "never_chunked"] { try expectRefusals("a.h5", "/" + name, "no row was ever written") }
        for name in ["zeros", "zeros_chunked", "shrunk", "one_chunk"] { try expectReadable("a.h5", "/" + name) }
        try expectRefusals("a.h5", "/column", "rows 0 to 2, 6 to 8 (counted from 0)")
        try expectRefusals("a.h5", "/grown", "rows 6 to 9 (counted from 0)")
        #expect(throws: FileError.self) { try HDF5File(reading: folder.file("a.h5")).readIntegers("labels") }
    }

    private static let parts = """
        for k in range(3):
            with h5py.File(f"part{k}.h5", "w") as f: f["x"] = np.full((10, 4), k + 1.0)
        def virtual(path, name, shape, parts, dtype="f8", **keys):
            with h5py.File(path, "a") as f:
                layout = h5py.VirtualLayout(shape, dtype, **keys)
                for target, source in parts: layout[target] = source
                f.create_virtual_dataset(name, layout)
        def source(k, rows=10): return h5py.VirtualSource(f"part{k}.h5", "x", shape=(rows, 4))

        """

    @Test(.enabled(if: Python.isAvailable)) func virtualDatasets() throws {
        try python(
            Self.parts + """
                ten = [slice(10 * k, 10 * k + 10) for k in range(3)]
                virtual("v.h5", "whole", (30, 4), [(ten[k], source(k)) for k in range(3)])
                virtual("v.h5", "gap", (30, 4), [(ten[0], source(0)), (ten[2], source(2))])
                virtual("v.h5", "short", (30, 4), [(ten[k], source(k)) for k in range(2)])
                virtual("v.h5", "columns", (10, 8), [(np.s_[:, :4], source(0)), (np.s_[:, 4:], source(1))])
                virtual("v.h5", "half", (10, 8), [(np.s_[:, :4], source(0))])
                virtual("v.h5", "strided", (20, 4), [(np.s_[0::2], source(0)), (np.s_[1::2], source(1))])
                virtual("v.h5", "odd", (20, 4), [(np.s_[0::2], source(0))])
                virtual("v.h5", "long", (12, 4), [(np.s_[:12], source(0, 12))])
                virtual("v.h5", "lost", (20, 4), [(ten[0], source(0)), (ten[1], h5py.VirtualSource("part9.h5", "x",
                    shape=(10, 4)))])
                virtual("v.h5", "unnamed", (10, 4), [(ten[0], h5py.VirtualSource("part0.h5", "y", shape=(10, 4)))])
                virtual("outer.h5", "whole", (30, 4), [(ten[k], h5py.VirtualSource("v.h5", "whole", shape=(30,
                    4))[ten[k]]) for k in range(3)])
                virtual("outer.h5", "gap", (30, 4), [(np.s_[:], h5py.VirtualSource("v.h5", "gap", shape=(30, 4)))])
                virtual("outer.h5", "before", (10, 4), [(np.s_[:], h5py.VirtualSource("v.h5", "gap", shape=(30,
                    4))[:10])])
                with h5py.File("half.h5", "w") as f: d = f.create_dataset("x", (10, 4), "f8", chunks=(2, 4)); d[:6] = 1
                virtual("v.h5", "stored", (6, 4), [(np.s_[:], h5py.VirtualSource("half.h5", "x", shape=(10, 4))[:6])])
                virtual("named.h5", "x", (10, 4), [(np.s_[:], source(2))]); os.rename("named.h5", "moved.h5")
                with h5py.File("own.h5", "w") as f: f["x"] = np.full((10, 4), 5.0)
                virtual("later.h5", "v", (10, 4), [(np.s_[:], h5py.VirtualSource("own.h5", "x", shape=(10, 4)))])
                with h5py.File("later.h5", "a") as f: f["x"] = np.full((10, 4), 5.0)
                os.rename("later.h5", "own.h5")
                virtual("v.h5", "unstored", (8, 4), [(np.s_[:], h5py.VirtualSource("half.h5", "x", shape=(10, 4))[:8])])
                """)
        for name in ["whole", "columns", "strided", "stored"] { try expectReadable("v.h5", "/" + name) }
        for name in ["whole", "before"] { try expectReadable("outer.h5", "/" + name) }
        // A file that names itself, and a part that is open already.
        let own = try HDF5File(reading: folder.file("own.h5")), part = try HDF5File(reading: folder.file("part1.h5"))
        #expect(try own.readFloats("v").values == [Float](repeating: 5, count: 40))
        #expect(try HDF5File(reading: folder.file("v.h5")).readFloats("whole").values[40] == 2)
        #expect(try part.readFloats("x").values[0] == 2)
        try expectRefusals("v.h5", "/gap", "rows 10 to 19 (counted from 0)")
        try expectRefusals("v.h5", "/short", "rows 20 to 29")
        try expectRefusals("v.h5", "/half", "rows 0 to 9")
        try expectRefusals("v.h5", "/odd", "rows 1, 3, 5, 7 and more")
        try expectRefusals("v.h5", "/long", "rows 0 to 11", "part0.h5", "shape [10, 4]")
        try expectRefusals("v.h5", "/lost", "rows 10 to 19", "part9.h5", "does not exist")
        try expectRefusals("v.h5", "/unnamed", "rows 0 to 9", "part0.h5", "/y")
        try expectRefusals("outer.h5", "/gap", "v.h5:/gap", "rows 10 to 19")
        try expectRefusals("v.h5", "/unstored", "half.h5:/x", "rows 6 to 7")
        #expect(try HDF5File(reading: folder.file("outer.h5")).readFloats("whole").values[119] == 3)
    }

    @Test(.enabled(if: Python.isAvailable)) func virtualDatasetsWithoutALimit() throws {
        try python(
            Self.parts + """
                from h5py import h5s, h5p, h5d, h5t
                def unlimited(path, name, parts, extent):
                    with h5py.File(path, "a") as f:
                        space = h5s.create_simple((extent, 4), (h5s.UNLIMITED, 4))
                        list = h5p.create(h5p.DATASET_CREATE)
                        for start, stride, file, dataset in parts:
                            space.select_hyperslab((start, 0), (h5s.UNLIMITED, 1), (stride, 1), (1, 4))
                            source = h5s.create_simple((10, 4), (h5s.UNLIMITED, 4))
                            source.select_hyperslab((0, 0), (h5s.UNLIMITED, 1), (1, 1), (1, 4))
                            list.set_virtual(space, file, dataset, source)
                        h5d.create(f.id, name, h5t.IEEE_F64LE, h5s.create_simple((extent, 4), (h5s.UNLIMITED, 4)), list)
                for k, rows in ((0, 10), (1, 10), (2, 6)):
                    with h5py.File(f"u{k}.h5", "w") as f: f.create_dataset("x", data=np.ones((rows, 4)),
                        maxshape=(None, 4))
                unlimited("w.h5", b"even", [(0, 2, b"u0.h5", b"x"), (1, 2, b"u1.h5", b"x")], 20)
                unlimited("w.h5", b"uneven", [(0, 2, b"u0.h5", b"x"), (1, 2, b"u2.h5", b"x")], 20)
                with h5py.File("w.h5", "a") as f:
                    space = h5s.create_simple((20, 4), (h5s.UNLIMITED, 4)); list = h5p.create(h5p.DATASET_CREATE)
                    space.select_hyperslab((0, 0), (h5s.UNLIMITED, 1), (10, 1), (10, 4))
                    list.set_virtual(space, b"u%b.h5", b"x", h5s.create_simple((10, 4)))
                    h5d.create(f.id, b"pattern", h5t.IEEE_F64LE, h5s.create_simple((20, 4), (h5s.UNLIMITED, 4)), list)
                """)
        try expectReadable("w.h5", "/even")
        try expectRefusals("w.h5", "/uneven", "rows 13, 15, 17")
        try expectRefusals("w.h5", "/pattern", "u%b.h5", "by a pattern")
    }

    @Test(.enabled(if: Python.isAvailable)) func virtualDatasetsOfThemselves() throws {
        try python(
            Self.parts + """
                def vds(file, dataset): return [(np.s_[:], h5py.VirtualSource(file, dataset, shape=(10, 4)))]
                virtual("self.h5", "direct", (10, 4), vds("self.h5", "direct"))
                virtual("self.h5", "a", (10, 4), vds("self.h5", "b"))
                virtual("self.h5", "b", (10, 4), vds("self.h5", "a"))
                virtual("self.h5", "there", (10, 4), vds("other.h5", "back"))
                virtual("other.h5", "back", (10, 4), vds("self.h5", "there"))
                with h5py.File("self.h5", "a") as f: f["alias"] = h5py.SoftLink("/into")
                virtual("self.h5", "into", (10, 4), vds("self.h5", "alias"))
                virtual("self.h5", "twice", (10, 4), vds("self.h5", "good"))
                virtual("self.h5", "good", (10, 4), vds("part1.h5", "x"))
                for level in range(40): virtual("deep.h5", f"x{level}", (10, 4), vds("deep.h5", f"x{level + 1}"))
                """)
        for name in ["direct", "a", "b", "there"] { try expectRefusals("self.h5", "/" + name, "from itself") }
        for name in ["into", "alias"] {
            #expect(throws: FileError.self) { try HDF5File(reading: folder.file("self.h5")).readFloats(name) }
        }
        try expectReadable("self.h5", "/twice")
        try expectRefusals("deep.h5", "/x0", "levels")
    }

    @Test(.enabled(if: Python.isAvailable)) func numbersInOtherFiles() throws {
        try python(
            Self.parts + """
                open("secret", "wb").write(bytes(range(80)))
                with h5py.File("e.h5", "w") as f:
                    f.create_dataset("storage", (20, 4), "u1", external=[("secret", 0, 80)])
                    f["x"] = np.ones((3, 4))
                    f["soft"] = h5py.SoftLink("/x")
                    f.create_group("group")["y"] = np.ones((3, 4))
                    f["group/up"] = h5py.SoftLink("y")
                    f["link"] = h5py.ExternalLink("part0.h5", "/x")
                    f["folder"] = h5py.ExternalLink("part0.h5", "/")
                    f["through"] = h5py.SoftLink("/folder/x")
                    f["dangling"] = h5py.ExternalLink("nowhere.h5", "/x")
                virtual("e.h5", "virtual_storage", (20, 4), [(np.s_[:], h5py.VirtualSource("e.h5", "storage",
                    shape=(20, 4)))], "u1")
                virtual("e.h5", "virtual_link", (10, 4), [(np.s_[:], h5py.VirtualSource("e.h5", "link", shape=(10,
                    4)))])
                """)
        for name in ["storage", "virtual_storage"] {
            try expectRefusals("e.h5", "/" + name, "another file, ", "secret", "external storage")
        }
        for name in ["link", "folder/x", "through", "virtual_link"] {
            try expectRefusals("e.h5", "/" + name, "link to another file, part0.h5")
        }
        try expectRefusals("e.h5", "/dangling", "link to another file, nowhere.h5")
        for name in ["x", "soft", "group/y", "group/up"] { try expectReadable("e.h5", "/" + name) }
        // What a file holds can be listed.
        let error = #expect(throws: FileError.self) {
            try HDF5File(reading: folder.file("e.h5")).readFloats("nothing")
        }
        #expect(error?.remedy.contains("/group/y") == true)
    }

    @Test(.enabled(if: Python.isAvailable)) func filesThatAreNone() throws {
        let pipe = folder.file("pipe")
        mkfifo(pipe, 0o600)
        for path in [pipe, "/dev/zero", "/dev/null"] {
            let error = #expect(throws: FileError.self) { try HDF5File(reading: path) }
            #expect(error?.location == path && error?.kind == .inputOutput && error?.reason.contains("pipe") == true)
        }
        try python(
            Self.parts + """
                virtual("p.h5", "x", (10, 4), [(np.s_[:], h5py.VirtualSource("pipe", "x", shape=(10, 4)))])
                with h5py.File("cut.h5", "w") as f: f["x"] = np.ones((1000, 4)); f["a"] = np.ones((2, 4))
                """)
        let error = #expect(throws: FileError.self) { try HDF5File(reading: folder.file("p.h5")).readFloats("x") }
        #expect(error?.reason.contains("pipe") == true)
        // HDF5 reads numbers beyond the end of a file as zeros. The end that the file states is made the real one.
        let path = folder.file("cut.h5")
        try python(
            """
            data = bytearray(open("cut.h5", "rb").read()); end = 20_000
            data[40:48] = end.to_bytes(8, "little"); open("cut.h5", "wb").write(data[:end])
            """)
        let cut = #expect(throws: FileError.self) { try HDF5File(reading: path).readFloats("x") }
        #expect(cut?.kind == .badData)
    }

    @Test(.enabled(if: Python.isAvailable)) func missingAndPackedValues() throws {
        try python(
            Self.parts + """
                def data(name, values, dtype="f4", file="m.h5", fill=None, **attributes):
                    with h5py.File(file, "a") as f:
                        d = f.create_dataset(name, data=np.array(values, dtype), fillvalue=fill)
                        for key, value in attributes.items(): d.attrs[key] = value
                rows = [[1, 2], [3, 4], [5, -999], [7, 8]]
                data("fill", rows, _FillValue=np.float32(-999))
                data("missing", rows, "f8", missing_value=np.array([-1.0, -999.0]))
                data("integers", rows, "i4", _FillValue=np.int32([-999]))
                data("rounded", [[1.0], [2.0], [0.1]], _FillValue=0.1)
                data("other", rows, _FillValue=-998.0); data("not", rows, _FillValue=np.nan)
                data("netcdf", [[1.0], [9.969209968386869e36], [2.0]], fill=9.969209968386869e36)
                data("scaled", rows, "i2", scale_factor=0.01)
                data("shifted", rows, "i2", add_offset=np.array([273.15]))
                data("neutral", rows, scale_factor=1.0, add_offset=0.0, units="m")
                virtual("mv.h5", "x", (4, 2), [(np.s_[:], h5py.VirtualSource("m.h5", "fill", shape=(4, 2)))], "f4")
                """)
        for name in ["fill", "missing", "integers"] {
            let file = try HDF5File(reading: folder.file("m.h5"))
            for read in [{ try file.readFloats(name) }, { try file.readFloats(name, rows: 1..<4) }] {
                let error = #expect(throws: FileError.self) { try read() }
                #expect(error?.reason.contains("row 2 (counted from 0) holds -999") == true, "\(error!)")
            }
            #expect(throws: FileError.self) { try file.readFloats(name, rowNumbers: [3, 2], into: Tensor([2, 2])) }
            #expect(throws: FileError.self) { try file.readDoubles(name) }
            // Rows without missing numbers can be read.
            _ = try file.readFloats(name, rowNumbers: [3, 0], into: Tensor([2, 2]))
            #expect(try file.readFloats(name, rows: 0..<2).values == [1, 2, 3, 4])
        }
        let file = try HDF5File(reading: folder.file("m.h5"))
        #expect(throws: FileError.self) { try file.readIntegers("integers") }
        #expect(throws: FileError.self) { try file.readFloats("rounded") }
        #expect(throws: FileError.self) { try file.readFloats("netcdf") }
        #expect(throws: FileError.self) { try HDF5File(reading: folder.file("mv.h5")).readFloats("x") }
        for name in ["other", "not", "neutral"] { try expectReadable("m.h5", "/" + name) }
        try expectRefusals("m.h5", "/scaled", "scale_factor = 0.01")
        try expectRefusals("m.h5", "/shifted", "add_offset = 273.15")
    }

    @Test(.enabled(if: Python.isAvailable)) func filtersThatAreMissing() throws {
        try python(
            Self.parts + """
                with h5py.File("f.h5", "w") as f:
                    f.create_dataset("lzf", data=np.zeros((40, 4)), compression="lzf", chunks=(10, 4))
                    f.create_dataset("shuffled", data=np.zeros((40, 4)), shuffle=True, compression="lzf", chunks=(10,
                        4))
                    # A filter that saves nothing is left out.
                    f.create_dataset("noise", data=np.random.default_rng(0).integers(0, 256, (40, 64), "u1"),
                        compression="lzf", chunks=(40, 64))
                    f.create_dataset("known", data=np.ones((40, 4)), shuffle=True, fletcher32=True, compression="gzip")
                virtual("f.h5", "virtual", (40, 4), [(np.s_[:], h5py.VirtualSource("f.h5", "lzf", shape=(40, 4)))])
                """)
        for name in ["lzf", "shuffled", "virtual"] {
            try expectRefusals("f.h5", "/" + name, "lzf (number 32000)", "h5repack", "HDF5_PLUGIN_PATH")
        }
        for name in ["noise", "known"] { try expectReadable("f.h5", "/" + name) }
    }

    /// Compressed chunks that hold many rows: each is decompressed once, whatever the order of the reads.
    @Test(.enabled(if: Python.isAvailable), arguments: [0, 3_000, 100_000, 1 << 30])
    func chunksStayDecompressed(memory: Int) throws {
        try python(
            """
            with h5py.File("c.h5", "w") as f:
                x = (np.arange(700)[:, None, None] * 7 + np.arange(30).reshape(5, 6)) % 251
                f.create_dataset("x", data=x.astype("u1"), chunks=(100, 2, 4), compression="gzip")
            """)
        let file = try HDF5File(reading: folder.file("c.h5"), chunkMemory: memory)
        func expected(_ row: Int) -> [Float] { (0..<30).map { Float((row * 7 + $0) % 251) } }
        for start in stride(from: 0, to: 700, by: 64) {
            let rows = start..<min(start + 64, 700)
            #expect(try file.readFloats("x", rows: rows).values == rows.flatMap(expected))
            #expect(try file.readBytes("x", rows: rows).map { Float($0) } == rows.flatMap(expected))
        }
        let numbers = (0..<200).map { UInt64($0 * 391 % 700) }
        let rows = Tensor([200, 30])
        try file.readFloats("x", rowNumbers: numbers, into: rows)
        #expect(rows.values == numbers.flatMap { expected(Int($0)) })
        #expect(try file.cacheBytes(of: "x") <= memory)
        #expect(try file.cacheBytes(of: "x") > 0 || memory < 100 * 6 * 8)
    }
}
