import CoupletStorage
import CoupletTensors
import Foundation
import Testing

/// A scratch folder with a config, in which runs are made.
struct TrainingFolder {
    let scratch: ScratchFolder
    let config: String

    init(_ text: String) throws {
        scratch = try ScratchFolder()
        config = try scratch.write("c.yaml", text.replacingOccurrences(of: "FOLDER", with: scratch.path))
    }

    func path(_ run: String) -> String { "\(scratch.path)/\(run)" }
    func checkpoints(_ run: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path(run) + "/checkpoints")) ?? []).filter {
            $0.hasPrefix("step-")
        }.sorted()
    }
    /// The step of the newest checkpoint.
    func step(_ run: String) -> Int? {
        checkpoints(run).filter { $0.hasSuffix(".h5") }.last.flatMap { Int($0.dropFirst(5).dropLast(3)) }
    }

    func start(
        _ run: String, _ extra: [String] = [], ranks: Int = 1, perRank: [[String]] = [], folders: [String] = [],
        environment: [String: String] = [:]
    ) throws -> RunningCouplet {
        try RunningCouplet(
            ["train", config, "--output", path(run), "--progress", "plain"] + extra, ranks: ranks, perRank: perRank,
            folders: folders,
            environment: environment)
    }

    /// Trains to the end and returns the digest.
    func digest(_ run: String, _ extra: [String] = [], ranks: Int = 1) throws -> String {
        let program = try start(run, extra, ranks: ranks)
        let code = program.end(within: 60)
        #expect(code == 0, "\(run): \(program.errors)")
        return try digest(of: run)
    }

    func digest(of run: String) throws -> String {
        let result = try Couplet("inspect", path(run), "--json")
        #expect(result.exitCode == 0, "\(result.errors)")
        let json = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        return try #require(json?["digest"] as? String)
    }

    /// The Gaussian in small steps, with a checkpoint every few.
    static func gaussian(steps: Int, checkpointEvery: Int = 5) -> String {
        """
        data: {source: gaussian, dimensions: [8, 6], correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]}
        encoders: {embedding: 3, first: {kind: linear}, second: {kind: linear}}
        batch: {size: 512, shards: 8}
        optimizer: {kind: adam, learning_rate: 0.01, schedule: cosine, warmup_steps: 10, clip_norm: 1}
        evaluation: {pairs: 256}
        train: {steps: \(steps), log_every: 20, evaluate_every: null, checkpoint_every: \(checkpointEvery), keep_checkpoints: 3}

        """
    }

    /// Images and labels through the CNN, temperature learned.
    static func mnist(_ folder: String, steps: Int) -> String {
        """
        data: {source: mnist, path: \(folder)}
        encoders: {embedding: 5, first: {kind: cnn, channels: [4, 8], hidden: [16]}, second: {kind: labels}}
        objective: {similarity: cosine, temperature: {initial: 0.07, learned: true, minimum: 0.01}}
        batch: {size: 256, shards: 8}
        optimizer: {kind: adamw, learning_rate: 0.003, weight_decay: 0.01}
        evaluation: {pairs: 128}
        train: {steps: \(steps), log_every: 10, evaluate_every: null, checkpoint_every: 10}

        """
    }

    /// Pairs of a file of the user's own, of 8 and 6 numbers.
    static func pairs(_ file: String, steps: Int) -> String {
        """
        data: {source: hdf5, path: \(file)}
        encoders: {embedding: 3, first: {kind: mlp, widths: [16]}, second: {kind: linear}}
        batch: {size: 128, shards: 4}
        optimizer: {learning_rate: 0.003}
        train: {steps: \(steps), log_every: 1, evaluate_every: null, checkpoint_every: 2, keep_checkpoints: 3}

        """
    }

    /// The file of `pairs`: 512 of them, in which `change` may alter numbers.
    func writePairs(_ name: String, _ change: (_ first: Tensor, _ second: Tensor) -> Void = { _, _ in }) throws {
        let count = 512
        func numbers(_ width: Int) -> Tensor {
            Tensor([count, width], (0..<count * width).map { Float(($0 * 7_919 + width) % 1_009) / 500 - 1 })
        }
        let first = numbers(8), second = numbers(6)
        change(first, second)
        let file = try HDF5File(creating: "\(scratch.path)/\(name)", overwriting: true)
        try file.write("/first", first)
        try file.write("/second", second)
        try file.close()
    }

    /// Small IDX files of the four names: blots whose place tells the label.
    func writeDigits() throws {
        func bytes(_ number: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }
        for (name, count) in [("train", 600), ("t10k", 200)] {
            var images = bytes(0x803) + bytes(count) + bytes(28) + bytes(28), labels = bytes(0x801) + bytes(count)
            for i in 0..<count {
                let label = i * 7 % 10
                labels.append(UInt8(label))
                images += (0..<784).map {
                    UInt8(
                        truncatingIfNeeded: ($0 * (i + 3) * 2_654_435 >> 9) % 40
                            + ($0 / 28 / 6 == label / 2 && $0 % 28 / 14 == label % 2 ? 200 : 0))
                }
            }
            try Data(images).write(to: URL(fileURLWithPath: "\(scratch.path)/\(name)-images-idx3-ubyte"))
            try Data(labels).write(to: URL(fileURLWithPath: "\(scratch.path)/\(name)-labels-idx1-ubyte"))
        }
    }
}

/// Tests that start many processes, one after the other: each has a time limit.
@Suite(.serialized) struct ProcessTests {}
