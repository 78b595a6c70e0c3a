import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// Runs on the user's labels, and on data that change.
@Suite struct LabelRunTests {
    /// Points around the centres of three classes, whose labels are `names`.
    private static func write(_ path: String, names: [Int], shift: Float = 0) throws {
        let philox = Philox(seed: 5), count = 600
        let rows = Tensor([count, 4])
        for row in 0..<count {
            let noise = philox.normals(4, .source, number: UInt64(row))
            for column in 0..<4 { rows.pointer[4 * row + column] = (column == row % 3 ? 2 : 0) + 0.3 * noise[column] }
        }
        rows.pointer[4 * 301 + 2] += shift
        let file = try HDF5File(creating: path, overwriting: true)
        try file.write("/first", rows)
        try file.write("/second", (0..<count).map { names[$0 % 3] }, shape: [count])
        try file.close()
    }

    private static let config = """
        data: {source: hdf5, path: own.h5, held_out: 0.25}
        encoders: {embedding: 4, first: {kind: linear}, second: {kind: labels}}
        objective: {similarity: cosine, temperature: 0.2}
        batch: {size: 64, shards: 4}
        optimizer: {kind: adam, learning_rate: 0.02}
        train: {steps: 60, checkpoint_every: 30}

        """

    private static func couplet(_ folder: TemporaryFolder, _ arguments: String...) throws -> CoupletInvocation {
        try CoupletInvocation(arguments: arguments, in: folder.path)
    }

    private static func train(_ folder: TemporaryFolder, _ run: String, _ extra: String...) throws -> CoupletInvocation
    {
        try CoupletInvocation(
            arguments: ["train", "c.yaml", "--output", run, "--progress", "none"] + extra, in: folder.path)
    }

    @Test func resultsDoNotDependOnNames() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        var outputs: [String] = [], digests: [String] = []
        for names in [[0, 1, 2], [7, 1_000_000, 2_000_000_000]] {
            try Self.write("\(folder.path)/own.h5", names: names)
            let trained = try Self.train(folder, "run", "--overwrite")
            #expect(trained.exitCode == 0, "\(trained.errors)")
            outputs.append(try Self.couplet(folder, "evaluate", "run", "--probe", "--json").output)
            digests.append(
                try #require(try Self.couplet(folder, "inspect", "run", "--json").json()["digest"] as? String))
        }
        #expect(outputs[0] == outputs[1] && digests[0] == digests[1])
        #expect(outputs[0].contains("\"several_right_answers\": 150"))
        // Retrieval shows the user's labels.
        let labels = try HDF5File(creating: "\(folder.path)/labels.h5")
        try labels.write("/labels", [2_000_000_000, 7, 1_000_000], shape: [3])
        try labels.write("/rows", Tensor([1, 4], [2, 0, 0, 0]))
        try labels.close()
        let found = try Self.couplet(
            folder, "retrieve", "run", "--query", "labels.h5:/rows", "--gallery", "labels.h5:/labels", "--json")
        #expect(found.exitCode == 0, "\(found.errors)")
        let query = try #require((try found.json()["queries"] as? [[String: Any]])?.first)
        #expect((query["labels"] as? [Int])?.first == 7 && (query["rows"] as? [Int])?.first == 1)
        let sampled = try Self.couplet(
            folder, "sample", "run", "--given", "first", "--query", "labels.h5:/rows", "--count", "50", "--json")
        let object = try sampled.json(), samples = try #require(object["queries"] as? [[String: Any]])
        #expect(object["labels"] as? [Int] == [7, 1_000_000, 2_000_000_000], "\(sampled.errors)")
        #expect(samples[0]["mode"] as? [Int] == [7])
    }

    /// A change of a row that the digest of version 0.1 did not cover, with the size and the time of the old file.
    @Test func resumeRefusesChangedData() throws {
        let folder = TemporaryFolder(), data = "\(folder.path)/own.h5"
        try folder.write("c.yaml", Self.config)
        try Self.write(data, names: [0, 1, 2])
        #expect(try Self.train(folder, "run").exitCode == 0)
        let date = try FileManager.default.attributesOfItem(atPath: data)[.modificationDate]!
        try Self.write(data, names: [0, 1, 2], shift: 1)
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: data)
        let refused = try Self.train(folder, "run", "--resume", "--set", "train.steps=90")
        #expect(refused.exitCode == 65 && refused.errors.contains("the data are not those"), "\(refused.errors)")
        try Self.write(data, names: [0, 1, 2])
        #expect(try Self.train(folder, "run", "--resume", "--set", "train.steps=90").exitCode == 0)
    }

    /// A run whose stored config has no split_seed keeps its held-out pairs; a new one does not depend on its seed.
    @Test func formerRunsKeepTheirSplit() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        try Self.write("\(folder.path)/own.h5", names: [3, 10, 20])
        #expect(try Self.train(folder, "old", "--set", "data.split_seed=null", "--set", "seed=4").exitCode == 0)
        func stored() throws -> String { try String(contentsOfFile: "\(folder.path)/old/config.yaml", encoding: .utf8) }
        #expect(try !stored().contains("split_seed"))
        let resumed = try Self.train(folder, "old", "--resume", "--set", "seed=4", "--set", "train.steps=90")
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        #expect(try !stored().contains("split_seed"))
        let evaluated = try Self.couplet(folder, "evaluate", "old", "--json").json()
        #expect((evaluated["classification"] as? [String: Any])?["classes"] as? Int == 3)
        let other = try Self.train(
            folder, "old", "--resume", "--set", "seed=4", "--set", "data.split_seed=9", "--set", "train.steps=120")
        #expect(other.exitCode == 65 && other.errors.contains("data.split_seed"), "\(other.errors)")
    }

    /// A run of a version before `encoders.initialization` continues as it began, though the defaults have changed: its
    /// initial weights and its weight decay are those of that version, and its temperature was fixed at 1.
    @Test func formerRunsKeepTheirDefaults() throws {
        let folder = TemporaryFolder()
        let config = Self.config.replacing(", temperature: 0.2", with: "")
            .replacing("learning_rate: 0.02", with: "learning_rate: 0.02, weight_decay: 0.1")
        try folder.write("c.yaml", config)
        try Self.write("\(folder.path)/own.h5", names: [3, 10, 20])
        let former = ["encoders.initialization.law=by_activation", "optimizer.weight_decay_on=all"]
        let settings = (former + ["objective.temperature=1"]).flatMap { ["--set", $0] }
        for (run, steps) in [("old", 30), ("whole", 60)] {
            let trained = try CoupletInvocation(
                arguments: ["train", "c.yaml", "--output", run, "--progress", "none", "--set", "train.steps=\(steps)"]
                    + settings, in: folder.path)
            #expect(trained.exitCode == 0, "\(trained.errors)")
        }
        // The config as that version wrote it.
        let path = "\(folder.path)/old/config.yaml"
        let stored = try String(contentsOfFile: path, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(stored.contains("  initialization: {law: by_activation, gain: 1, biases: zero}"))
        try stored.filter { !$0.contains("initialization:") }.joined(separator: "\n")
            .write(toFile: path, atomically: true, encoding: .utf8)
        let resumed = try Self.train(folder, "old", "--resume")
        #expect(resumed.exitCode == 0, "\(resumed.errors)")
        func digest(_ run: String) throws -> String? {
            try Self.couplet(folder, "inspect", run, "--json").json()["digest"] as? String
        }
        let whole = try #require(try digest("whole"))
        #expect(try digest("old") == whole)
        let new = try Self.train(folder, "new")
        #expect(new.exitCode == 0, "\(new.errors)")
        #expect(try digest("new") != whole)
    }

    @Test func encodersThatSawTheHeldOutPairsAreRefused() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.config)
        try Self.write("\(folder.path)/own.h5", names: [0, 1, 2])
        #expect(try Self.train(folder, "first", "--set", "data.split_seed=5").exitCode == 0)
        let from = ["--set", "initialize={from: first}"]
        let leak = try Self.train(folder, "second", from[0], from[1], "--set", "seed=2")
        #expect(
            leak.exitCode == 65 && leak.errors.contains("of the 150 pairs that this run holds out"), "\(leak.errors)")
        #expect(leak.errors.contains("data.split_seed: 5"), "\(leak.errors)")
        let same = try Self.train(
            folder, "second", from[0], from[1], "--set", "seed=2", "--set", "data.split_seed=5")
        #expect(same.exitCode == 0, "\(same.errors)")
    }
}
