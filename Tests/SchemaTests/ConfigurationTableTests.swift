import CoupletSchema
import Testing

/// A table reads, writes and documents its block; kinds come from the registry.
@Suite struct ConfigurationTableTests {
    /// A block with keys of every type.
    struct Machine: Equatable, Sendable {
        enum Mode: String, CaseIterable, Sendable { case fast, slow }

        var steps = 7
        var rate = 0.5
        var scale: Float = 1
        var name = "default"
        var isOn = true
        var memory = 1 << 20
        var limit: Duration?
        var every: Int? = 5
        var mode = Mode.fast
        var modes: [Mode] = []
        var sizes = [1, 2]
        var gear: any Gear = Wheel()
        var inner = Inner()

        static func == (a: Machine, b: Machine) -> Bool {
            a.gear.isEqual(to: b.gear) && ConfigurationTableTests.text(a) == ConfigurationTableTests.text(b)
        }
    }

    struct Inner: Equatable, Sendable {
        var depth = 1
        static let table = ConfigurationTable(
            Inner(), [.required("depth", \.depth, .integer(1...9, example: 3), "How deep.")])
    }

    static let machine = ConfigurationTable(
        Machine(),
        [
            .key("steps", \.steps, .integer(1...10, example: 3), "Number of steps."),
            .key("rate", \.rate, .number(.positive, example: 0.1), "Rate."),
            .key("scale", \.scale, .number(.any, example: 2), "Scale."),
            .key(
                "name", \.name,
                .text(example: "a").checked { $0.contains("/") ? "wanted a name without \"/\"; found \($0)" : nil },
                "Name."),
            .key("flag", \.isOn, .flag, "Flag."),
            .key("memory", \.memory, .memorySize, "Memory."),
            .key("limit", \.limit, .optional(.duration, isOmitted: true), "Limit."),
            .key("every", \.every, .optional(.integer(1...10, example: 3), zeroIsNull: true), "Period."),
            .key("mode", \.mode, .choice("mode"), "Mode."),
            .key(
                "modes", \.modes, .choices("mode", example: "[fast]"), "Modes.",
                .when("mode", { $0.mode == .slow }) { "the mode is \($0.mode.rawValue)" }),
            .key("sizes", \.sizes, .list(.integer(1...9, example: 3), example: "[1, 2]", minimum: 1), "Sizes."),
            .kind("gear", \.gear, of: .gear, "Gear.") { $0 },
            .key("inner", \.inner, .block(Inner.table, example: "{depth: 3}", isInline: true), "Block."),
        ],
        complete: { machine, block in
            if machine.steps > machine.memory { block.note("steps", "has no room") }
            if !block.has("rate") { machine.rate = Double(machine.steps) }
        })

    private static let registry = Registry.none.adding(Wheel.self, Chain.self)

    static func text(_ machine: Machine) -> String { YAMLValue.text(of: Self.machine.entries(of: machine)) }

    private func read(
        _ text: String, _ registry: Registry = Self.registry
    ) throws -> (machine: Machine, problems: [String]) {
        let node = try ConfigurationNode(yaml: text) { .file(name: "c", line: $0, column: $1) }
        let problems = ConfigurationBlock.Problems()
        let block = ConfigurationBlock(
            node, path: "", location: .file(name: "c", line: 1, column: 1), problems: problems,
            registry: registry)
        return (Self.machine.read(block), problems.all.map(\.description))
    }

    @Test func absentKeysKeepTheirDefaults() throws {
        let (machine, problems) = try read("name: given\nflag: false\n")
        #expect(problems.isEmpty)
        #expect(machine.name == "given" && !machine.isOn && machine.steps == 7 && machine.every == 5)
        #expect(machine.rate == 7, "a default that depends on another key")
    }

    @Test func nullMeansNil() throws {
        for text in ["every: 0\nlimit: ~\n", "every: null\nlimit:\n"] {
            let (machine, problems) = try read(text)
            #expect(problems.isEmpty && machine.every == nil && machine.limit == nil)
        }
    }

    @Test func theWrittenTextIsReadBackAsAnEqualValue() throws {
        let text = """
            steps: 3
            rate: 0.25
            scale: 1.5
            name: "a b"
            flag: false
            memory: 3 KiB
            limit: 1m30s
            every: null
            mode: slow
            modes: [fast, slow]
            sizes: [4]
            gear: chain
            links: 12
            inner: {depth: 4}

            """
        let (machine, problems) = try read(text)
        #expect(problems.isEmpty, "\(problems)")
        #expect(machine.gear.isEqual(to: Chain(links: 12)) && !machine.gear.isEqual(to: Chain(links: 1)))
        #expect(machine.limit == .seconds(90) && machine.modes == [.fast, .slow] && machine.inner.depth == 4)
        #expect(Self.text(machine) == text)
        #expect(try read(Self.text(Machine())).machine == Machine(), "keys that do not apply are not written")
    }

    @Test func allProblemsAreReported() throws {
        let text = """
            steps: 11
            rate: -1
            scale: 1e60
            name: a/b
            memory: 3 MB
            limit: 90
            mode: fst
            modes: [slow]
            sizes: []
            gear: wheel
            links: 3
            inner: {depth: 0, dpth: 1}
            stepz: 3
            z: 1
            """
        let (_, problems) = try read(text)
        #expect(
            problems == [
                "c:1:8: steps: wanted a whole number from 1 to 10, such as 3; found 11",
                "c:2:7: rate: wanted a number above 0, such as 0.1; found -1",
                "c:3:8: scale: wanted a number that a Float32 can hold, such as 2.0; found 1e60",
                "c:4:7: name: wanted a name without \"/\"; found a/b",
                "c:5:9: memory: wanted a size of memory up to 1048576 GiB, such as 256 MiB, or a number of bytes; "
                    + "found the text \"3 MB\"",
                "c:6:8: limit: wanted a duration above 0, such as 90s, 45m, 3h55m or 1d2h; found 90",
                "c:7:7: mode: no mode is called \"fst\"; did you mean fast? There are fast, slow",
                "c:9:8: sizes: wanted at least one element, such as [1, 2]; found none",
                "c:12:16: inner.depth: wanted a whole number from 1 to 9, such as 3; found 0",
                "c:12:19: inner.dpth: no such key; did you mean depth?",
                "c:11:1: links: is of no use here: the gear wheel does not have it; only chain has it",
                "c:13:1: stepz: no such key; did you mean steps?",
                "c:14:1: z: no such key; there are steps, rate, scale, name, flag, memory, limit, every, mode, modes, "
                    + "sizes, gear, inner",
            ])
    }

    @Test func aKeyWhoseConditionIsNotMetIsRefused() throws {
        #expect(try read("modes: [slow]").problems == ["c:1:1: modes: is of no use here: the mode is fast"])
        #expect(try read("mode: slow\nmodes: [slow]").problems.isEmpty)
    }

    @Test func anUnknownKindNamesTheNearestAndAcceptsTheKeysOfAll() throws {
        #expect(
            try read("gear: wheels\nlinks: 3").problems == [
                "c:1:7: gear: no gear is called \"wheels\"; did you mean wheel? There are wheel, chain"
            ])
        #expect(try read("gear: chain\nlinks: 0").problems.count == 1)
    }

    @Test func missingMandatoryKeysAreReported() throws {
        #expect(try read("inner: {}").problems == ["c:1:1: inner.depth: is missing; for example depth: 3"])
        #expect(try read("inner: 3").problems == ["c:1:8: inner: wanted a block of keys, such as {depth: 3}; found 3"])
    }

    @Test func problemsOfSeveralKeysAreReportedOnlyIfEachKeyIsValid() throws {
        #expect(try read("steps: 9\nmemory: 8").problems == ["c:1:8: steps: has no room"])
        #expect(try read("steps: 90\nmemory: 8").problems.count == 1)
    }

    @Test func descriptionsNameTypeDefaultAndKind() {
        let keys = Self.machine.descriptions(Self.registry)
        func key(_ path: String) -> KeyDescription? { keys.first { $0.path == path } }
        #expect(key("steps")?.type == "whole number from 1 to 10" && key("steps")?.defaultValue == "7")
        #expect(key("limit")?.type == "duration, or null" && key("limit")?.defaultValue == "null")
        #expect(key("inner")?.defaultValue == "" && key("inner.depth")?.defaultValue == nil)
        #expect(key("gear")?.type == "wheel, chain" && key("gear")?.defaultValue == "wheel")
        #expect(key("links")?.kind == "gear: chain" && key("links")?.help == "Number of links.")
        #expect(key("sizes")?.type == "list of whole numbers from 1 to 9" && key("sizes")?.defaultValue == "[1, 2]")
    }

    // MARK: - Kinds of a program

    @Test func aKeyThatTheBlockHasAlreadyIsRefused() throws {
        #expect(
            try read("gear: double", Self.registry.adding(DoubleKeyGear.self)).problems == [
                "c:1:7: gear: the gear double has the key steps, which its block has for every gear; "
                    + "rename it in the program"
            ])
    }

    @Test func aKindOfAnotherProtocolIsRefused() throws {
        #expect(
            try read("gear: stranger", Self.registry.adding(StrangerGear.self)).problems == [
                "c:1:7: gear: the gear stranger of this program is not of the type Gear"
            ])
    }
}

/// Has a key of the block.
private struct DoubleKeyGear: Gear {
    var steps = 3
    static let name = "double"
    static let table = ConfigurationTable(
        DoubleKeyGear(), [.key("steps", \.steps, .integer(1...99, example: 3), "Steps.")])
}

/// Is in the category, but is no `Gear`.
private struct StrangerGear: ConfigurableKind {
    static let category = KindCategory.gear
    static let name = "stranger"
    static let table = ConfigurationTable(StrangerGear(), [])
}

protocol Gear: ConfigurableKind {}
extension Gear { static var category: KindCategory { .gear } }
extension KindCategory { fileprivate static let gear = KindCategory("gear") }

struct Wheel: Gear {
    static let name = "wheel"
    static let table = ConfigurationTable(Wheel(), [])
}

struct Chain: Gear {
    var links = 3
    static let name = "chain"
    static let table = ConfigurationTable(
        Chain(), [.key("links", \.links, .integer(1...99, example: 3), "Number of links.")])
}
