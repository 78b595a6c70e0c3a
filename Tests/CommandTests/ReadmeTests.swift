import Couplet
import Foundation
import TestSupport
import Testing

/// The commands and outputs in README.md are right.
@Suite struct ReadmeTests {
    private struct Block {
        let language: String
        /// Text of a comment `<!-- … -->` on the line before: quick, exit 65, literal.
        let marks: String
        let text: String
    }

    private static func blocks() throws -> [Block] {
        var blocks: [Block] = [], open: (language: String, marks: String, lines: [String])?
        var before = ""
        for line in try String(contentsOfFile: "\(packageFolder)/README.md", encoding: .utf8).components(
            separatedBy: "\n")
        {
            if let block = open {
                if line == "```" {
                    blocks.append(
                        Block(language: block.language, marks: block.marks, text: block.lines.joined(separator: "\n")))
                    open = nil
                } else {
                    open!.lines.append(line)
                }
            } else if line.hasPrefix("```") {
                open = (String(line.dropFirst(3)), before.hasPrefix("<!--") ? before : "", [])
            }
            before = line
        }
        #expect(open == nil, "a block of README.md has no end")
        return blocks
    }

    /// Runs the blocks in order in one folder, because later blocks use the results of earlier ones.
    @Test func quickCommandsRunAsTheyStand() throws {
        let folder = TemporaryFolder()
        for name in ["configs", "launch"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/\(name)", withDestinationPath: "\(packageFolder)/\(name)")
        }
        let hasPython = Python.isAvailable
        var run = 0, last: ShellScript?
        for block in try Self.blocks() {
            if block.marks.contains("literal") {
                #expect(last?.output == block.text + "\n")
            }
            guard block.language == "bash", block.marks.contains("quick") else { continue }
            if !hasPython, block.text.contains("python3") { return }
            let wanted: Int32 = block.marks.contains("exit 65") ? 65 : 0
            let result = try ShellScript(block.text, in: folder.path)
            #expect(result.exitCode == wanted, "\(block.text)\n\(result.output)")
            last = result
            run += 1
        }
        #expect(run >= 5)
    }

    @Test func theExampleIsCompiled() throws {
        let example = try String(contentsOfFile: "\(packageFolder)/Tests/CommandTests/OwnSource.swift", encoding: .utf8)
        #expect(try Self.blocks().filter { $0.language == "swift" }.map { $0.text + "\n" } == [example])
    }

    @Test func theExampleLearns() throws {
        let folder = TemporaryFolder()
        let run = try trainOnPoints(output: "\(folder.path)/points")
        let result = try WorkerGroup.launch(exitCode: ExitStatus.code).run(threads: 1) { try run.evaluate($0) }
        let retrieval = try #require(result.retrieval)
        // Chance gives half the gallery.
        #expect(retrieval.firstToSecond.medianRank <= Double(retrieval.gallery) / 50, "\(retrieval)")
        // The command cannot load a source that only this program has.
        let evaluated = try CoupletInvocation("evaluate", "points", in: folder.path)
        #expect(
            evaluated.exitCode == 65 && evaluated.errors.contains("is part of the program that uses it"),
            "\(evaluated.errors)")
    }
}
