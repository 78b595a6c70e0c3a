import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Runs that need more memory than there is are refused before they start, with both numbers.
    @Suite struct MemoryTests {
        private func expectRefused(_ extra: [String], command: String = "train") throws {
            let folder = try TrainingFolder(TrainingFolder.tinyGaussian())
            let output = command == "train" ? ["--output", folder.path("run")] : []
            let program = try CoupletInvocation(
                arguments: [command, folder.config] + output + extra, in: folder.files.path)
            #expect(program.exitCode == 65, "\(extra): \(program.errors)")
            #expect(program.errors.contains("would need") && program.errors.contains("GiB"), "\(program.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
        }

        @Test(arguments: ["train", "config"]) func widthsAndGalleries(_ command: String) throws {
            let wide = "encoders.first={kind: mlp, widths: [1000000, 1000000]}"
            try expectRefused(["--set", wide], command: command)
            try expectRefused(
                ["--set", "evaluation.pairs=1073741824", "--set", "encoders.embedding=1000"], command: command)
            try expectRefused(
                ["--set", "batch={size: 1073741824, shards: 4}", "--set", "encoders.embedding=1000"], command: command)
        }

        @Test func anAddressSpaceThatIsTooSmallEndsInTime() throws {
            let folder = try TrainingFolder(TrainingFolder.tinyGaussian(steps: 2))
            var refused = 0, done = 0
            for mebibytes in [250, 300, 400, 500, 600, 650, 700, 800, 1_200] {
                let script = """
                    ulimit -v \(mebibytes * 1_024); code=0
                    run="--output run\(mebibytes) --progress none"
                    timeout -s KILL 30 couplet train c.yaml --threads 2 $run || code=$?
                    echo "code $code"
                    """
                let result = try ShellScript(script, in: folder.files.path, seconds: 60)
                // The loader itself may not find enough (127).
                let code = result.output.split(separator: "\n").last ?? ""
                #expect(["code 0", "code 65", "code 127"].contains(code), "\(mebibytes) MiB: \(result.output)")
                if code == "code 65" { refused += 1 }
                if code == "code 0" { done += 1 }
            }
            #expect(refused > 0 && done > 0, "\(refused) refused, \(done) done")
        }
    }
}
