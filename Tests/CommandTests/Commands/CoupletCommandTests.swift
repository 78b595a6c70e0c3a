import CoupletCommand
import CoupletTraining
import Foundation
import TestSupport
import Testing

private let smallConfig = """
    data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}
    encoders: {embedding: 2, first: {kind: linear}, second: {kind: linear}}
    batch: {size: 64}
    train: {steps: 10}

    """

/// The command line: help, errors, and the commands that need no run.
@Suite struct CoupletCommandTests {
    /// The commands that the program has, so that a new one is checked as well.
    private static let commands = CoupletCommand.configuration.subcommands

    @Test func helpNamesEveryCommand() throws {
        let all = try CoupletInvocation("--help")
        #expect(all.exitCode == 0 && all.errors.isEmpty && Self.commands.count >= 15)
        for command in Self.commands {
            let name = try #require(command.configuration.commandName)
            #expect(all.output.contains("\n  \(name) "), "\(name)")
            #expect(command.configuration.abstract.hasSuffix("."), "\(name)")
        }
    }

    /// A command with commands of its own leaves the example to them.
    @Test(arguments: commands.map { $0.configuration.commandName ?? "" })
    func everyCommandHasHelpWithAnExample(command: String) throws {
        let type = try #require(Self.commands.first { $0.configuration.commandName == command })
        let inner = type.configuration.subcommands.compactMap { $0.configuration.commandName }
        for words in inner.isEmpty ? [[command]] : inner.map({ [command, $0] }) {
            let help = try CoupletInvocation(arguments: words + ["--help"]), name = words.joined(separator: " ")
            #expect(help.exitCode == 0 && help.errors.isEmpty, "\(help.errors)")
            #expect(help.output.contains("USAGE: couplet \(name)"), "\(help.output)")
            let beforeUsage = help.output.components(separatedBy: "\nUSAGE:")[0].split(separator: "\n")
            #expect(beforeUsage.contains { "\($0) ".contains(" couplet \(name) ") }, "\(help.output)")
        }
    }

    @Test func versionIsOneLine() throws {
        let version = try CoupletInvocation("--version")
        #expect(version.exitCode == 0)
        #expect(version.output.hasPrefix("couplet ") && version.output.split(separator: "\n").count == 1)
    }

    /// Checks the message in addition to the exit code, so that a crash or another error does not pass.
    @Test(arguments: [
        (["bogus"], 64, "no command is called 'bogus'; there are train"),
        (["trian", "CONFIG"], 64, "no command is called 'trian'; did you mean train?"),
        (["config", "d.yaml"], 74, "did you mean c.yaml?"),
        (["config"], 64, "config"),
        (["train", "CONFIG", "--threads", "0"], 64, "wanted 1 to"),
        (["train", "CONFIG", "--resume", "--overwrite"], 64, "--overwrite"),
        (["train", "CONFIG", "--progress", "loud"], 64, "plain"),
        (["config", "CONFIG", "--set", "train.steps"], 64, "key.path=value"),
        (["config", "CONFIG", "--set", "train.steps=-1"], 65, "train.steps: wanted a whole number from 0"),
        (["config", "CONFIG", "--set", "train.stpes=1"], 65, "did you mean steps?"),
        (["config", "nothing.yaml"], 74, "nothing.yaml: cannot read the config: No such file"),
        (["config", "."], 74, "is a folder, not a config"),
        (["evaluate", "nothing"], 74, "nothing: no such run"),
        (["evaluate", ".", "--checkpoint", "newest"], 64, "newest"),
        (["encode", "nothing", "--modality", "third", "--input", "a.h5:/x", "--output", "b.h5:/x"], 64, "third"),
        (
            ["encode", "nothing", "--modality", "first", "--input", "a.h5", "--output", "b.h5:/x"], 64,
            "FILE.h5:/dataset"
        ),
        (["inspect", "nothing.h5"], 74, "nothing.h5"),
        (["inspect", "CONFIG"], 65, "HDF5"),
        (["inspect", "."], 74, "no checkpoint"),
        (["data", "export", "CONFIG", "--output", "x.h5", "--count", "0"], 64, "--count is 0"),
        (["data", "export", "CONFIG", "--output", "no/such/folder/x.h5", "--count", "1"], 74, "No such file"),
        (
            [
                "data", "export", "CONFIG", "--set", "data={source: mnist, path: none}", "--output", "x.h5", "--count",
                "1",
            ], 65, "none: there is no such folder"
        ),
    ])
    func errorsHaveTheirCodeAndNameTheMistake(arguments: [String], code: Int32, says: String) throws {
        let folder = TemporaryFolder()
        let config = try folder.write("c.yaml", smallConfig)
        let result = try CoupletInvocation(arguments: arguments.map { $0 == "CONFIG" ? config : $0 }, in: folder.path)
        #expect(result.exitCode == code, "\(result.errors)")
        #expect(result.errors.contains(says), "\(result.errors)")
        #expect(result.output.isEmpty)
        if code != 64 { #expect(result.errors.hasPrefix("couplet: ")) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["c.yaml"])
    }

    @Test func aTypingErrorIsReportedWithFileLineAndNearestName() throws {
        let folder = TemporaryFolder()
        try folder.write(
            "c.yaml", smallConfig.replacingOccurrences(of: "steps: 10", with: "steps: 10, log_evry: 5"))
        let result = try CoupletInvocation("config", "c.yaml", in: folder.path)
        #expect(result.exitCode == 65)
        #expect(result.errors == "couplet: c.yaml:4:20: train.log_evry: no such key; did you mean log_every?\n")
    }

    @Test func configPrintsAConfigWithTheSameMeaning() throws {
        let folder = TemporaryFolder()
        let path = try folder.write("small.yaml", smallConfig)
        let first = try CoupletInvocation(
            "config", path, "--set", "optimizer.kind=sgd", "--set", "objective.weights=[1, 0]")
        #expect(first.exitCode == 0 && first.errors.isEmpty)
        #expect(first.output.contains("name: small\n") && first.output.contains("  momentum: 0\n"))
        let again = try CoupletInvocation("config", try folder.write("again.yaml", first.output))
        #expect(again.output == first.output)
    }

    @Test func theConfigsOfThePackageAreValid() throws {
        let folder = "\(packageFolder)/configs"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
        #expect(files.count >= 5)
        for file in files where file.hasPrefix("sweep_") {
            let plan = try CoupletInvocation("sweep", "\(folder)/\(file)", "--output", "/nowhere", "--dry-run")
            #expect(plan.exitCode == 0 && !plan.output.contains("impossible"), "\(file): \(plan.output)\(plan.errors)")
        }
        for file in files where !file.hasPrefix("sweep_") {
            let configuration = try Configuration.load(path: "\(folder)/\(file)")
            #expect(configuration.name == file.dropLast(5), "\(file)")
            let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            #expect(text.contains("#   couplet train configs/\(file)") && text.contains("# Expected"), "\(file)")
        }
    }
}
