import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// Random faults in supervised runs, made by Tests/Faults/faults with the tested program.
    ///
    /// There are 10 faults; COUPLET_FAULTS=100 swift test -c release --filter FaultTests makes 100, COUPLET_SEED=n
    /// other ones.
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
