import CoupletTensors
import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// `couplet replay`.
    @Suite(.serialized) struct ReplayCommandTests {
        @Test func aRunOfTwoRanksIsReplayedByOneProcess() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 50, checkpointEvery: 15))
            let ranks = BackgroundJob.hasMPI ? 2 : 1
            let digest = try folder.digest("run", ["--threads", "2"], ranks: ranks)
            let run = folder.path("run")
            let last = try CoupletInvocation("replay", run, "--step", "50", "--json")
            #expect(last.exitCode == 0, "\(last.errors)")
            let found = try last.json()
            #expect(
                found["verdict"] as? String == "same_bits" && found["digest"] as? String == digest
                    && found["step"] as? Int == 50)
            #expect((found["start"] as? [String: Any])?["step"] as? Int == 45)
            #expect((found["draws"] as? [Int])?.count == 512 && (found["pair_losses"] as? [Double])?.count == 512)

            let logged = try CoupletInvocation("replay", run, "--step", "40", "--worst", "3", "--progress", "none")
            #expect(logged.exitCode == 0 && logged.errors == "", "\(logged.errors)")
            for text in [
                "from \(run)/checkpoints/step-00000030.h5, 10 steps on 1 thread", "same bits", "verdict: the same bits",
                "worst pairs by loss",
            ] {
                #expect(logged.output.contains(text), "\(text) is not in: \(logged.output)")
            }
            let silent = try CoupletInvocation("replay", run, "--step", "33")
            #expect(
                silent.exitCode == 0 && silent.output.contains("step 33 was not logged (train.log_every is 20)"),
                "\(silent.output)")
            #expect(silent.output.contains("nothing logged or saved to compare with, from step 31 to 33"))
        }

        @Test func differencesAndErrorsHaveTheirCodes() throws {
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 40, checkpointEvery: 15)),
                run = folder.path("run")
            _ = try folder.digest("run")
            let metrics = "\(run)/metrics.jsonl", text = try String(contentsOfFile: metrics, encoding: .utf8)
            let number = try #require(
                text.split(separator: "\n").first?.split(separator: ",")[1].split(separator: " ").last)
            try text.replacingOccurrences(of: number, with: "\(try #require(Double(number)).nextUp)").write(
                toFile: metrics, atomically: true, encoding: .utf8)
            let tampered = try CoupletInvocation("replay", run, "--step", "20")
            #expect(tampered.exitCode == 65 && tampered.output.contains("DIFFERS from the log"), "\(tampered.output)")
            #expect(tampered.errors.contains("loss was logged as"), "\(tampered.errors)")

            for (arguments, code, says): ([String], Int32, String) in [
                (["--step", "0"], 64, "steps count from 1"), (["--step", "41"], 65, "the run has the steps 1 to 40"),
                ([], 64, "--step"),
                (["--step", "5", "--set", "seed=3"], 64, "only the paths of its data may change"),
                (["--step", "5", "--threads", "33"], 64, "33 threads"),
                (["--step", "5", "--checkpoint", "15"], 65, "it can begin at: 0"),
                (["--step", "5", "--dump", metrics], 74, "exists already"),
            ] {
                let result = try CoupletInvocation(arguments: ["replay", run] + arguments)
                #expect(
                    result.exitCode == code && result.errors.contains(says),
                    "\(arguments): \(result.exitCode) \(result.errors)")
            }
            if BackgroundJob.hasMPI {
                let many = try BackgroundJob(["replay", run, "--step", "5"], ranks: 2)
                #expect(
                    many.end(within: 30) == 64 && many.errors.contains("a replay takes one process"), "\(many.errors)")
            }
        }

        /// A run on one kind of CPU is replayed on another one with the same bits, and no difference is excused by it.
        @Test func anotherInstructionSet() throws {
            let sets = InstructionSet.available.map(\.rawValue)
            let folder = try TrainingFolder(TrainingFolder.gaussian(steps: 20, checkpointEvery: 15))
            let run = try folder.start("run", environment: ["COUPLET_CPU": sets.last!])
            #expect(run.end(within: 60) == 0, "\(run.errors)")
            #expect(
                try CoupletInvocation("inspect", folder.path("run"), "--json").json()["cpu_kernels"] as? String
                    == sets.last)
            let found = try CoupletInvocation(
                "replay", folder.path("run"), "--step", "20", "--json", environment: ["COUPLET_CPU": sets[0]])
            #expect(try found.json()["verdict"] as? String == "same_bits")
            let metrics = folder.path("run") + "/metrics.jsonl"
            var lines = try String(contentsOfFile: metrics, encoding: .utf8).split(separator: "\n").map(String.init)
            let last = lines.removeLast()
            let loss = try #require(last.firstMatch(of: /"loss": ([0-9.]+)/)).1
            lines.append(last.replacing(loss, with: "\(try #require(Double(loss)) * (1 + 1e-9))"))
            try (lines.joined(separator: "\n") + "\n").write(toFile: metrics, atomically: true, encoding: .utf8)
            let differs = try CoupletInvocation("replay", folder.path("run"), "--step", "20")
            #expect(differs.exitCode == 65 && differs.errors.contains("the same on every CPU"), "\(differs.errors)")
        }

        /// The data have moved since the run; and another program reads the dump and recomputes the step in Double.
        @Test func anotherProgramRecomputesTheStepFromADump() throws {
            let folder = try TrainingFolder(
                TrainingFolder.mnist("FOLDER/data", steps: 12).replacingOccurrences(
                    of: "log_every: 10", with: "log_every: 1"))
            try folder.writeDigits()
            try FileManager.default.createDirectory(atPath: folder.path("data"), withIntermediateDirectories: false)
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.files.path)
            where name.hasSuffix("ubyte") {
                try FileManager.default.moveItem(atPath: folder.path(name), toPath: folder.path("data/\(name)"))
            }
            _ = try folder.digest("run", ["--threads", "4"])
            try FileManager.default.moveItem(atPath: folder.path("data"), toPath: folder.path("moved"))
            let gone = try CoupletInvocation("replay", folder.path("run"), "--step", "12")
            #expect(gone.exitCode == 65 || gone.exitCode == 74, "\(gone.errors)")
            let moved = try CoupletInvocation(
                "replay", folder.path("run"), "--step", "12", "--set", "data.path=\(folder.path("moved"))", "--dump",
                folder.path("step.h5"), "--json")
            #expect(moved.exitCode == 0, "\(moved.errors)")
            #expect(try moved.json()["verdict"] as? String == "same_bits")
            guard Python.isAvailable else { return }
            try folder.files.write("twin.py", Self.twin)
            let result = try ShellScript("python3 twin.py step.h5", in: folder.files.path)
            #expect(result.exitCode == 0, "\(result.output)")
        }

        /// Activations of the CNN layer by layer, loss, the gradient of the last layers, and AdamW's update.
        private static let twin = """
            import h5py, numpy as np, sys
            file = h5py.File(sys.argv[1])
            def get(path): return np.array(file[path], float)
            def close(a, b, limit=1e-5):
                assert a.shape == b.shape and np.linalg.norm(a - b) <= limit * np.linalg.norm(b), \
                (a.shape, b.shape, np.linalg.norm(a - b), np.linalg.norm(b))
            x = get("inputs/first")
            assert x.shape == (256, 1, 28, 28)
            for layer in range(4):
                w, b = get(f"parameters_before/first/{layer}/weight"), get(f"parameters_before/first/{layer}/bias")
                if w.ndim == 4:
                    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
                    h, k = x.shape[2:]
                    x = sum(np.einsum("nchw,oc->nohw", padded[:, :, i:i + h, j:j + k], w[:, :, i, j]) \
                    for i in range(3) for j in range(3))
                    x = np.maximum(x + b[:, None, None], 0).reshape(len(x), -1, h // 2, 2, k // 2, 2).max((3, 5))
                else:
                    last = x.reshape(len(x), -1)
                    x = last @ w.T + b
                    if layer < 3: x = np.maximum(x, 0)
                close(get(f"activations/first/{layer}" if layer < 3 else "encodings/first"), x)
            labels = get("inputs/second").astype(int).ravel()
            v = get("parameters_before/second/0/weight")[labels]
            assert (v == get("encodings/second")).all()
            u = x
            unit = lambda a: a / np.linalg.norm(a, axis=1, keepdims=True)
            tau = file.attrs["temperature"]
            s = unit(u) @ unit(v).T / tau
            rows, columns = np.log(np.exp(s).sum(1)), np.log(np.exp(s).sum(0))
            losses = 0.5 * (rows + columns) - np.diag(s)
            close(get("pair_losses"), losses)
            assert abs(losses.mean() - file.attrs["loss"]) < 1e-5
            weights = (0.5 * np.exp(s - rows[:, None]) + 0.5 * np.exp(s - columns) - np.eye(256)) / 256
            def back(direction, lengths, gradient):
                return (gradient - direction * (direction * gradient).sum(1, keepdims=True)) / lengths
            du = back(unit(u), np.linalg.norm(u, axis=1, keepdims=True), weights @ unit(v) / tau)
            dv = back(unit(v), np.linalg.norm(v, axis=1, keepdims=True), weights.T @ unit(u) / tau)
            close(get("encoding_gradients/first"), du, 1e-4)
            close(get("encoding_gradients/second"), dv, 1e-4)
            close(get("parameter_gradients/first/3/weight"), du.T @ last, 1e-4)
            close(get("parameter_gradients/first/3/bias"), du.sum(0), 1e-4)
            table = np.zeros((10, 5)); np.add.at(table, labels, dv)
            close(get("parameter_gradients/second/0/weight"), table, 1e-4)
            assert abs(get("parameter_gradients/objective/log_inverse_temperature") - (weights * s).sum()) < 1e-5
            def adam(path):
                g, t = get("parameter_gradients/" + path), file.attrs["step"]
                m = 0.9 * get(f"optimizer_before/{path}/first_moment") + 0.1 * g
                q = 0.999 * get(f"optimizer_before/{path}/second_moment") + 0.001 * g * g
                close(get(f"optimizer_after/{path}/first_moment"), m)
                close(get(f"optimizer_after/{path}/second_moment"), q)
                return -file.attrs["learning_rate"] * (m / (1 - 0.9 ** t)) / (np.sqrt(q / (1 - 0.999 ** t)) + 1e-8)
            for path in ["first/0/weight", "first/2/weight", "second/0/weight"]:
                before = get("parameters_before/" + path)
                close(get("parameters_after/" + path) - before, adam(path) \
                - file.attrs["learning_rate"] * 0.01 * before, 1e-3)
            path = "objective/log_inverse_temperature"
            assert abs(get("parameters_after/" + path) - get("parameters_before/" + path) - adam(path)) < 1e-12
            assert abs(np.exp(-get("parameters_before/" + path)) - tau) < 1e-12
            assert (get("samples/draws") == 11 * 256 + np.arange(256)).all() and len(set(get("samples/indices"))) == 256

            """
    }
}
