import CoupletSchema
import Testing

@Suite struct ConfigurationBlockTests {
    /// Reads a text with `read`, and returns the problems.
    private func problems(_ text: String, _ read: (ConfigurationBlock) -> Void) throws -> [String] {
        let node = try ConfigurationNode(yaml: text) { .file(name: "c", line: $0, column: $1) }
        let problems = ConfigurationBlock.Problems()
        let start = ConfigurationError.Problem.Location.file(name: "c", line: 1, column: 1)
        read(ConfigurationBlock(node, path: "", location: start, problems: problems))
        return problems.all.map(\.description)
    }

    @Test func absentKeysKeepTheirDefaults() throws {
        var (steps, rate, name, flag) = (7, 0.5, "default", true)
        let found = try problems("name: given\nflag: false\n") { block in
            block.read("steps", into: &steps, in: 1...10, example: 3)
            block.read("rate", into: &rate, .positive, example: 0.1)
            block.read("name", into: &name, example: "a")
            block.read("flag", into: &flag)
            block.finish()
        }
        #expect(found.isEmpty && steps == 7 && rate == 0.5 && name == "given" && !flag)
    }

    @Test func allProblemsAreReported() throws {
        var (steps, rate, memory) = (7, 0.5, 0)
        var limit: Duration?
        let found = try problems("steps: 11\nrate: -1\nmemory: 3 MB\nlimit: 90\nstepz: 3\nbeta: 1\nz: 1\n") { block in
            block.read("steps", into: &steps, in: 1...10, example: 3)
            block.read("rate", into: &rate, .positive, example: 0.1)
            block.read("memory", intoBytes: &memory)
            block.read("limit", into: &limit)
            _ = block.required("data", example: "{source: mnist}")
            block.markInapplicable(["beta"], because: "sgd does not have it")
            block.finish()
        }
        #expect(
            found == [
                "c:1:8: steps: wanted a whole number from 1 to 10, such as 3; found 11",
                "c:2:7: rate: wanted a number above 0, such as 0.1; found -1",
                "c:3:9: memory: wanted a size of memory, such as 256 MiB, or a number of bytes; "
                    + "found the text \"3 MB\"",
                "c:4:8: limit: wanted a duration above 0, such as 90s, 45m, 3h55m or 1d2h; found 90",
                "c:1:1: data: is missing; for example data: {source: mnist}",
                "c:5:1: stepz: no such key; did you mean steps?",
                "c:6:1: beta: is of no use here: sgd does not have it",
                "c:7:1: z: no such key; there are steps, rate, memory, limit, data",
            ])
        #expect(steps == 7 && rate == 0.5 && memory == 0 && limit == nil)
    }

    @Test func nullMeansNil() throws {
        var (every, clip): (Int?, Double?) = (5, 1)
        var limit: Duration? = .seconds(1)
        let found = try problems("every: 0\nclip: null\nlimit: ~\n") { block in
            block.read("every", into: &every, in: 1...10, zeroMeansNil: true, example: 3)
            block.read("clip", into: &clip, .positive, example: 1)
            block.read("limit", into: &limit)
            block.finish()
        }
        #expect(found.isEmpty && every == nil && clip == nil && limit == nil)
    }

    @Test func keysOfInnerBlocksHaveTheirPath() throws {
        let found = try problems("encoders: {first: {kind: liner, extra: 1}}\n") { block in
            let first = block.block("encoders", required: true, example: "{}")?.block(
                "first", required: true, example: "{}")
            if let node = first?.value("kind") {
                _ = first?.choice("kind", "encoder", among: ["linear", "mlp"], node: node)
            }
            first?.finish()
        }
        #expect(
            found == [
                "c:1:26: encoders.first.kind: no encoder is called \"liner\"; "
                    + "did you mean linear? There are linear, mlp",
                "c:1:33: encoders.first.extra: no such key; there are kind",
            ])
    }
}
