import CoupletFiles
import Foundation
import TestSupport
import Testing

@Suite struct LineFileTests {
    let folder = TemporaryFolder()

    @Test func linesAreAppendedAndRemoved() throws {
        let file = try LineFile(folder.file("metrics.jsonl"))
        #expect(try file.truncate { _ in true } == 0)
        for step in 1...6 { try file.append("step \(step)") }
        #expect(try file.truncate { _ in true } == 0)
        // At the end.
        #expect(try file.truncate { $0 < "step 5" } == 2)
        #expect(try folder.text(of: "metrics.jsonl") == "step 1\nstep 2\nstep 3\nstep 4\n")
        // In the middle.
        #expect(try file.truncate { $0 != "step 2" } == 1)
        try file.append("step 7")
        #expect(try folder.text(of: "metrics.jsonl") == "step 1\nstep 3\nstep 4\nstep 7\n")
        #expect(folder.names == ["metrics.jsonl"])
    }

    @Test func anIncompleteLineIsRemoved() throws {
        let path = try folder.write("metrics.jsonl", "whole\nhal")
        let file = try LineFile(path)
        #expect(try file.truncate { _ in true } == 1)
        try file.append("next")
        try file.synchronize()
        #expect(try folder.text(of: "metrics.jsonl") == "whole\nnext\n")
        // The file holds only an incomplete line.
        try folder.write("metrics.jsonl", "hal")
        #expect(try LineFile(path).truncate { _ in true } == 1)
        #expect(try folder.text(of: "metrics.jsonl") == "")
    }
}
