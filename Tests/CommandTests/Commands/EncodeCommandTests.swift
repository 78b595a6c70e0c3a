import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct EncodeCommandTests {
    /// Makes a small MNIST of random bytes, and the same raw images and labels in an HDF5 file.
    private static let makeData = """
        import h5py, numpy as np, os, struct
        rng = np.random.default_rng(3)
        os.mkdir("mnist")
        for part, count in (("train", 64), ("t10k", 30)):
            images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
            labels = (np.arange(count) % 10).astype(np.uint8)
            open(f"mnist/{part}-images-idx3-ubyte", "wb").write(struct.pack(">4i", 0x803, count, 28, 28) \
            + images.tobytes())
            open(f"mnist/{part}-labels-idx1-ubyte", "wb").write(struct.pack(">2i", 0x801, count) + labels.tobytes())
        with h5py.File("raw.h5", "w") as file:
            file["images"], file["labels"] = images, labels.astype("int64")
        """

    /// The encoders in Double, from the definition: cross-correlation with padding 1, relu, pooling, then linear
    /// layers.
    private static let compare = """
        import h5py, numpy as np
        with h5py.File("run/checkpoints/step-00000003.h5") as file:
            first = file["parameters/first"]
            layers = [(np.array(first[k]["weight"], float), np.array(first[k]["bias"], float)) \
            for k in sorted(first, key=int)]
            table = np.array(file["parameters/second/0/weight"], float)
        raw, codes = h5py.File("raw.h5"), h5py.File("codes.h5")
        x = (np.array(raw["images"], float)[:, None] / 255 - 0.1307) / 0.3081
        assert [w.ndim for w, _ in layers] == [4, 4, 2, 2]
        for index, (w, b) in enumerate(layers):
            if w.ndim == 4:
                padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
                height, width = x.shape[2:]
                x = sum(np.einsum("nchw,oc->nohw", padded[:, :, i:i + height, j:j + width], w[:, :, i, j]) \
                for i in range(3) for j in range(3))
                x = np.maximum(x + b[:, None, None], 0)
                x = x.reshape(*x.shape[:2], height // 2, 2, width // 2, 2).max((3, 5))
            else:
                x = x.reshape(len(x), -1) @ w.T + b
                if index < len(layers) - 1: x = hidden = np.maximum(x, 0)
        assert codes["first"].dtype == np.float32 and codes["first"].shape == x.shape == (30, 6)
        print(np.linalg.norm(np.array(codes["first"], float) - x) / np.linalg.norm(x))
        assert codes["hidden"].shape == hidden.shape == (30, 7) and np.array_equal(codes["last"], codes["first"])
        print(np.linalg.norm(np.array(codes["hidden"], float) - hidden) / np.linalg.norm(hidden))
        labels = np.array(raw["labels"])
        print(np.abs(np.array(codes["second"], float) - table[labels]).max())
        """

    private static let config = """
        seed: 4
        data: {source: mnist, path: mnist}
        encoders: {embedding: 6, first: {kind: cnn, channels: [3, 5], hidden: [7]}, second: {kind: labels}}
        objective: {similarity: cosine, temperature: 0.1}
        batch: {size: 32, shards: 2}
        optimizer: {learning_rate: 0.01}
        train: {steps: 3}

        """

    @Test func encodingsMatchThoseOfAnIndependentProgram() throws {
        let folder = TemporaryFolder()
        guard Python.isAvailable else { return }
        try folder.write("data.py", Self.makeData)
        try folder.write("compare.py", Self.compare)
        try folder.write("c.yaml", Self.config)
        let result = try ShellScript(
            """
            python3 data.py
            couplet train c.yaml --output run --progress none
            couplet encode run --modality first --input raw.h5:/images --output codes.h5:/first
            couplet encode run --modality second --input raw.h5:/labels --output codes.h5:/second
            couplet encode run --modality first --layer 2 --input raw.h5:/images --output codes.h5:/hidden
            couplet encode run --modality first --layer 3 --input raw.h5:/images --output codes.h5:/last
            python3 compare.py
            """, in: folder.path)
        #expect(result.exitCode == 0, "\(result.output)")
        let errors = result.output.split(separator: "\n").suffix(3).compactMap { Double($0) }
        try #require(errors.count == 3, "\(result.output)")
        #expect(errors[0] <= 1e-6 && errors[1] <= 1e-6)
        #expect(errors[2] == 0)

        // The same command may run again; an existing dataset is not overwritten.
        func encode(_ modality: String, _ input: String) throws -> CoupletInvocation {
            try CoupletInvocation(
                "encode", "run", "--modality", modality, "--input", input, "--output", "codes.h5:/first",
                in: folder.path)
        }
        let again = try encode("first", "raw.h5:/images")
        #expect(again.exitCode == 0 && again.errors.contains("holds these encodings already"), "\(again.errors)")
        let other = try encode("second", "raw.h5:/labels")
        #expect(
            other.exitCode == 65
                && other.errors.contains("codes.h5:/first: exists already in the file, with other content"),
            "\(other.errors)")
        let missing = try CoupletInvocation(
            "encode", "run", "--modality", "first", "--layer", "4", "--input", "raw.h5:/images", "--output",
            "codes.h5:/none", in: folder.path)
        #expect(
            missing.exitCode == 65 && missing.errors.contains("the first encoder has no layer 4")
                && missing.errors.contains("its layers are 0 to 3"), "\(missing.errors)")
    }

    @Test func aFailedEncodeLeavesNothingBehind() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", TrainingFolder.tinyGaussian())
        let rows = try HDF5File(creating: "\(folder.path)/rows.h5")
        // The second of two blocks is wrong, so the first has been written by then.
        try rows.write("/bad", (0..<1_200).map { $0 == 1_190 ? .nan : Double($0) / 1_200 }, shape: [300, 4])
        try rows.write("/good", (0..<12).map { Double($0) / 12 }, shape: [3, 4])
        try rows.close()
        #expect(
            try CoupletInvocation("train", "c.yaml", "--output", "run", "--progress", "none", in: folder.path).exitCode
                == 0)
        func encode(_ input: String, _ output: String) throws -> CoupletInvocation {
            try CoupletInvocation(
                "encode", "run", "--modality", "first", "--input", input, "--output", output, in: folder.path)
        }
        let bad = try encode("rows.h5:/bad", "new.h5:/codes")
        #expect(
            bad.exitCode == 65 && bad.errors.contains("rows.h5:/bad: row 297") && bad.errors.contains("nan"),
            "\(bad.errors)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/new.h5"))
        // Into the file of the rows itself.
        #expect(try encode("rows.h5:/bad", "rows.h5:/codes/bad").exitCode == 65)
        #expect(try encode("rows.h5:/good", "rows.h5:/codes/good").exitCode == 0)
        let after = try HDF5File(reading: "\(folder.path)/rows.h5")
        #expect(try after.datasetNames.sorted() == ["/bad", "/codes/good", "/good"])
        let misspelled = try encode("rows.h5:/goood", "other.h5:/x")
        #expect(misspelled.exitCode == 65 && misspelled.errors.contains("the file has /good, "), "\(misspelled.errors)")
    }

    /// A kill at any moment leaves no file that looks like a result, and what it leaves is gone after the next encode.
    @Test(arguments: ["KILL", "TERM"]) func aKilledEncodeLeavesNoFile(signal: String) throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", TrainingFolder.tinyGaussian())
        let rows = try HDF5File(creating: "\(folder.path)/rows.h5")
        try rows.create("/many", .float32, shape: [6_000_000, 4])
        try rows.writeRows("/many", from: 0, Tensor([6_000_000, 4]))
        try rows.write("/few", Tensor([300, 4]))
        try rows.close()
        let result = try ShellScript(
            """
            couplet train c.yaml --output run --progress none
            couplet encode run --modality first --input rows.h5:/many --output codes.h5:/c & process=$!
            for turn in $(seq 2000); do ls .codes.h5.*.partial > /dev/null 2>&1 && break; sleep 0.005; done
            kill -\(signal) $process
            ! wait $process
            ls -A | grep -c partial
            test ! -e codes.h5
            couplet encode run --modality first --input rows.h5:/few --output codes.h5:/c
            ! ls -A | grep partial
            """, in: folder.path)
        #expect(result.exitCode == 0, "\(result.output)")
        #expect(try HDF5File(reading: folder.file("codes.h5")).dataset("/c")?.rows == 300)
    }

    @Test func messagesNameThePathOfTheUser() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", TrainingFolder.tinyGaussian())
        let rows = try HDF5File(creating: "\(folder.path)/rows.h5")
        try rows.write("/few", Tensor([300, 4]))
        try rows.close()
        let result = try ShellScript(
            """
            couplet train c.yaml --output run --progress none
            mkdir locked; chmod 555 locked
            couplet encode run --modality first --input rows.h5:/few --output none/codes.h5:/c || echo $?
            couplet encode run --modality first --input rows.h5:/few --output rows.h5/codes.h5:/c || echo $?
            (ulimit -f 40; trap "" XFSZ
             couplet encode run --modality first --input rows.h5:/few --output small.h5:/c/d/e || echo $?)
            """, in: folder.path)
        #expect(!result.output.contains("partial"), "\(result.output)")
        for path in ["none", "rows.h5"] { #expect(result.output.contains("couplet: \(path)"), "\(result.output)") }
        #expect(!folder.exists("small.h5") || result.exitCode == 0)
    }
}
