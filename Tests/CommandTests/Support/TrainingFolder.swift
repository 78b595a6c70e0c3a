import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// A temporary folder with a config and its runs.
struct TrainingFolder {
    let files = TemporaryFolder()
    /// The config's path.
    let config: String

    /// - Parameter text: The config. The folder's path replaces FOLDER.
    init(_ text: String) throws {
        config = try files.write("c.yaml", text.replacingOccurrences(of: "FOLDER", with: files.path))
    }

    func path(_ run: String) -> String { files.file(run) }

    /// The names of a run's checkpoints.
    func checkpoints(_ run: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path(run) + "/checkpoints")) ?? [])
            .filter { $0.hasPrefix("step-") }.sorted()
    }

    /// The step of the newest checkpoint.
    func step(_ run: String) -> Int? {
        checkpoints(run).filter { $0.hasSuffix(".h5") }.last.flatMap { Int($0.dropFirst(5).dropLast(3)) }
    }

    /// Starts `couplet train`.
    func start(
        _ run: String, _ extra: [String] = [], ranks: Int = 1, perRank: [[String]] = [], folders: [String] = [],
        environment: [String: String] = [:]
    ) throws -> BackgroundJob {
        try BackgroundJob(
            ["train", config, "--output", path(run), "--progress", "plain"] + extra, ranks: ranks, perRank: perRank,
            folders: folders, environment: environment)
    }

    /// Trains to the end, and returns the digest of the newest checkpoint.
    func digest(_ run: String, _ extra: [String] = [], ranks: Int = 1) throws -> String {
        let job = try start(run, extra, ranks: ranks)
        let code = job.end(within: 60)
        #expect(code == 0, "\(run): \(job.errors)")
        return try digest(of: run)
    }

    /// The digest of a run's newest checkpoint.
    func digest(of run: String) throws -> String {
        try #require(try CoupletInvocation("inspect", path(run), "--json").json()["digest"] as? String)
    }

    // MARK: - Configs

    /// Gaussian pairs and a small batch, with a checkpoint every few steps.
    static func gaussian(steps: Int, checkpointEvery: Int = 5) -> String {
        """
        data: {source: gaussian, dimensions: [8, 6], correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]}
        encoders: {embedding: 3, first: {kind: linear}, second: {kind: linear}}
        batch: {size: 512, shards: 8}
        optimizer: {kind: adam, learning_rate: 0.01, schedule: cosine, warmup_steps: 10, clip_norm: 1}
        evaluation: {pairs: 256}
        train: {steps: \(steps), log_every: 20, evaluate_every: null, \
        checkpoint_every: \(checkpointEvery), keep_checkpoints: 3}

        """
    }

    /// The optimizers for large batches, and what a config can add to them.
    static let largeBatchOptimizers = ["kind: lars, trust_coefficient: 0.02", "kind: lamb"]

    /// `gaussian` with one of them, a learned temperature, and a moving average.
    static func largeBatch(_ optimizer: String, steps: Int, checkpointEvery: Int) -> String {
        gaussian(steps: steps, checkpointEvery: checkpointEvery)
            .replacingOccurrences(of: "{kind: adam, learning_rate: 0.01,", with: "{\(optimizer), learning_rate: 0.02,")
            .replacingOccurrences(
                of: "clip_norm: 1}",
                with: """
                    clip_norm: 1, weight_decay: 0.1, weight_decay_on: weights, \
                    learning_rate_factors: {first: 1, second: 0.5}, average_decay: 0.9}
                    """
            )
            .replacingOccurrences(
                of: "{embedding: 3, first: {kind: linear}", with: "{embedding: 3, first: {kind: mlp, widths: [48]}")
            + "objective: {similarity: cosine, temperature: {initial: 0.2, learned: true}}\n"
    }

    /// Gaussian pairs of few dimensions: a run takes milliseconds.
    static func tinyGaussian(
        objective: String = "{similarity: inner_product, loss: conditional}", steps: Int = 3
    ) -> String {
        """
        data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}
        encoders: {embedding: 2, first: {kind: linear, bias: false}, second: {kind: linear, bias: false}}
        objective: \(objective)
        batch: {size: 64, shards: 4}
        evaluation: {pairs: 100}
        train: {steps: \(steps), checkpoint_every: 1}

        """
    }

    /// Images and labels, a CNN and a learned temperature.
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

    /// Pairs of 8 and 6 numbers from an HDF5 file.
    static func pairs(_ file: String, steps: Int) -> String {
        """
        data: {source: hdf5, path: \(file)}
        encoders: {embedding: 3, first: {kind: mlp, widths: [16]}, second: {kind: linear}}
        batch: {size: 128, shards: 4}
        optimizer: {learning_rate: 0.003}
        train: {steps: \(steps), log_every: 1, evaluate_every: null, checkpoint_every: 2, keep_checkpoints: 3}

        """
    }

    // MARK: - Data

    /// Writes 512 pairs to the file of `pairs`.
    /// - Parameter change: Changes the pairs before they are written.
    func writePairs(
        _ name: String, _ change: (_ first: Tensor, _ second: Tensor) -> Void = { _, _ in }
    ) throws {
        let count = 512
        func numbers(_ width: Int) -> Tensor {
            Tensor([count, width], (0..<count * width).map { Float(($0 * 7_919 + width) % 1_009) / 500 - 1 })
        }
        let first = numbers(8)
        let second = numbers(6)
        change(first, second)
        let file = try HDF5File(creating: files.file(name), overwriting: true)
        try file.write("/first", first)
        try file.write("/second", second)
        try file.close()
    }

    /// Writes small files in the format of MNIST: images with a bright rectangle whose position encodes the label.
    func writeDigits() throws {
        let counts = [600, 200]
        for (part, count) in counts.enumerated() {
            var images = IDXFile.header([count, 28, 28])
            var labels = IDXFile.header([count])
            for image in 0..<count {
                let label = image * 7 % 10
                labels.append(UInt8(label))
                for pixel in 0..<784 {
                    let isInside = pixel / 28 / 6 == label / 2 && pixel % 28 / 14 == label % 2
                    let noise = (pixel * (image + 3) * 2_654_435 >> 9) % 40
                    images.append(UInt8(truncatingIfNeeded: noise + (isInside ? 200 : 0)))
                }
            }
            try files.write(IDXFile.mnistNames[2 * part], images)
            try files.write(IDXFile.mnistNames[2 * part + 1], labels)
        }
    }
}
