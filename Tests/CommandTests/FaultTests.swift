import Foundation
import Testing

extension ProcessTests {
    /// Random faults over supervised runs, by Tests/Faults/faults, with the program that is tested here.
    ///
    /// 10 faults; COUPLET_FAULTS=100 swift test -c release --filter Faults makes it 100, COUPLET_SEED=n chooses others.
    @Suite(.serialized, .enabled(if: RunningCouplet.hasMPI, "no mpirun in PATH")) struct Faults {
        /// Whether there is a python3; says so once where there is none.
        private static let hasPython: Bool = {
            let isThere = (try? Shell("python3 -c ''", in: FileManager.default.temporaryDirectory.path).exitCode) == 0
            if !isThere { print("skipped the random faults: there is no python3") }
            return isThere
        }()

        @Test(.enabled(if: hasPython, "no python3 in PATH")) func eachEndsAsPromised() throws {
            let environment = ProcessInfo.processInfo.environment
            let faults = environment["COUPLET_FAULTS"].flatMap { Int($0) } ?? 10,
                seed = environment["COUPLET_SEED"].flatMap { Int($0) } ?? 1
            let result = try Shell(
                "'\(packageFolder)/Tests/Faults/faults' --faults \(faults) --seed \(seed) --couplet '\(Couplet.path)'",
                in: FileManager.default.temporaryDirectory.path, seconds: 120 + 30 * faults)
            #expect(result.exitCode == 0, "\(result.output)")
            #expect(result.output.contains("\(faults) faults of seed \(seed)"), "\(result.output)")
            print(result.output)
        }
    }
}
