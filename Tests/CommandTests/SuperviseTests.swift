import Foundation
import Testing

extension ProcessTests {
    /// launch/supervise starts again what died, and nothing else. The command is a script that ends each time as it is told.
    @Suite(.serialized, .enabled(if: RunningCouplet.hasMPI, "no mpirun in PATH")) struct Supervise {
        private let scratch: ScratchFolder
        /// mpirun does not wait before it kills what is left of a job.
        private let supervise = "env OMPI_MCA_odls_base_sigkill_timeout=0 \(packageFolder)/launch/supervise"

        /// A command that ends with the next of the codes at each start, or by a signal where that is negative, or not at all (999; 998: deaf to
        /// SIGUSR1); it writes down how it was called, and at the starts that are named writes a checkpoint.
        init() throws {
            scratch = try ScratchFolder()
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

        /// Runs it with restarts after a hundredth of a second. Its exit code, what it said, and the calls.
        private func run(
            _ codes: [Int], saves: [Int] = [], _ command: String = "train c.yaml --output run", options: String = ""
        ) throws -> (code: Int32, said: String, calls: [String]) {
            _ = try scratch.write("codes", codes.map { "\($0)\n" }.joined())
            _ = try scratch.write("saves", saves.map { "\($0)\n" }.joined())
            try? FileManager.default.removeItem(atPath: "\(scratch.path)/calls")
            let result = try Shell(
                "\(supervise) --pause 0.01 \(options) 1 ./couplet \(command)", in: scratch.path, seconds: 40)
            let calls = try String(contentsOfFile: "\(scratch.path)/calls", encoding: .utf8).split(separator: "\n").map(
                String.init)
            return (result.exitCode, result.output, calls)
        }

        @Test(arguments: [0, 64, 65, 69, 74, 75, 130] as [Int32]) func isPassedOn(_ code: Int32) throws {
            let result = try run([Int(code), 0])
            #expect(result.code == code && result.calls.count == 1, "\(result.said)")
        }

        @Test(arguments: [1, 70, 134, -9, -11]) func isStartedAgain(_ code: Int) throws {
            let result = try run([code, 0])
            #expect(
                result.code == 0
                    && result.calls == ["train c.yaml --output run --resume", "train c.yaml --output run --resume"],
                "\(result.said)")
            #expect(result.said.contains("starts again in 0.010 s (1 of 5)"), "\(result.said)")
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

        /// The same fault again ends it; with a checkpoint in between it may be another. The pause is short again then.
        @Test func theSameFaultTwice() throws {
            let twice = try run([70, 70, 0], saves: [1])
            #expect(
                twice.code == 70 && twice.calls.count == 2 && twice.said.contains("the same fault"), "\(twice.said)")
            let saved = try run([70, 70, 70, 0], saves: [1, 2, 3])
            #expect(saved.code == 0 && saved.calls.count == 4, "\(saved.said)")
            #expect(!saved.said.contains("in 0.020 s"), "\(saved.said)")
            // Another way to die in between.
            #expect(try run([70, -9, 70, 0]).code == 0)
        }

        /// A run that is there is touched only as the command line says.
        @Test func whatAnExistingRunGets() throws {
            _ = try run([0], saves: [1])
            #expect(try run([74]).calls == ["train c.yaml --output run"])
            // It died before it removed the run, then after it had saved once.
            let over = try run([-9, -9, 0], saves: [2], "train c.yaml --overwrite --output=run")
            #expect(
                over.calls == Array(repeating: "train c.yaml --overwrite --output=run", count: 2) + [
                    "train c.yaml --resume --output=run"
                ])
            #expect(
                try run([-9, 0], "train --resume c.yaml --output run").calls
                    == Array(repeating: "train --resume c.yaml --output run", count: 2))
            // Other commands are run as they are.
            #expect(try run([-9, 0], "evaluate run").calls == ["evaluate run", "evaluate run"])
        }

        @Test func wrongUsage() throws {
            for arguments in [
                "", "2", "0 couplet train", "2 couplet", "--restarts", "--restarts x 1 couplet train",
                "--pause -1 1 couplet train", "--wait 1 couplet train",
            ] {
                let result = try Shell("\(supervise) \(arguments)", in: scratch.path)
                #expect(result.exitCode == 64, "'\(arguments)': \(result.output)")
            }
        }

        /// A signal comes to the command as SIGUSR1; a second one ends it, whether it listens or not.
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
            _ = try scratch.write("codes", codes.map { "\($0)\n" }.joined())
            _ = try scratch.write("saves", "")
            try? FileManager.default.removeItem(atPath: "\(scratch.path)/calls")
            let script = """
                set -m; \(supervise) --pause 20 1 ./couplet \(command) &
                while [[ ! -e calls ]]; do sleep 0.05; done; \(send)
                wait $!
                """
            let result = try Shell(script, in: scratch.path, seconds: 40)
            let calls = try String(contentsOfFile: "\(scratch.path)/calls", encoding: .utf8).split(separator: "\n").map(
                String.init)
            return (result.exitCode, result.output, calls)
        }

        /// During the pause a signal ends it with 75, for what was saved is saved.
        @Test func signalInThePause() throws {
            let result = try run([-9, 0], "train c.yaml --output run", send: "sleep 5; kill -TERM $!")
            #expect(
                result.code == 75 && result.calls.count == 1 && result.said.contains("stopped while it waited"),
                "\(result.said)")
        }
    }
}
