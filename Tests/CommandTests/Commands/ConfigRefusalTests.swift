import Foundation
import TestSupport
import Testing

/// `couplet config` refuses what `couplet train` refuses, and says where.
@Suite struct ConfigRefusalTests {
    private static let text = """
        data: {source: gaussian, dimensions: [8, 6], correlations: [0.9, 0.5]}
        encoders:
          embedding: 3
          first: {kind: linear}
          second: {kind: linear}
        batch: {size: 64}
        train: {steps: 1}

        """

    /// Each with the beginning of the message, which is the same from both commands.
    @Test(
        arguments: [
            ("encoders.first={kind: labels}", "--set encoders.first={kind: labels}: encoders.first: "),
            (
                "encoders.second={kind: cnn, channels: [4]}",
                "--set encoders.second={kind: cnn, channels: [4]}: encoders.second: "
            ),
            ("data.dimensions=[5000, 6]", "--set data.dimensions=[5000, 6]: data.dimensions: "),
            ("data.correlations=[0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]", "--set data.correlations="),
            (
                "encoders.first={kind: mlp, widths: [4], activation: leaky_relu, slope: -1}",
                "--set encoders.first={kind: mlp, widths: [4], activation: leaky_relu, slope: -1}: encoders.first"
            ),
            ("data={source: hdf5, path: pairs.h5, held_out: 0.5}", "--set data={source: hdf5"),
            ("encoders.shared=true", "--set encoders.shared=true: encoders.shared: "),
            ("train={steps: 1099511627776}", nil),
            ("batch.size=1073741824", nil),
        ] as [(String, String?)])
    func whatTrainRefusesConfigRefuses(override: String, says: String?) throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.text)
        let export = try CoupletInvocation(
            "data", "export", "c.yaml", "--output", "pairs.h5", "--count", "40", in: folder.path)
        #expect(export.exitCode == 0, "\(export.errors)")
        guard let says else { return }
        var arguments = ["--set", override]
        if override.contains("hdf5") { arguments += ["--set", "batch.size=40"] }
        if override.contains("shared") {
            arguments = ["--set", "encoders={embedding: 3, first: {kind: linear}}"] + arguments
        }
        let train = try CoupletInvocation(
            arguments: ["train", "c.yaml", "--output", "run"] + arguments, in: folder.path)
        let config = try CoupletInvocation(arguments: ["config", "c.yaml"] + arguments, in: folder.path)
        #expect(train.exitCode == 65 && config.exitCode == 65, "\(train.errors)\(config.errors)\(config.output)")
        #expect(config.errors == train.errors && config.output.isEmpty)
        if !override.contains("hdf5") { #expect(config.errors.hasPrefix("couplet: \(says)"), "\(config.errors)") }
    }

    @Test func aKeyOfTheFileIsNamedWithItsLine() throws {
        let folder = TemporaryFolder()
        try folder.write(
            "c.yaml", Self.text.replacingOccurrences(of: "first: {kind: linear}", with: "first: {kind: labels}"))
        let config = try CoupletInvocation("config", "c.yaml", in: folder.path)
        #expect(config.exitCode == 65)
        #expect(config.errors.hasPrefix("couplet: c.yaml:4:3: encoders.first: "), "\(config.errors)")
    }

    /// Data on another machine are no error.
    @Test(arguments: [
        "data={source: hdf5, path: none.h5}", "data={source: mnist, path: none}", "initialize={from: none}",
    ])
    func dataThatAreNotHereAreAComment(override: String) throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.text)
        let config = try CoupletInvocation("config", "c.yaml", "--set", override, in: folder.path)
        #expect(config.exitCode == 0 && config.output.contains("cannot be read here"), "\(config.errors)")
    }

    @Test(.timeLimit(.minutes(5)), arguments: ["train", "config"]) func aPipeAsDataIsRefused(command: String) throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.text)
        #expect(mkfifo(folder.file("fifo.yaml"), 0o600) == 0)
        let config = try CoupletInvocation(command, "fifo.yaml", in: folder.path)
        #expect(config.exitCode == 74 && config.errors.contains("is a pipe, not a regular file"), "\(config.errors)")
    }

    @Test func aConfigMayComeThroughAPipe() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.text)
        let shell = try ShellScript(
            "couplet config <(cat c.yaml) | grep '  embedding: 3'; couplet config /dev/stdin <c.yaml | head -1; "
                + "cat c.yaml | couplet config /dev/stdin | head -1", in: folder.path)
        #expect(shell.exitCode == 0 && shell.output == "  embedding: 3\nname: stdin\nname: stdin\n", "\(shell.output)")
    }

    @Test func fiftyThousandUnknownKeysAreAShortMessage() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.text + (1...50_000).map { "k\($0): 1\n" }.joined())
        let config = try CoupletInvocation("config", "c.yaml", in: folder.path)
        #expect(config.exitCode == 65 && config.errors.utf8.count < 5_000)
        #expect(config.errors.hasSuffix("couplet: and 49980 more problems\n"), "\(config.errors.suffix(200))")
    }

    @Test(arguments: [
        (["help", "nothing"], "no command is called 'nothing'"), (["help", "trian"], "did you mean train?"),
        (["help", "bench", "lost"], "no command of bench is called 'lost'; did you mean loss?"),
        (["help", "train", "x"], "no command of train is called 'x'"),
        (["config", "c.yaml", "--threads", "1099511627776"], "at most 4096"),
        (["config", "c.yaml", "--ranks", "1099511627776"], "at most 1048576"),
        (["train", "c.yaml", "--timeout", "100000000000000000"], "--timeout"),
        (["train", "c.yaml", "--timeout", "9223372036854775807"], "--timeout"),
        (["train", "c.yaml", "--threads", "4611686018427387904"], "1 to 4096"),
        (["replay", "run", "--step", "9223372036854775807"], "--step is 9223372036854775807"),
        (["replay", "run", "--step", "2", "--threads", "4611686018427387904"], "1 to 4096"),
        (["replay", "run", "--step", "2", "--worst", "9223372036854775807"], "--worst is"),
        (["bench", "loss", "--batch", "9223372036854775807"], "--batch is"),
        (["bench", "loss", "--repeat", "9223372036854775807"], "--repeat is"),
        (["retrieve", "run", "--query", "a.h5:/x", "--gallery", "a.h5:/x", "--threads", "100000"], "at most 4096"),
        (["data", "export", "c.yaml", "--output", "x.h5", "--count", "9223372036854775807"], "--count is"),
    ])
    func wrongUseIsRefusedAtOnce(arguments: [String], says: String) throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.text)
        let result = try CoupletInvocation(arguments: arguments, in: folder.path)
        #expect(result.exitCode == 64 && result.errors.contains(says), "\(result.exitCode) \(result.errors)")
        #expect(result.output.isEmpty && folder.names == ["c.yaml"])
    }

    @Test func helpOfACommandIsStillThere() throws {
        for arguments in [
            ["help"], ["help", "train"], ["help", "bench", "loss"], ["help", "help"], ["help", "--help"],
        ] {
            let result = try CoupletInvocation(arguments: arguments)
            #expect(result.exitCode == 0 && result.output.contains("USAGE"), "\(arguments)")
        }
    }

    @Test func aTildeIsExpandedInOptions() throws {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", Self.text)
        try folder.write("work/d.yaml", "")
        let home = ["HOME": folder.path], work = folder.file("work")
        for arguments in [["--output=~/run"], ["--output", "~/run2"]] {
            let run = try CoupletInvocation(
                arguments: ["train", "~/c.yaml", "--progress", "none"] + arguments, environment: home, in: work)
            #expect(run.exitCode == 0, "\(run.errors)")
        }
        #expect(folder.exists("run/config.yaml") && folder.exists("run2/config.yaml"))
        #expect(TemporaryFolder.names(in: work) == ["d.yaml"])
        let export = try CoupletInvocation(
            "data", "export", "~/c.yaml", "--output=~/p.h5", "--count", "80", environment: home, in: work)
        #expect(export.exitCode == 0, "\(export.errors)")
        for path in ["~/p.h5", "${HOME}/p.h5"] {
            let config = try CoupletInvocation(
                "config", "~/c.yaml", "--set", "data={source: hdf5, path: \"\(path)\"}", environment: home, in: work)
            #expect(config.exitCode == 0 && config.output.contains("path: \(folder.path)/p.h5\n"), "\(config.output)")
        }
    }
}

extension TemporaryFolder {
    fileprivate static func names(in path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}
