import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// `couplet bench`.
@Suite struct BenchCommandTests {
    private static let speedKeys = [
        "median_seconds", "minimum_seconds", "gflops", "fma_peak_gflops", "peak_share", "peak_memory_mib", "workers",
        "batch", "dim",
    ]

    private func run(_ arguments: String...) throws -> [String: Any] {
        try CoupletInvocation(arguments: ["bench"] + arguments + ["--json"]).json()
    }

    private func checkSpeed(_ object: [String: Any]) {
        let numbers = Self.speedKeys.compactMap { object[$0] as? Double }
        #expect(numbers.count == Self.speedKeys.count && numbers.allSatisfy { $0 > 0 && $0.isFinite }, "\(object)")
        guard numbers.count == Self.speedKeys.count else { return }
        #expect(numbers[1] <= numbers[0])
        #expect(numbers[4] <= 1.3)
        #expect(abs(numbers[4] * numbers[3] / numbers[2] - 1) <= 1e-9)
    }

    @Test func lossReportsSpeedAndSettings() throws {
        let object = try run(
            "loss", "--batch", "512", "--dim", "24", "--repeat", "3", "--threads", "2", "--temperature", "0.2")
        checkSpeed(object)
        #expect(object["batch"] as? Int == 512 && object["dim"] as? Int == 24 && object["workers"] as? Int == 2)
        #expect(object["temperature"] as? Double == 0.2 && object["objective"] as? String == "conditional")
        let waiting = object["waiting_share"] as? Double ?? -1
        #expect(waiting >= 0 && waiting < 1)
        let (seconds, speed) = (object["median_seconds"] as? Double ?? 0, object["gflops"] as? Double ?? 0)
        #expect(abs(speed * seconds * 1e9 - 6 * 512 * 512 * 24) <= 1)
    }

    @Test(arguments: ["couplet", "openblas"])
    func productReportsSpeedKernelsAndShare(library: String) throws {
        let object = try run(
            "product", "--rows", "96", "--columns", "70", "--inner", "40", "--form", "tn", "--threads", "2", "--repeat",
            "3", "--library", library)
        #expect(object["rows"] as? Int == 96 && object["columns"] as? Int == 70 && object["inner"] as? Int == 40)
        #expect(object["form"] as? String == "tn" && object["workers"] as? Int == 2)
        #expect((object["kernels"] as? String)?.isEmpty == false)
        let seconds = try #require(object["median_seconds"] as? Double)
        let speed = try #require(object["gflops"] as? Double)
        let peak = try #require(object["fma_peak_gflops"] as? Double)
        // Both workers multiply.
        #expect(abs(speed * seconds * 1e9 - 2 * 2 * 96 * 70 * 40) <= 1)
        #expect(peak > 0 && abs((object["peak_share"] as? Double ?? 0) * peak / speed - 1) <= 1e-9)
    }

    @Test func productKernelsFollowTheVariable() throws {
        let object = try CoupletInvocation(
            arguments: ["bench", "product", "--rows", "20", "--repeat", "1", "--threads", "1", "--json"],
            environment: ["COUPLET_CPU": "portable"]
        ).json()
        #expect(object["kernels"] as? String == "portable")
    }

    @Test(arguments: [
        (["--rows", "0"], "--rows is 0; wanted at least 1"), (["--form", "xx"], "'nn', 'nt', 'tn' or 'tt'"),
        (["--rows", "1000000", "--inner", "1000000"], "A is 1000000 × 1000000; wanted at most"),
    ])
    func productRefusesBadSizes(arguments: [String], reason: String) throws {
        let outcome = try CoupletInvocation(arguments: ["bench", "product"] + arguments)
        #expect(outcome.exitCode == 64 && outcome.errors.contains(reason), "\(outcome.errors)")
    }

    /// Compares with the textbook in Double: the mean of both cross-entropies over B × B inner products, and its
    /// derivative.
    @Test(arguments: [1, 2])
    func lossAndGradientsOfAFileMatchTheTextbook(threads: Int) throws {
        let (rows, width, temperature) = (64, 5, 0.3)
        let folder = TemporaryFolder()
        let path = "\(folder.path)/encodings.h5"
        var sides: [[[Double]]] = []
        let file = try HDF5File(creating: path)
        for (number, name) in ["/first", "/second"].enumerated() {
            let values = Philox(seed: 5).normals(rows * width, .source, number: UInt64(number))
            try file.create(name, .float32, shape: [rows, width])
            try file.writeRows(name, from: 0, Tensor([rows, width], values))
            sides.append((0..<rows).map { row in (0..<width).map { Double(values[row * width + $0]) } })
        }
        try file.close()
        let (u, v) = (sides[0], sides[1])
        let scores = u.map { a in v.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / temperature } }
        let rowSums = scores.map { $0.reduce(0) { $0 + exp($1) } }
        let columnSums = (0..<rows).map { column in scores.reduce(0) { $0 + exp($1[column]) } }
        var loss = 0.0, du = u.map { $0.map { _ in 0.0 } }, dv = du
        for i in 0..<rows {
            loss += (0.5 * (log(rowSums[i]) + log(columnSums[i])) - scores[i][i]) / Double(rows)
            for j in 0..<rows {
                let e = exp(scores[i][j])
                let weight =
                    (0.5 * (e / rowSums[i] + e / columnSums[j]) - (i == j ? 1 : 0)) / (Double(rows) * temperature)
                for k in 0..<width {
                    du[i][k] += weight * v[j][k]
                    dv[j][k] += weight * u[i][k]
                }
            }
        }
        func norm(_ matrix: [[Double]]) -> Double { matrix.joined().reduce(0) { $0 + $1 * $1 }.squareRoot() }
        let object = try run(
            "loss", "--input", path, "--similarity", "inner_product", "--temperature", "\(temperature)", "--threads",
            "\(threads)",
            "--shards", "4", "--repeat", "1")
        for (key, exact) in [("loss", loss), ("first_gradient_norm", norm(du)), ("second_gradient_norm", norm(dv))] {
            let found = object[key] as? Double ?? .nan
            #expect(abs(found / exact - 1) <= 1e-5, "\(key) \(found), exact \(exact)")
        }
    }

    @Test func stepReportsSpeedAndMemory() throws {
        let object = try run(
            "step", "\(packageFolder)/Tests/Peers/study.yaml", "--set", "batch.size=1024", "--repeat", "2", "--warmup",
            "1")
        checkSpeed(object)
        // Forward and both gradients of each product, 2 · in · out operations for a pair, except the gradient of the
        // input.
        let sizes = [15, 150, 750, 750, 750, 750, 150, 5]
        let products = zip(sizes, sizes.dropFirst()).map { $0 * $1 }
        let operations = 2 * 1_024 * 2 * Double(3 * products.reduce(0, +) - products[0])
        #expect(object["encoder_operations"] as? Double == operations)
        #expect((object["losses"] as? [Double])?.count == 3)
    }

    /// Configs whose memory is mostly activations and gradients; tiles and encodings; the activations of one shard.
    @Test(arguments: [
        ["--set", "batch.size=6144", "--set", "batch.tile_memory=0"],
        [
            "--set", "batch.size=16384", "--set", "batch.tile_memory=400 MiB", "--set",
            "encoders={embedding: 64, first: {kind: linear}, second: {kind: linear}}",
        ],
        [
            "--set", "batch.size=8192", "--set", "batch.activations=recompute", "--set",
            "objective.similarity=quadratic",
        ],
    ])
    func memoryIsAsPredicted(changes: [String]) throws {
        let object = try CoupletInvocation(
            arguments: [
                "bench", "step", "\(packageFolder)/Tests/Peers/study.yaml", "--repeat", "1", "--warmup", "0", "--json",
            ] + changes
        ).json()
        let (growth, estimate) = (
            object["memory_growth_mib"] as? Double ?? 0, object["memory_estimate_mib"] as? Double ?? 0
        )
        #expect(estimate > 150)
        #expect(abs(growth / estimate - 1) <= 0.05, "\(growth) MiB, \(estimate) predicted")
    }

    /// A residual network, with kept and with recomputed activations.
    @Test(arguments: ["keep", "recompute"]) func memoryOfADeepEncoderIsAsPredicted(activations: String) throws {
        let folder = TemporaryFolder()
        let file = try HDF5File(creating: folder.file("images.h5"), overwriting: true)
        try file.write("/first", Tensor([64, 3, 32, 32], (0..<64 * 3_072).map { Float($0 * 7_919 % 1_009) / 500 - 1 }))
        try file.write("/second", Tensor([64, 2], (0..<128).map { Float($0 % 11) / 5 - 1 }))
        try file.close()
        let config = try folder.write(
            "c.yaml",
            """
            data: {source: hdf5, path: \(folder.file("images.h5"))}
            encoders: {embedding: 8, first: {kind: resnet18, stem: small}, second: {kind: linear}}
            batch: {size: 64, shards: 8, activations: \(activations)}
            train: {steps: 1}

            """)
        let object = try CoupletInvocation(
            "bench", "step", config, "--repeat", "1", "--warmup", "0", "--threads", "1", "--json"
        ).json()
        let growth = object["memory_growth_mib"] as? Double ?? 0
        let estimate = object["memory_estimate_mib"] as? Double ?? 0
        #expect(estimate > 250, "\(object)")
        #expect(abs(growth / estimate - 1) <= 0.05, "\(growth) MiB, \(estimate) predicted")
    }

    @Test func collectivesReportEverySize() throws {
        let object = try run("collectives", "--threads", "2", "--largest", "1MiB", "--repeat", "2")
        #expect(object["workers"] as? Int == 2)
        for key in ["tree_sum", "exchange_near"] {
            let list = object[key] as? [[String: Any]] ?? []
            let bytes = list.compactMap { $0["bytes"] as? Int },
                seconds = list.compactMap { $0["median_seconds"] as? Double }
            #expect(bytes == [1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576])
            #expect(seconds.count == bytes.count && seconds.allSatisfy { $0 > 0 })
        }
        #expect(((object["barrier"] as? [String: Any])?["median_seconds"] as? Double ?? 0) > 0)
    }

    /// A trace is lines of JSON; the messages that worker 0 of 4 sends have the bytes of the formula.
    @Test func traceWritesTheScheduleOfAStep() throws {
        let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 1))
        let result = try CoupletInvocation(
            "bench", "trace", folder.config, "--workers", "4", "--pairs-per-worker", "256", "--speeds", "100,50,40")
        #expect(result.exitCode == 0, "\(result.errors)")
        let lines = try result.output.split(separator: "\n").map { try jsonObject(String($0)) }
        let head = try #require(lines.first)
        #expect(head["workers"] as? Int == 4 && head["batch"] as? Int == 1_024 && head["shards"] as? Int == 8)
        func bytes(_ stream: String) -> Int {
            lines.filter { $0["event"] as? String == "send" && $0["stream"] as? String == stream }
                .reduce(0) { $0 + ($1["bytes"] as? Int ?? 0) }
        }
        // B/W = 256 rows, d = 3.
        #expect(bytes("data") == 4 * 256 * 3 * 10 && bytes("sums") == 4 * 256 * 4 * 5)
        let seconds = lines.compactMap { $0["seconds"] as? Double }
        #expect(!seconds.isEmpty && seconds.allSatisfy { $0 > 0 })

        let several = try CoupletInvocation(
            "bench", "trace", folder.config, "--workers", "2,8", "--speeds", "100,50,40", "--output",
            folder.path("traces"))
        #expect(several.exitCode == 0 && several.output.isEmpty, "\(several.errors)")
        for workers in [2, 8] {
            let text = try String(contentsOfFile: folder.path("traces/\(workers).jsonl"), encoding: .utf8)
            #expect(text.contains("\"workers\":\(workers)") || text.contains("\"workers\": \(workers)"))
        }
    }

    @Test(arguments: [
        (["trace", "c.yaml", "--workers", "0"], 64, "--workers is"),
        (["trace", "c.yaml", "--workers", "2,4"], 64, "give --output"),
        (["trace", "c.yaml", "--workers", "2", "--speeds", "1,2"], 64, "three speeds"),
        (["trace", "c.yaml", "--workers", "2", "--worker", "2"], 64, "--worker is 2"),
        (["loss", "--loss", "conditonal"], 65, "did you mean conditional?"),
        (["loss", "--batch", "0"], 64, "--batch is 0"),
        (["loss", "--input", "none.h5"], 74, "none.h5"), (["step", "none.yaml"], 74, "none.yaml"),
        (["loss", "--repeat", "0"], 64, "--repeat is 0"), (["collectives", "--largest", "1 kb"], 64, "1 kb"),
        (["loss", "--threads", "0"], 64, "wanted 1 to"),
    ])
    func errorsNameTheMistake(arguments: [String], code: Int32, says: String) throws {
        let result = try CoupletInvocation(arguments: ["bench"] + arguments)
        #expect(result.exitCode == code && result.errors.contains(says) && result.output.isEmpty, "\(result.errors)")
    }
}
