import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Runs Tests/Faults/faults, which injects random faults into supervised runs of the tested program.
    ///
    /// The default is 10 faults. `COUPLET_FAULTS=100 swift test -c release --filter FaultTests` runs 100, and
    /// COUPLET_SEED=n chooses other ones.
    @Suite(.serialized, .enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) struct FaultTests {
        @Test(.enabled(if: Python.hasPython, "no python3 in PATH")) func everyFaultEndsAsDocumented() throws {
            let environment = ProcessInfo.processInfo.environment
            let faults = environment["COUPLET_FAULTS"].flatMap { Int($0) } ?? 10
            let seed = environment["COUPLET_SEED"].flatMap { Int($0) } ?? 1
            let result = try ShellScript(
                """
                '\(packageFolder)/Tests/Faults/faults' --faults \(faults) --seed \(seed) \
                --couplet '\(CoupletInvocation.path)'
                """,
                in: FileManager.default.temporaryDirectory.path, seconds: 120 + 30 * faults)
            #expect(result.exitCode == 0, "\(result.output)")
            #expect(result.output.contains("\(faults) faults of seed \(seed)"), "\(result.output)")
            print(result.output)
        }
    }
}
