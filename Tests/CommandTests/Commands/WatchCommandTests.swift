import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// `couplet watch` in a pipe and in a terminal.
    @Suite(.serialized) struct WatchCommandTests {
        @Test func aPipeGetsOnePicture() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 60))
            _ = try folder.digest("run", ["--set", "train.evaluate_every=20"])
            for arguments in [[], ["--once"], ["--interval", "5"]] {
                let watch = try CoupletInvocation(
                    arguments: ["watch", folder.path("run")] + arguments,
                    environment: ["COLUMNS": "60", "LINES": "20", "LC_ALL": "C"])
                #expect(watch.exitCode == 0 && watch.errors.isEmpty)
                let lines = watch.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                #expect(lines.count < 20 && lines.allSatisfy { $0.count <= 60 })
                // The path of a temporary folder may take more than one line.
                #expect(watch.output.contains("run:") && watch.output.contains("done\n"))
                #expect(watch.output.contains("step 60/60  100 %  loss "))
                #expect(watch.output.contains("best MRR") && watch.output.utf8.allSatisfy { $0 < 128 })
                #expect(!watch.output.contains("\u{1B}"))
            }
            let unicode = try CoupletInvocation(
                arguments: ["watch", folder.path("run")], environment: ["LC_ALL": "C.UTF-8"])
            #expect(unicode.output.unicodeScalars.contains { (0x2801...0x28FF).contains($0.value) })
            let closed = try ShellScript("couplet watch run | head -n 1 > first", in: folder.files.path)
            #expect(closed.exitCode == 0 && closed.output.isEmpty)
        }

        @Test func aSweepShowsItsTrials() throws {
            let sweep = try SweepFixture(vary: "optimizer.learning_rate: [0.01, 0.001, -1]", steps: 40)
            try sweep.run("sweep", expecting: 70)
            let watch = try CoupletInvocation(
                arguments: ["watch", sweep.path("sweep")], environment: ["COLUMNS": "150", "LINES": "20"])
            #expect(watch.exitCode == 0, "\(watch.errors)")
            #expect(watch.output.contains("3 trials  2 done  1 failed\n"))
            let done = try sweep.rows("sweep").filter { $0.status == .done }
            let best = try #require(done.min { ($0.metric ?? .infinity) < ($1.metric ?? .infinity) })
            let line = watch.output.split(separator: "\n").first { $0.hasPrefix("best ") }
            #expect(line?.contains(best.trial) == true && line?.contains("gaussian.coupling_error") == true)
            #expect(watch.output.contains("--resume --retry-failed"))
            try sweep.folder.files.write("sweep/sweep.csv", "nonsense\n")
            let damaged = try CoupletInvocation("watch", sweep.path("sweep"))
            #expect(damaged.exitCode == 65 && damaged.errors.contains("sweep.csv"))
        }

        @Test func errorsNameTheFolderAndTheOption() throws {
            let folder = TemporaryFolder()
            let missing = try CoupletInvocation("watch", folder.file("none"))
            #expect(missing.exitCode == 74 && missing.errors.contains("no such run or sweep"))
            let empty = try CoupletInvocation("watch", folder.path)
            #expect(empty.exitCode == 74 && empty.errors.contains("neither a run nor a sweep"))
            for interval in ["0", "-1", "nan", "1e9"] {
                let refused = try CoupletInvocation("watch", folder.path, "--interval=\(interval)")
                #expect(refused.exitCode == 64 && refused.errors.contains("--interval"))
            }
        }

        /// A small terminal: it runs the program in a pseudo-terminal, gives the window other sizes, and compares the
        /// screen with the picture that a pipe gets. What the program does not write stays as "#".
        private static let terminal = """
            import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time
            program, run, ending = sys.argv[1:]
            environment = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm")
            def picture(width, height):
                return subprocess.run([program, "watch", run], capture_output=True, text=True, check=True, env=dict(
                    environment, COLUMNS=str(width), LINES=str(height + 1))).stdout.split("\\n")[:-1]
            process, terminal = pty.fork()
            if process == 0:
                time.sleep(0.2)
                os.execve(program, [program, "watch", run, "--interval", "30"], environment)
            def resize(width, height):
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            def output(seconds):
                data = b""
                end = time.time() + seconds
                while time.time() < end:
                    if select.select([terminal], [], [], 0.05)[0]:
                        try: part = os.read(terminal, 1 << 16)
                        except OSError: break
                        if not part: break
                        data += part
                        end = max(end, time.time() + 0.2)
                return data.decode()
            def screen(text, width, height):
                rows, x, y = [["#"] * width for _ in range(height)], 0, 0
                for part in re.findall("\\x1b\\\\[[?0-9]*[A-Za-z]|.", text, re.S):
                    if part == "\\x1b[H": x, y = 0, 0
                    elif part == "\\x1b[K": rows[y][x:] = [" "] * (width - x)
                    elif part == "\\x1b[J":
                        rows[y][x:] = [" "] * (width - x)
                        rows[y + 1:] = [[" "] * width for _ in rows[y + 1:]]
                    elif part == "\\x1b[2J": rows = [[" "] * width for _ in range(height)]
                    elif part == "\\r": x = 0
                    elif part == "\\n": assert y + 1 < height, "scrolled"; y += 1
                    elif part[0] != "\\x1b": rows[y][x] = part; x = min(x + 1, width - 1)
                return ["".join(row).rstrip() for row in rows]
            settings = termios.tcgetattr(terminal)
            resize(80, 24)
            text = output(2)
            assert "\\x1b[?1049h" in text and "\\x1b[?25l" in text, repr(text)
            assert not termios.tcgetattr(terminal)[3] & termios.ECHO
            for width, height in ((80, 24), (40, 10), (200, 60), (20, 4), (80, 24)):
                if (width, height) != (80, 24) or text is None:
                    resize(width, height)
                    text = output(0.5)
                expected = picture(width, height)
                found = screen(text, width, height)
                assert found == expected + [""] * (height - len(expected)), "\\n".join(found + ["expected:"] + expected)
                text = None
            if ending == "interrupt": os.write(terminal, b"\\x03")
            elif ending == "key": os.write(terminal, b"q")
            elif ending == "stop":
                os.write(terminal, b"\\x1a")
                stopped = output(0.5)
                assert stopped.rstrip().endswith("\\x1b[?1049l"), repr(stopped)
                assert termios.tcgetattr(terminal) == settings
                os.kill(process, signal.SIGCONT)
                assert "\\x1b[?1049h" in output(0.5)
                os.write(terminal, b"q")
            else: os.kill(process, signal.SIGTERM)
            text = output(1)
            assert "\\x1b[?7h\\x1b[?25h\\x1b[?1049l" in text, repr(text)
            # The last picture stays, on the usual screen.
            assert picture(80, 23) == text.split("\\x1b[?1049l")[1].replace("\\r", "").split("\\n")[:-1], repr(text)
            status = os.waitpid(process, 0)[1]
            restored = termios.tcgetattr(terminal)
            assert restored == settings, (restored, settings)
            assert status == (signal.SIGTERM if ending == "terminate" else 0), status
            """

        @Test(.enabled(if: Python.hasPython), arguments: ["interrupt", "key", "stop", "terminate"])
        func aTerminalIsRedrawnAtEverySizeAndRestored(_ ending: String) throws {
            let folder = TemporaryFolder()
            try folder.write("run/config.yaml", "train: {steps: 1000}\n")
            try folder.write("run/log.txt", "T notice r: starts on 1 worker, 64 pairs a step in 16 shards\n")
            var records = ""
            for step in 1...40 {
                let loss = 5 - (Double(step) / 3).rounded() / 4
                records += """
                    {"step": \(10 * step), "loss": \(loss), "learning_rate": 0.01, "gradient_norm": \(step % 7), \
                    "temperature": 1, "pairs_per_second": \(1_000 + step), "seconds": \(step)}

                    """
            }
            try folder.write("run/metrics.jsonl", records)
            try Python.run(Self.terminal, CoupletInvocation.path, folder.file("run"), ending)
        }
    }
}
