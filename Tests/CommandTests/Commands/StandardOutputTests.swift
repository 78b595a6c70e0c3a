import Foundation
import TestSupport
import Testing

/// What happens to results that cannot be written, and to text that a terminal would execute.
@Suite struct StandardOutputTests {
    private static let commands = [
        "--help", "help train", "--version", "config c.yaml", "config --keys", "train --help", "inspect run",
        "inspect run --json", "evaluate run", "evaluate run --json", "theory c.yaml", "theory c.yaml --json",
        "replay run --step 2 --json", "report run -o report.html", "doctor", "doctor --json",
        "bench product --rows 64 --columns 64 --inner 64", "sweep s.yaml --dry-run", "sweep s.yaml --output sw",
        "bench loss --batch 64 --dim 4 --repeat 1", "--generate-completion-script bash",
    ]

    private func folder() throws -> TrainingFolder {
        let folder = try TrainingFolder(TrainingFolder.tinyGaussian())
        try folder.files.write(
            "s.yaml", "base: c.yaml\nvary: {seed: [1]}\nmetric: retrieval.first_to_second.median_rank\ngoal: minimize\n"
        )
        let run = try CoupletInvocation(
            "train", "c.yaml", "--output", "run", "--progress", "none", in: folder.files.path)
        #expect(run.exitCode == 0, "\(run.errors)")
        return folder
    }

    /// A full disk, or a quota: 74 and a message, from every command that succeeds otherwise.
    @Test func aFullDiskIsAnError() throws {
        let folder = try folder()
        for command in Self.commands where !command.hasPrefix("bench product") {
            let full = try ShellScript(
                "rm -rf sw; code=0; couplet \(command) 2>errors >/dev/full || code=$?; cat errors; exit $code",
                in: folder.files.path)
            #expect(full.exitCode == 74, "\(command): \(full.output)")
            #expect(full.output.contains("standard output: No space left on device"), "\(command): \(full.output)")
        }
    }

    /// As in `| head`: the reader has what it wanted.
    @Test func aClosedPipeIsSilent() throws {
        let folder = try folder()
        for command in ["config --keys", "evaluate run --json", "sweep s.yaml --output sw", "--help"] {
            let piped = try ShellScript(
                "set +e +o pipefail; (sleep 0.3; couplet \(command); echo \"$?\" >code) 2>errors | true; "
                    + "cat errors code",
                in: folder.files.path)
            // 141: SIGPIPE, which ends most programs; a sweep ignores it.
            #expect(piped.output.hasSuffix("0\n") || piped.output.hasSuffix("141\n"), "\(command): \(piped.output)")
            #expect(!piped.output.contains("standard output"), "\(command): \(piped.output)")
        }
    }

    /// With closed descriptors the first files that a program opens get the numbers 0, 1 and 2.
    @Test(arguments: ["<&- >&- 2>&-", "2>&-", ">&- 2>&-", "<&-"])
    func messagesLandInNoFileOfTheRun(redirection: String) throws {
        let folder = try TrainingFolder(TrainingFolder.tinyGaussian())
        for (name, redirection) in [("open", ""), ("closed", redirection)] {
            let run = try ShellScript(
                "couplet train c.yaml --output \(name) --progress plain \(redirection)", in: folder.files.path)
            #expect(run.exitCode == 0, "\(run.output)")
        }
        #expect(try folder.digest(of: "closed") == folder.digest(of: "open"))
        for name in ["config.yaml", "metrics.jsonl", "evaluation.json", "log.txt", ".lock"] {
            let closed = try folder.files.text(of: "closed/\(name)")
            #expect(
                !closed.contains("step 3/3") && !closed.contains("couplet evaluate closed shows\n"),
                "\(name): \(closed)")
            if name.hasSuffix("yaml") || name.hasPrefix("evaluation") {
                #expect(try closed == folder.files.text(of: "open/\(name)"))
            }
        }
        #expect(
            try folder.files.text(of: "closed/metrics.jsonl").split(separator: "\n").allSatisfy { $0.hasPrefix("{") })
    }

    /// Names and files may hold escape sequences, which would run on a terminal.
    @Test func controlCharactersReachNoTerminal() throws {
        let folder = try folder()
        try folder.files.write("esc.yaml", "x: 1\n\"k\\e[31m\": 1\n")
        let invocations = [
            ["config", "esc.yaml"], ["config", "c.yaml", "--set", "name=\u{1B}[31m\u{9B}2J"],
            ["train", "c.yaml", "--output", "x", "--set", "data={source: hdf5, path: \"\\e[31mred\"}"],
            ["\u{1B}[31m"], ["train", "c.yaml", "--progress", "\u{1B}[2J"], ["inspect", "no\u{1B}[31mfile\r.h5"],
            ["evaluate", "r\u{202E}n"],
        ]
        for arguments in invocations {
            let result = try CoupletInvocation(arguments: arguments, in: folder.files.path)
            let text = result.output + result.errors
            #expect(result.exitCode != 0 && !text.isEmpty)
            #expect(
                !text.unicodeScalars.contains {
                    $0.value < 0x20 && $0.value != 10 || (0x7F..<0xA0).contains($0.value) || $0.value == 0x202E
                }, "\(arguments): \(text.debugDescription)")
        }
        // A run in a folder of such a name.
        let run = try CoupletInvocation(
            "train", "c.yaml", "--output", "r\u{1B}[31m", "--progress", "plain", in: folder.files.path)
        #expect(run.exitCode == 0 && run.errors.contains("r\\u001B[31m: done"), "\(run.errors.debugDescription)")
        #expect(!run.errors.contains("\u{1B}"))
        #expect(try !folder.files.text(of: "r\u{1B}[31m/log.txt").contains("\u{1B}"))
    }
}
