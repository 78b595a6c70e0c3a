import TestSupport
import Testing

/// The page *From Python* is right as it is printed.
@Suite struct FromPythonTests {
    private static let page = "Sources/Couplet/Couplet.docc/FromPython.md"
    private static let isAvailable = Python.has(
        "h5py", "pandas", "torch", "safetensors", "onnxruntime", "faiss", "optuna")

    /// Runs the marked blocks in order in one folder, because later blocks use the files of earlier ones.
    @Test(.enabled(if: isAvailable)) func theBlocksRunAsTheyStand() throws {
        let folder = TemporaryFolder()
        let blocks = try PageBlock.blocks(of: Self.page).filter { $0.marks.contains("python") }
        for block in blocks {
            let program = try folder.write("block.py", block.text)
            let script = block.language == "python" ? "python3 \(program)" : block.text
            let result = try ShellScript(script, in: folder.path, seconds: 300)
            #expect(result.exitCode == 0, "\(block.text)\n\(result.output)")
            if result.exitCode != 0 { return }
        }
        // Imported parameters are those of the export.
        func parameters(_ run: String) throws -> Substring? {
            try CoupletInvocation("inspect", run, in: folder.path).output.split(separator: "\n")
                .first { $0.hasPrefix("parameters") }
        }
        #expect(try parameters("runs/imported") != nil && parameters("runs/imported") == parameters("runs/views"))
    }

    /// Every block but that of the installation is tested.
    @Test func theBlocksAreMarked() throws {
        let blocks = try PageBlock.blocks(of: Self.page)
        #expect(blocks.filter { !$0.marks.contains("python") }.map { $0.text.hasPrefix("pip install") } == [true])
        #expect(Set(blocks.map(\.language)) == ["bash", "python"] && blocks.count >= 12)
    }
}
