import CoupletFiles
import CoupletSchema
import Glibc
import Testing

/// `~` and environment variables in the paths of a config.
@Suite struct PathTextTests {
    private struct Block: Equatable, Sendable { var path = "none" }

    private static let table = ConfigurationTable(
        Block(), [.key("path", \.path, .path(example: "data/x.h5"), "A path.")])

    init() {
        setenv("COUPLET_TEST_FOLDER", "/data/x y", 1)
        setenv("COUPLET_TEST_EMPTY", "", 1)
        unsetenv("COUPLET_TEST_MISSING")
    }

    /// The path, or the problem.
    private func read(_ path: String) throws -> (path: String, problem: String?, written: String) {
        let text = "path: \(ConfigurationText.text(path))\n"
        let node = try ConfigurationNode(yaml: text) { .file(name: "c.yaml", line: $0, column: $1) }
        let problems = ConfigurationBlock.Problems()
        let block = Self.table.read(
            ConfigurationBlock(
                node, path: "", location: .file(name: "c.yaml", line: 1, column: 1), problems: problems))
        return (block.path, problems.all.first?.description, YAMLValue.text(of: Self.table.entries(of: block)))
    }

    private var home: String { String(cString: getenv("HOME")) }

    @Test func tildeAndVariablesAreReplaced() throws {
        #expect(try read("~/pairs.h5").path == home + "/pairs.h5")
        #expect(try read("~").path == home)
        #expect(try read("~root/x").path == "/root/x")
        #expect(try read("${COUPLET_TEST_FOLDER}/a.h5").path == "/data/x y/a.h5")
        #expect(try read("a/${COUPLET_TEST_FOLDER}${COUPLET_TEST_FOLDER}").path == "a//data/x y/data/x y")
        #expect(try read("a$b/$5/x~y").path == "a$b/$5/x~y")
        #expect(try read("$${COUPLET_TEST_FOLDER}").path == "${COUPLET_TEST_FOLDER}")
        #expect(try read("a$").path == "a$" && read("$~/x").path == "~/x" && read("$~/x").written == "path: \"$~/x\"\n")
    }

    @Test(arguments: [
        ("${COUPLET_TEST_MISSING}/x", "the environment variable COUPLET_TEST_MISSING is not set"),
        ("${COUPLET_TEST_EMPTY}/x", "the environment variable COUPLET_TEST_EMPTY is empty"),
        ("$COUPLET_TEST_FOLDER/x", "write ${COUPLET_TEST_FOLDER} for the environment variable"),
        ("${1A}", "\"${1A}\" is no environment variable"), ("${}", "\"${}\" is no environment variable"),
        ("${A", "\"${\" has no \"}\""), ("~no-such-user/x", "there is no user of the name no-such-user"),
    ])
    func whatCannotBeReplacedIsAProblem(path: String, says: String) throws {
        let problem = try read(path).problem
        #expect(problem?.hasPrefix("c.yaml:1:7: path: \(says)") == true, "\(problem ?? "no problem")")
    }

    /// The resolved config of a run is read again, where the variables may have other values.
    @Test(arguments: [
        "~/pairs.h5", "${COUPLET_TEST_FOLDER}/a", "$${COUPLET_TEST_FOLDER}", "$$$$x", "a$b", "./~x", "$~/x", "$$~/x",
        "a$~b", "$$COUPLET_TEST_FOLDER",
    ])
    func theWrittenPathReadsBack(path: String) throws {
        let first = try read(path)
        #expect(first.problem == nil)
        let node = try ConfigurationNode(yaml: first.written) { .file(name: "c.yaml", line: $0, column: $1) }
        guard case .block(let entries) = node.content, case .scalar(let text, _) = entries[0].value.content else {
            Issue.record("not a block: \(first.written)")
            return
        }
        #expect(try read(text).path == first.path)
    }
}
