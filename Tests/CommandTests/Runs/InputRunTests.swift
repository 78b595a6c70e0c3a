import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// Scaled inputs, and evaluations of other files.
@Suite struct InputRunTests {
    private static let count = 360
    /// Groups of ten rows; each fifth group is held out.
    private static func split(_ row: Int) -> Int { row / 10 % 5 == 0 ? 1 : 0 }

    /// Pairs of 5 and 3 numbers with other means and scales in each column, and three classes.
    private static func rows(_ columns: Int, _ stream: RandomStream) -> Tensor {
        let philox = Philox(seed: 8), rows = Tensor([count, columns])
        for row in 0..<count {
            let noise = philox.normals(columns, stream, number: UInt64(row))
            for column in 0..<columns {
                let signal: Float = column == row % 3 ? 3 : 0
                rows[row * columns + column] = Float(100 * column) + Float(1 + column) * (signal + 0.7 * noise[column])
            }
        }
        return rows
    }

    /// Writes the rows with these indices.
    private static func write(
        _ path: String, _ first: Tensor, _ second: Tensor, rows: [Int], split: Bool, names: (String, String)
    ) throws {
        let file = try HDF5File(creating: path, overwriting: true)
        for (name, tensor) in [(names.0, first), (names.1, second)] {
            let columns = tensor.columns
            try file.write(
                name,
                Tensor([rows.count, columns], rows.flatMap { row in (0..<columns).map { tensor[row * columns + $0] } }))
        }
        try file.write("/labels", rows.map { $0 % 3 * 10 }, shape: [rows.count])
        try file.write("/groups", rows.map { $0 / 10 }, shape: [rows.count])
        if split { try file.write("/split", rows.map(Self.split), shape: [rows.count]) }
        try file.close()
    }

    private static func config(_ path: String, _ more: String) -> String {
        """
        data: {source: hdf5, path: \(path)\(more)}
        encoders: {embedding: 4, first: {kind: mlp, widths: [12]}, second: {kind: linear}}
        objective: {similarity: cosine, temperature: 0.2}
        batch: {size: 64, shards: 4}
        optimizer: {kind: adam, learning_rate: 0.01}
        train: {steps: 20, checkpoint_every: 10}

        """
    }

    /// A run on scaled inputs has the parameters of a run on a file in which the numbers are scaled, for every number
    /// of workers and through a resume; `encode` and `evaluate --data` scale rows of a user in the same way.
    @Test func scaledRunsEqualRunsOnScaledFiles() throws {
        let first = Self.rows(5, .source), second = Self.rows(3, .evaluation), all = Array(0..<Self.count)
        let folder = try TrainingFolder(
            Self.config("FOLDER/raw.h5", ", standardize: feature, first: /images, second: captions"))
        try Self.write(folder.path("raw.h5"), first, second, rows: all, split: true, names: ("/images", "/captions"))
        let one = try folder.digest("one", ["--threads", "1"])
        for threads in [2, 4] { #expect(try folder.digest("t\(threads)", ["--threads", "\(threads)"]) == one) }
        if BackgroundJob.hasMPI { #expect(try folder.digest("r2", ranks: 2) == one) }
        _ = try folder.digest("resumed", ["--set", "train.steps=10"])
        #expect(try folder.digest("resumed", ["--resume"]) == one)
        #expect(try folder.digest("none", ["--set", "data.standardize=none"]) != one)

        // The twin: the same numbers, scaled by hand with those of the checkpoint.
        let checkpoint = try HDF5File(reading: folder.path("one/checkpoints/step-00000020.h5"))
        func scaled(_ rows: Tensor, _ modality: String) throws -> Tensor {
            let mean = try checkpoint.readFloats("/statistics/data/\(modality)/mean")
            let scale = try checkpoint.readFloats("/statistics/data/\(modality)/scale"), result = Tensor(rows.shape)
            let columns = rows.columns
            #expect(mean.shape == [columns])
            for index in 0..<rows.count {
                result[index] = (rows[index] - mean[index % columns]) * scale[index % columns]
            }
            // Only training rows give mean and scale.
            let training = all.filter { Self.split($0) == 0 }
            for column in 0..<columns {
                let values = training.map { Double(result[$0 * columns + column]) }
                let average = values.reduce(0, +) / Double(values.count)
                #expect(abs(average) <= 1e-5)
                #expect(abs(values.map { $0 * $0 }.reduce(0, +) / Double(values.count) - 1) <= 1e-5)
            }
            return result
        }
        try Self.write(
            folder.path("scaled.h5"), scaled(first, "first"), scaled(second, "second"), rows: all, split: true,
            names: ("/first", "/second"))
        try folder.files.write("twin.yaml", Self.config(folder.path("scaled.h5"), ""))
        let trained = try CoupletInvocation(
            arguments: ["train", "twin.yaml", "--output", "twin", "--progress", "none"], in: folder.files.path)
        #expect(trained.exitCode == 0, "\(trained.errors)")
        let twin = try HDF5File(reading: folder.path("twin/checkpoints/step-00000020.h5"))
        for path in ["first/0/weight", "first/0/bias", "second/0/weight", "second/0/bias"] {
            let a = try checkpoint.readFloats("/parameters/\(path)"), b = try twin.readFloats("/parameters/\(path)")
            #expect((a.values == b.values) as Bool, "\(path)")
        }
        func output(_ arguments: String...) throws -> String {
            let program = try CoupletInvocation(arguments: arguments, in: folder.files.path)
            #expect(program.exitCode == 0, "\(arguments): \(program.errors)")
            return program.output
        }
        #expect(try output("evaluate", "one", "--json") == output("evaluate", "twin", "--json"))
        for (modality, name) in [("first", "images"), ("second", "captions")] {
            _ = try output(
                "encode", "one", "--modality", modality, "--input", "raw.h5:/\(name)", "--output", "a.h5:/\(name)")
            _ = try output(
                "encode", "twin", "--modality", modality, "--input", "scaled.h5:/\(modality)", "--output",
                "b.h5:/\(name)")
            let a = try HDF5File(reading: folder.path("a.h5")).readFloats("/\(name)")
            let b = try HDF5File(reading: folder.path("b.h5")).readFloats("/\(name)")
            #expect((a.values == b.values) as Bool)
        }
        // Encoders work without their data.
        try FileManager.default.moveItem(atPath: folder.path("raw.h5"), toPath: folder.path("moved.h5"))
        _ = try output(
            "encode", "one", "--modality", "first", "--input", "moved.h5:/images", "--output", "c.h5:/images")
        let a = try HDF5File(reading: folder.path("a.h5")).readFloats("/images")
        #expect((try HDF5File(reading: folder.path("c.h5")).readFloats("/images").values == a.values) as Bool)
        try FileManager.default.moveItem(atPath: folder.path("moved.h5"), toPath: folder.path("raw.h5"))

        // The held-out rows as a file of their own have the figures of the run's evaluation.
        let held = all.filter { Self.split($0) == 1 }
        try Self.write(folder.path("held.h5"), first, second, rows: held, split: false, names: ("/images", "/captions"))
        let before = try String(contentsOfFile: folder.path("one/evaluation.json"), encoding: .utf8)
        let other = try output("evaluate", "one", "--json", "--data", "held.h5")
        #expect(try other == output("evaluate", "one", "--json"))
        // Its /split, by which all of them are held out, is not used.
        try Self.write(
            folder.path("some.h5"), first, second, rows: Array(held[7..<40]), split: true,
            names: ("/images", "/captions"))
        let some = try output("evaluate", "one", "--json", "--data", "some.h5")
        #expect(some.contains("\"gallery\": 33") && some != other)
        #expect(try String(contentsOfFile: folder.path("one/evaluation.json"), encoding: .utf8) == before)
        let own = try CoupletInvocation(arguments: ["evaluate", "one", "--data", "raw.h5"], in: folder.files.path)
        #expect(own.exitCode == 0 && own.errors.contains("its training pairs are among those"), "\(own.errors)")

        // What does not fit is refused.
        try Self.write(
            folder.path("swapped.h5"), second, first, rows: held, split: false, names: ("/images", "/captions"))
        for (file, words) in [
            ("swapped.h5", "swapped.h5:/images: its rows have 3 numbers each, where the first modality has 5"),
            ("scaled.h5", "has no dataset /images; it has"), ("absent.h5", "absent.h5"),
        ] {
            let program = try CoupletInvocation(arguments: ["evaluate", "one", "--data", file], in: folder.files.path)
            #expect([65, 74].contains(program.exitCode) && program.errors.contains(words), "\(program.errors)")
        }
    }

    /// A run of a version that did not scale pictures goes on as it began.
    @Test(.enabled(if: Python.isAvailable)) func olderRunsKeepTheScaleOfTheirPictures() throws {
        let folder = TemporaryFolder()
        try folder.write(
            "data.py",
            """
            import h5py, numpy as np
            r = np.random.default_rng(1)
            with h5py.File("p.h5", "w") as f:
                f["first"] = r.integers(0, 256, (200, 1, 6, 6), dtype="u1")
                f["second"] = f["first"][:].reshape(200, 36)[:, :4].astype("f4")
                f["split"] = np.arange(200) % 4 == 0
            """)
        try folder.write(
            "c.yaml",
            """
            data: {source: hdf5, path: p.h5}
            encoders: {embedding: 3, first: {kind: cnn, channels: [2], hidden: [5]}, second: {kind: linear}}
            objective: {similarity: cosine, temperature: 0.2}
            batch: {size: 32, shards: 2}
            train: {steps: 6, checkpoint_every: 3}

            """)
        let result = try ShellScript(
            """
            python3 data.py
            couplet train c.yaml --output new --progress none --threads 1
            couplet train c.yaml --output bytes --progress none --threads 1 --set data.scale_pictures=false
            couplet train c.yaml --output old --progress none --threads 1 --set data.scale_pictures=false \
            --set train.steps=3
            sed -i '/scale_pictures/d' old/config.yaml
            couplet train c.yaml --output old --progress none --threads 1 --resume
            for run in new bytes old; do couplet inspect $run --json | grep '"digest"'; done
            couplet encode new --modality first --input p.h5:/first --output e.h5:/new
            couplet encode old --modality first --input p.h5:/first --output e.h5:/old
            couplet encode bytes --modality first --input p.h5:/first --output e.h5:/bytes
            python3 -c "
            import h5py, numpy as np
            f = h5py.File('e.h5')
            isOld = np.array_equal(f['old'], f['bytes']) and not np.array_equal(f['old'], f['new'])
            print('equal' if isOld else 'other')
            c = h5py.File('new/checkpoints/step-00000006.h5')['statistics/data/first']
            print(c['mean'][:], c['scale'][:] * 255)
            "
            """, in: folder.path)
        let lines = result.output.split(separator: "\n").filter { !$0.isEmpty }
        try #require(lines.count >= 5 && result.exitCode == 0, "\(result.output)")
        let digests = lines.filter { $0.contains("\"digest\"") }
        #expect(digests.count == 3 && digests[1] == digests[2] && digests[0] != digests[1])
        #expect(lines.suffix(2) == ["equal", "[0.] [1.]"], "\(result.output)")
    }
}
