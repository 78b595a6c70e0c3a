import CoupletSchema
import Testing

/// Lists of kinds: reading, errors with the path of the element, writing, and `--set` of an element.
@Suite struct KindListTests {
    struct Plan: Equatable, Sendable {
        var parts: [any Part] = []

        static func == (a: Plan, b: Plan) -> Bool {
            a.parts.count == b.parts.count && zip(a.parts, b.parts).allSatisfy { $0.isEqual(to: $1) }
        }

        static let table = ConfigurationTable(
            Plan(),
            [
                .required(
                    "parts", \.parts,
                    .kinds(of: .part, example: "[{beam: 3}, bolt]", minimum: 1, descriptions: .once("parts[]")) { $0 },
                    "The parts.")
            ])
    }

    protocol Part: ConfigurableKind {}

    struct Bolt: Part {
        static let category = KindCategory.part
        static let name = "bolt"
        static let table = ConfigurationTable(Bolt(), help: "A bolt.", [])
    }

    struct Beam: Part {
        var length = 1
        var isHollow = false
        static let category = KindCategory.part
        static let name = "beam"
        static let shortKey: String? = "length"
        static let table = ConfigurationTable(
            Beam(), help: "A beam.",
            [
                .required("length", \.length, .integer(1...99, example: 3), "How long."),
                .key("hollow", \.isHollow, .flag, "Whether it is hollow."),
            ])
    }

    struct Frame: Part {
        var parts: [any Part] = []
        static let category = KindCategory.part
        static let name = "frame"
        static let shortKey: String? = "parts"
        static let table = ConfigurationTable(
            Frame(), help: "Parts in a frame.",
            [
                .required(
                    "parts", \.parts,
                    .kinds(of: .part, example: "[bolt]", minimum: 1, descriptions: .elsewhere) { $0 }, "The parts.")
            ])
        static func == (a: Frame, b: Frame) -> Bool { Plan(parts: a.parts) == Plan(parts: b.parts) }
    }

    private static let registry = Registry.none.adding(Bolt.self, Beam.self, Frame.self)

    private func read(_ text: String) throws -> (plan: Plan, problems: [String]) {
        let node = try ConfigurationNode(yaml: text) { .file(name: "c", line: $0, column: $1) }
        return read(node)
    }

    private func read(_ node: ConfigurationNode) -> (plan: Plan, problems: [String]) {
        let problems = ConfigurationBlock.Problems()
        let block = ConfigurationBlock(
            node, path: "", location: .file(name: "c", line: 1, column: 1), problems: problems,
            registry: Self.registry)
        return (Plan.table.read(block), problems.all.map(\.description))
    }

    private func text(_ plan: Plan) -> String { YAMLValue.text(of: Plan.table.entries(of: plan)) }

    private func problem(_ text: String) throws -> String {
        let problems = try read(text).problems
        #expect(problems.count == 1, "\(text): \(problems)")
        return problems.first ?? ""
    }

    @Test func namesBlocksAndPlainValues() throws {
        let (plan, problems) = try read(
            """
            parts:
              - bolt
              - beam: 7
              - beam: {length: 8, hollow: true}
              - frame: [bolt, {frame: {parts: [{beam: 2}]}}]
              - {bolt: }
            """)
        #expect(problems.isEmpty)
        #expect(
            plan
                == Plan(parts: [
                    Bolt(), Beam(length: 7), Beam(length: 8, isHollow: true),
                    Frame(parts: [Bolt(), Frame(parts: [Beam(length: 2)])]), Bolt(),
                ]))
    }

    @Test func problemsNameTheElementAndItsLine() throws {
        #expect(
            try problem("parts:\n  - bolt\n  - beam: x\n")
                == "c:3:11: parts[1].beam.length: wanted a whole number from 1 to 99, such as 3; found the text \"x\"")
        #expect(
            try problem("parts:\n  - bolt\n  - frame:\n      - bolt\n      - beam: {length: 3, holow: true}\n")
                == "c:5:27: parts[1].frame.parts[1].beam.holow: no such key; did you mean hollow?")
        #expect(
            try problem("parts: [bolt, bolts]")
                == "c:1:15: parts[1]: no part is called \"bolts\"; did you mean bolt? There are bolt, beam, frame")
        #expect(
            try problem("parts: [{frame: [bolt, {bam: 3}]}]").contains(
                "parts[0].frame.parts[1]: no part is called \"bam\"; did you mean beam?"))
        #expect(
            try problem("parts: []") == "c:1:8: parts: wanted at least one part, such as [{beam: 3}, bolt]; found none")
        #expect(try problem("parts: [{frame: []}]").contains("parts[0].frame.parts: wanted at least one part"))
        #expect(
            try problem("parts: bolt").contains("wanted a list, such as [{beam: 3}, bolt]; found the text \"bolt\""))
        #expect(
            try problem("parts: [{bolt: 3}]")
                == "c:1:16: parts[0].bolt: bolt has no keys: write bolt alone; found 3")
        #expect(try problem("parts: [beam]").contains("parts[0].beam.length: is missing; for example length: 3"))
        #expect(try problem("parts:\n  - \n").contains("parts[0]: wanted one of bolt, beam, frame; found nothing"))
        #expect(try problem("parts: [[bolt]]").contains("parts[0]: wanted one of bolt, beam, frame; found a list of 1"))
        // Keys that stand beside their kind.
        #expect(
            try problem("parts:\n  - beam:\n    length: 3\n    hollow: true\n").contains(
                "found 3 keys; indent length, hollow below beam"))
        // All problems at once.
        #expect(try read("parts: [{beam: 0}, {beam: 100}, blt]").problems.count == 3)
    }

    @Test func shortListsStayOnOneLine() throws {
        let plan = Plan(parts: [Bolt(), Beam(length: 3), Frame(parts: [Bolt()])])
        #expect(text(plan) == "parts: [bolt, {beam: {length: 3, hollow: false}}, {frame: [bolt]}]\n")
        #expect(try read(text(plan)).plan == plan)
    }

    @Test func longListsHaveALineForEachElement() throws {
        let beams = (1...6).map { Beam(length: $0) as any Part }
        let plan = Plan(parts: [Bolt(), Frame(parts: beams), Beam(length: 3), Frame(parts: [Frame(parts: beams)])])
        let text = text(plan)
        #expect(
            text.hasPrefix(
                """
                parts:
                  - bolt
                  - frame:
                      - {beam: {length: 1, hollow: false}}
                      - {beam: {length: 2, hollow: false}}

                """), "\(text)")
        #expect(text.contains("  - {beam: {length: 3, hollow: false}}\n  - frame:\n      - frame:\n          - {beam:"))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
        let (again, problems) = try read(text)
        #expect(problems.isEmpty && again == plan)
    }

    @Test func veryLongListsAreReadInTime() throws {
        let plan = Plan(parts: (0..<5_000).map { Beam(length: 1 + $0 % 9) })
        let started = ContinuousClock.now
        #expect(try read(text(plan)).plan == plan)
        #expect(ContinuousClock.now - started < .seconds(5))
    }

    @Test func keysAreDescribedOnce() {
        let paths = Plan.table.descriptions(Self.registry).map(\.path)
        #expect(
            paths == [
                "parts", "parts[].bolt", "parts[].beam", "parts[].beam.length", "parts[].beam.hollow",
                "parts[].frame", "parts[].frame.parts",
            ])
        // In whatever block the list stands.
        struct Outer: Equatable, Sendable {
            var plan = Plan()
            static let table = ConfigurationTable(
                Outer(), [.key("plan", \.plan, .block(Plan.table, example: "{parts: [bolt]}"), "The plan.")])
        }
        let outer = Outer.table.descriptions(Self.registry)
        #expect(outer.map(\.path).prefix(3) == ["plan", "plan.parts", "parts[].bolt"])
        #expect(outer.allSatisfy { $0.kind == nil })
    }

    @Test func assignmentsReachElements() throws {
        var node = try ConfigurationNode(
            yaml: "outer: {parts: [bolt, {beam: 3}, {frame: [bolt, {beam: {length: 4}}]}]}"
        ) {
            .file(name: "c", line: $0, column: $1)
        }
        try node.apply(override: "outer.parts[1].beam=9")
        try node.apply(override: "outer.parts[0]={beam: 2}")
        #expect(throws: ConfigurationError.self) { try node.apply(override: "outer.parts[3]=bolt") }
        #expect(throws: ConfigurationError.self) { try node.apply(override: "outer[0]=bolt") }
        guard case .block(let entries) = node.content else { return #expect(Bool(false)) }
        let (plan, problems) = read(entries[0].value)
        #expect(problems.isEmpty)
        #expect(plan.parts.first?.isEqual(to: Beam(length: 2)) == true)
        #expect(plan.parts[1].isEqual(to: Beam(length: 9)))
        do {
            try node.apply(override: "outer.parts[3]=bolt")
        } catch let error as ConfigurationError {
            #expect(
                error.description
                    == "--set outer.parts[3]=bolt: outer.parts: has no element [3] to set; the list has the elements "
                    + "[0] to [2]")
        }
        // A problem of the value names the argument.
        try node.apply(override: "outer.parts[1].beam=200")
        guard case .block(let entries) = node.content else { return }
        #expect(
            read(entries[0].value).problems.first?.hasPrefix("--set outer.parts[1].beam=200: parts[1].beam") == true)
    }

    /// A short form has no node for the key of its value.
    @Test func locationsOfElements() throws {
        let node = try ConfigurationNode(
            yaml:
                "parts:\n  - bolt\n  - frame:\n      - bolt\n      - beam: 3\n"
                + "  - frame:\n      parts:\n        - bolt\n"
        ) {
            .file(name: "c", line: $0, column: $1)
        }
        let origin = ConfigurationOrigin(node, start: .file(name: "c", line: 1, column: 1))
        func line(_ key: String) -> Int? {
            if case .file(_, let line, _)? = origin.location(of: key) { line } else { nil }
        }
        #expect(line("parts[0].bolt") == 2 && line("parts[1].frame") == 3)
        #expect(line("parts[1].frame.parts[1].beam.length") == 5)
        #expect(line("parts[2].frame.parts[0].bolt") == 8)
        #expect(line("parts[9].bolt") == 1 || line("parts[9].bolt") == 2)
    }
}

extension KindCategory {
    fileprivate static let part = KindCategory("part")
}
