import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Runs Tests/Faults/mutations, which mutates the inputs and the environment of the tested program.
    ///
    /// The default is 300 cases. `COUPLET_MUTATIONS=10000 swift test -c release --filter MutationTests` runs more, and
    /// COUPLET_SEED=n chooses other ones.
    @Suite(.serialized) struct MutationTests {
        @Test(.enabled(if: Python.hasPython, "no python3 in PATH")) func everyMutationEndsAsDocumented() throws {
            let environment = ProcessInfo.processInfo.environment
            let cases = environment["COUPLET_MUTATIONS"].flatMap { Int($0) } ?? 300
            let seed = environment["COUPLET_SEED"].flatMap { Int($0) } ?? 1
            let result = try ShellScript(
                """
                '\(packageFolder)/Tests/Faults/mutations' --cases \(cases) --seed \(seed) \
                --couplet '\(CoupletInvocation.path)'
                """,
                in: FileManager.default.temporaryDirectory.path, seconds: 300 + 2 * cases)
            #expect(result.exitCode == 0, "\(result.output)")
            #expect(result.output.contains("\(cases) cases of seed \(seed)"), "\(result.output)")
            print(result.output)
        }
    }
}
