import CoupletTensors
import Foundation
import TestSupport
import Testing

/// Results have the same bits for every instruction set of the kernels, and at every optimisation level.
@Suite(.serialized) struct InstructionSetTests {
    private static let sets = InstructionSet.available.map(\.rawValue)

    // MARK: - Kernels

    /// The lines of Tests/KernelDigests: a digest for each kernel, without the line that names the instruction set.
    private static func digests(of program: String, set: String) throws -> [String] {
        let result = try CompletedProcess([program], environment: ["COUPLET_CPU": set])
        #expect(result.exitCode == 0, "\(result.errors)")
        let lines = result.output.split(separator: "\n").map(String.init)
        #expect(lines.first == "instruction set \(set)")
        return Array(lines.dropFirst())
    }

    private static let program = URL(fileURLWithPath: CoupletInvocation.path).deletingLastPathComponent()
        .appendingPathComponent("KernelDigests").path

    @Test func kernelsHaveTheSameBitsInEverySet() throws {
        let expected = try Self.digests(of: Self.program, set: Self.sets[0])
        #expect(expected.count > 60)
        // Each kernel has results of its own.
        #expect(Set(expected.map { $0.split(separator: " ").dropFirst().joined() }).count > expected.count - 8)
        for set in Self.sets.dropFirst() {
            let found = try Self.digests(of: Self.program, set: set)
            #expect(found.count == expected.count)
            for (line, other) in zip(expected, found) { #expect(line == other, "\(Self.sets[0]) and \(set) differ") }
        }
    }

    /// A debug build has the bits of a release build.
    @Test func kernelsHaveTheSameBitsWithoutOptimisation() throws {
        let swift = try CompletedProcess(["bash", "-c", "readlink -f \"$(command -v swift)\""]).output
        let beside = URL(fileURLWithPath: swift.trimmingCharacters(in: .whitespacesAndNewlines))
            .deletingLastPathComponent().appendingPathComponent("clang").path
        let clang = FileManager.default.isExecutableFile(atPath: beside) ? beside : "clang"
        let folder = TemporaryFolder()
        let build = """
            cd '\(packageFolder)'
            '\(clang)' -std=gnu17 -O0 -I Sources/CCoupletKernels/include Sources/CCoupletKernels/*.c \
            Tests/KernelDigests/*.c -lm -o '\(folder.file("digests"))'
            """
        let built = try CompletedProcess(["bash", "-c", build])
        try #require(built.exitCode == 0, "\(built.errors)")
        let expected = try Self.digests(of: Self.program, set: Self.sets[0])
        for set in Self.sets {
            let found = try Self.digests(of: folder.file("digests"), set: set)
            #expect(found.count == expected.count)
            for (line, other) in zip(expected, found) { #expect(line == other, "\(set) at -O0") }
        }
    }

    /// A kernel that Tests/KernelDigests lacks could have other bits unnoticed.
    @Test func everyKernelHasADigest() throws {
        func text(of folder: String, _ suffix: String) throws -> String {
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(packageFolder)/\(folder)")
            return try names.filter { $0.hasSuffix(suffix) }.map {
                try String(contentsOfFile: "\(packageFolder)/\(folder)/\($0)", encoding: .utf8)
            }.joined(separator: "\n")
        }
        let headers = try text(of: "Sources/CCoupletKernels/include", ".h")
            .replacing(/\/\/[^\n]*/, with: "").replacing(/#define[^\n]*/, with: "")
        let declared = Set(headers.matches(of: /\b(couplet_\w+)\(/).map { String($0.1) })
        #expect(declared.count > 80)
        let called = Set(
            try text(of: "Tests/KernelDigests", ".c").matches(of: /\b(couplet_\w+)/).map { String($0.1) })
        #expect(declared.subtracting(called).sorted() == [])
    }

    // MARK: - Runs

    /// The digest and the evaluation of runs with every source, encoder, loss, similarity and optimizer.
    @Test func runsHaveTheSameBitsInEverySet() throws {
        let folder = try TrainingFolder("")
        try FileManager.default.removeItem(atPath: folder.config)
        try folder.writeDigits()
        let script = """
            '\(packageFolder)/Tests/Digests/configs' couplet
            for config in *.yaml; do
                for set in \(Self.sets.joined(separator: " ")); do
                    export COUPLET_CPU=$set
                    couplet train $config --output $set --overwrite --progress none --threads 1 --set train.steps=4 \\
                        --set train.checkpoint_every=4
                    digest=$(couplet inspect $set --json | grep '"digest"')
                    echo "RESULT $config $set $digest $(couplet evaluate $set --json | cksum)"
                done
            done
            """
        let result = try ShellScript(script, in: folder.files.path, seconds: 300)
        #expect(result.exitCode == 0, "\(result.output)")
        var results: [String: [String: String]] = [:]
        for line in result.output.split(separator: "\n") where line.hasPrefix("RESULT ") {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            results[words[1], default: [:]][words[2]] = words[3]
        }
        #expect(results.count >= 18)
        for (config, bySet) in results {
            #expect(bySet.count == Self.sets.count && Set(bySet.values).count == 1, "\(config): \(bySet)")
        }
        #expect(Set(results.values.compactMap(\.values.first)).count == results.count)
    }

    /// Ranks on CPUs of different kinds work together.
    @Test(.enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) func ranksMayUseDifferentSets() throws {
        let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 20))
        let digest = try folder.digest("one", ["--threads", "1"])
        let last = try #require(Self.sets.last)
        let script = """
            export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
            run="couplet train c.yaml --output mixed --progress none"
            \(BackgroundJob.launcher.joined(separator: " ")) \
                -n 1 env COUPLET_CPU=\(Self.sets[0]) $run : -n 1 env COUPLET_CPU=\(last) $run
            """
        let result = try ShellScript(script, in: folder.files.path)
        #expect(result.exitCode == 0, "\(result.output)")
        #expect(try folder.digest(of: "mixed") == digest)
    }

    // MARK: - COUPLET_CPU

    /// No command runs with another instruction set than the one that the user named.
    @Test(arguments: [
        ["train", "c.yaml"], ["inspect", "none"], ["doctor"], ["config", "c.yaml"], ["bench", "step", "c.yaml"],
    ])
    func aSetThatIsNotThereIsRefused(arguments: [String]) throws {
        let folder = try TrainingFolder(TrainingFolder.tinyGaussian())
        let missing = try #require(["neon", "avx2"].first { !Self.sets.contains($0) })
        for (value, reason) in [
            ("AVX2", "no instruction set of Couplet has this name"), (missing, "this CPU does not have it"),
        ] {
            let result = try CoupletInvocation(
                arguments: arguments, environment: ["COUPLET_CPU": value], in: folder.files.path)
            #expect(result.exitCode == 64 && result.output == "", "\(result.output)")
            #expect(
                result.errors.contains(
                    "COUPLET_CPU=\(value): \(reason); available are \(Self.sets.joined(separator: ", "))"),
                "\(result.errors)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.files.path) == ["c.yaml"])
    }

    @Test func anEmptyValueIsNone() throws {
        let kernels = try CoupletInvocation("doctor", "--json", environment: ["COUPLET_CPU": ""]).json()["kernels"]
        #expect((kernels as? [String: Any])?["instruction_set"] as? String == Self.sets[0])
    }
}
