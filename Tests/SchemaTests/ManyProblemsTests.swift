import CoupletSchema
import Testing

/// Messages stay short, whatever a config holds.
@Suite struct ManyProblemsTests {
    @Test func onlyTheFirstProblemsAreShown() {
        let problems = (1...957).map {
            ConfigurationError.Problem(at: .file(name: "c.yaml", line: $0, column: 1), key: "k\($0)", reason: "wrong")
        }
        let lines = ConfigurationError(problems).description.split(separator: "\n")
        #expect(lines.count == 21 && lines[19] == "c.yaml:20:1: k20: wrong" && lines[20] == "and 937 more problems")
        #expect(ConfigurationError(Array(problems.prefix(20))).description.split(separator: "\n").count == 20)
        #expect(ConfigurationError(Array(problems.prefix(21))).description.hasSuffix("\nand 1 more problem"))
    }

    /// A key and a value of 300,000 letters.
    @Test(.timeLimit(.minutes(5))) func longTextsAreShortened() throws {
        let long = String(repeating: "x", count: 300_000)
        let node = try ConfigurationNode(yaml: "\(long.prefix(1_000)): 1\nsteps: \(long)\n") {
            .file(name: "c.yaml", line: $0, column: $1)
        }
        let problems = ConfigurationBlock.Problems()
        let block = ConfigurationBlock(
            node, path: "", location: .file(name: "c.yaml", line: 1, column: 1), problems: problems)
        #expect(block.integer("steps", try #require(block.value("steps")), in: 1...5, example: 2) == nil)
        block.finish()
        #expect(problems.all.count == 2)
        #expect(problems.all.allSatisfy { $0.description.utf8.count < 600 })
    }

    @Test(
        arguments: [
            ("1e3", 1_000), ("1.5e3", 1_500), ("2E+2", 200), ("1_000", 1_000), ("15", 15), ("-1e2", -100),
            ("1.25e1", nil), ("1e30", nil), ("1e-1", nil), ("0x10", nil), ("1e", nil), ("12.0", nil), ("inf", nil),
        ] as [(String, Int?)])
    func wholeNumbersMayHaveAnExponent(text: String, number: Int?) throws {
        let node = try ConfigurationNode(yaml: "steps: \(text)\n") { .file(name: "c.yaml", line: $0, column: $1) }
        let block = ConfigurationBlock(
            node, path: "", location: .file(name: "c.yaml", line: 1, column: 1),
            problems: ConfigurationBlock.Problems())
        #expect(
            block.integer("steps", try #require(block.value("steps")), in: -1_000_000...1_000_000, example: 2) == number
        )
    }
}
