import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// launch/supervise restarts a command only if it died. The command in these tests is a script with given exit
    /// codes.
    @Suite(.serialized, .enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) struct SuperviseTests {
        private let scratch: TemporaryFolder
        /// Lets mpirun kill the rest of a job without waiting.
        private let supervise = "env OMPI_MCA_odls_base_sigkill_timeout=0 \(packageFolder)/launch/supervise"

        /// A command that ends with the next of the given codes at each start, by a signal if the code is negative, or
        /// not at all (999; 998 also ignores SIGUSR1). It records its arguments, and writes a checkpoint at the given
        /// starts.
        init() throws {
            scratch = TemporaryFolder()
            let program = try scratch.write(
                "couplet",
                """
                #!/usr/bin/env bash
                cd "$(dirname "$0")"
                echo "$*" >>calls
                start=$(wc -l <calls)
                mkdir -p run/checkpoints
                grep -qx "$start" saves && touch run/config.yaml "run/checkpoints/step-0000000$start.h5"
                code=$(sed -n "${start}p" codes)
                ((code >= 0)) || kill "$code" $$
                [[ $code != 998 ]] || trap '' USR1
                ((code < 998)) || exec sleep 30
                exit "$code"

                """)
            chmod(program, 0o755)
        }

        /// Runs launch/supervise with restarts after 0.01 s.
        /// - Returns: The exit code, the output, and the arguments of each start.
        private func run(
            _ codes: [Int], saves: [Int] = [], _ command: String = "train c.yaml --output run", options: String = ""
        ) throws -> (code: Int32, said: String, calls: [String]) {
            try scratch.write("codes", codes.map { "\($0)\n" }.joined())
            try scratch.write("saves", saves.map { "\($0)\n" }.joined())
            try? FileManager.default.removeItem(atPath: "\(scratch.path)/calls")
            let result = try ShellScript(
                "\(supervise) --pause 0.01 \(options) 1 ./couplet \(command)", in: scratch.path, seconds: 40)
            let calls = try String(contentsOfFile: "\(scratch.path)/calls", encoding: .utf8).split(separator: "\n").map(
                String.init)
            return (result.exitCode, result.output, calls)
        }

        @Test(arguments: [0, 64, 65, 69, 74, 75, 130] as [Int32]) func endsWithTheCodeOfTheCommand(_ code: Int32) throws
        {
            let result = try run([Int(code), 0])
            #expect(result.code == code && result.calls.count == 1, "\(result.said)")
        }

        @Test(arguments: [1, 70, 134, -9, -11]) func restartsTheCommand(_ code: Int) throws {
            let result = try run([code, 0])
            #expect(
                result.code == 0
                    && result.calls == ["train c.yaml --output run --resume", "train c.yaml --output run --resume"],
                "\(result.said)")
            #expect(result.said.contains("restarts in 0.010 s (1 of 5)"), "\(result.said)")
        }

        @Test func restartsAreCountedAndThePauseGrows() throws {
            let result = try run([-9, -9, -9, -9], options: "--restarts 3")
            #expect(result.code == 137 && result.calls.count == 4, "\(result.said)")
            for text in [
                "in 0.010 s (1 of 3)", "in 0.020 s (2 of 3)", "in 0.040 s (3 of 3)",
                "signal KILL; 3 restarts are used up",
            ] {
                #expect(result.said.contains(text), "\(text) is not in: \(result.said)")
            }
            #expect(try run([-9, 0], options: "--restarts=0").code == 137)
        }

        /// The same fault twice ends the script, unless there is a new checkpoint in between; the pause is then short
        /// again.
        @Test func theSameFaultTwice() throws {
            let twice = try run([70, 70, 0], saves: [1])
            #expect(
                twice.code == 70 && twice.calls.count == 2 && twice.said.contains("the same fault"), "\(twice.said)")
            let saved = try run([70, 70, 70, 0], saves: [1, 2, 3])
            #expect(saved.code == 0 && saved.calls.count == 4, "\(saved.said)")
            #expect(!saved.said.contains("in 0.020 s"), "\(saved.said)")
            // Another exit code in between.
            #expect(try run([70, -9, 70, 0]).code == 0)
        }

        /// An existing run changes only as the command line says.
        @Test func existingRuns() throws {
            _ = try run([0], saves: [1])
            #expect(try run([74]).calls == ["train c.yaml --output run"])
            // The first start dies before it has deleted the run, the second after a checkpoint.
            let over = try run([-9, -9, 0], saves: [2], "train c.yaml --overwrite --output=run")
            #expect(
                over.calls == Array(repeating: "train c.yaml --overwrite --output=run", count: 2) + [
                    "train c.yaml --resume --output=run"
                ])
            #expect(
                try run([-9, 0], "train --resume c.yaml --output run").calls
                    == Array(repeating: "train --resume c.yaml --output run", count: 2))
            // Other commands get no further options.
            #expect(try run([-9, 0], "evaluate run").calls == ["evaluate run", "evaluate run"])
        }

        @Test func wrongUsage() throws {
            for arguments in [
                "", "2", "0 couplet train", "2 couplet", "--restarts", "--restarts x 1 couplet train",
                "--pause -1 1 couplet train", "--wait 1 couplet train",
            ] {
                let result = try ShellScript("\(supervise) \(arguments)", in: scratch.path)
                #expect(result.exitCode == 64, "'\(arguments)': \(result.output)")
            }
        }

        /// A signal reaches the command as SIGUSR1; a second one ends the command even if it ignores the first.
        @Test func signals() throws {
            for (code, signals) in [(999, ["TERM"]), (998, ["INT", "INT"]), (998, ["USR1", "HUP"])] {
                let began = Date()
                let send = signals.map { "sleep 0.3; kill -\($0) $!" }.joined(separator: "; ")
                let result = try run([code, 0], "train c.yaml --output run", send: send)
                #expect(
                    result.code != 0 && result.calls.count == 1 && Date().timeIntervalSince(began) < 10,
                    "\(signals): \(result.said)")
                if code == 999 { #expect(result.code == 75 && result.said.contains("cannot save"), "\(result.said)") }
            }
        }

        private func run(_ codes: [Int], _ command: String, send: String) throws -> (
            code: Int32, said: String, calls: [String]
        ) {
            try scratch.write("codes", codes.map { "\($0)\n" }.joined())
            try scratch.write("saves", "")
            try? FileManager.default.removeItem(atPath: "\(scratch.path)/calls")
            let script = """
                set -m; \(supervise) --pause 20 1 ./couplet \(command) &
                while [[ ! -e calls ]]; do sleep 0.05; done; \(send)
                wait $!
                """
            let result = try ShellScript(script, in: scratch.path, seconds: 40)
            let calls = try String(contentsOfFile: "\(scratch.path)/calls", encoding: .utf8).split(separator: "\n").map(
                String.init)
            return (result.exitCode, result.output, calls)
        }

        /// A signal during the pause ends the script with 75, because the last checkpoint is saved.
        @Test func signalDuringThePause() throws {
            let result = try run([-9, 0], "train c.yaml --output run", send: "sleep 5; kill -TERM $!")
            #expect(
                result.code == 75 && result.calls.count == 1 && result.said.contains("stopped during the pause"),
                "\(result.said)")
        }
    }
}
