import Foundation
import Testing

extension ProcessTests {
    /// Groups of real processes: all work, one fails, or one hangs. The program is Tests/CommunicationScenarios.
    @Suite(.serialized, .enabled(if: BackgroundJob.hasMPI, "no mpirun in PATH")) struct WorkerGroupTests {
        private func start(_ scenario: String..., ranks: Int) throws -> BackgroundJob {
            let program = URL(fileURLWithPath: CoupletInvocation.path).deletingLastPathComponent()
                .appendingPathComponent(
                    "CommunicationScenarios"
                ).path
            return try BackgroundJob(scenario, ranks: ranks, program: program)
        }

        /// The lines that a rank prints.
        private func lines(_ program: BackgroundJob, _ rank: Int) -> [String] {
            program.output.split(separator: "\n").filter { $0.hasPrefix("\(rank): ") }.map {
                String($0.dropFirst("\(rank): ".count))
            }
        }

        /// The program's own lines on standard error.
        private func reason(_ program: BackgroundJob) -> String {
            var isOfMPI = false
            return program.errors.split(separator: "\n").filter { line in
                if line.hasPrefix("---") {
                    isOfMPI.toggle()
                    return false
                }
                return !isOfMPI && !line.hasPrefix("[")
            }.joined(separator: "\n")
        }

        /// A failure in one subgroup reaches its two ranks and no others. The subgroup works again immediately,
        /// although old messages may still arrive.
        @Test func aSubgroupFailsAndTheOtherContinues() throws {
            let program = try start("parts", ranks: 4)
            #expect(program.end(within: 20) == 0, "\(program.errors)")
            for rank in 0..<4 {
                let expected = (0..<3).flatMap { round in
                    [
                        "round \(round) \(rank < 2 ? "[0, 1, 2, 3]" : "[4, 5, 6, 7]")",
                        rank < 2 ? "round \(round) failed: rank 0: broken in round \(round)" : "round \(round) went on",
                        "round \(round) sum 10", "round \(round) alone 2",
                    ]
                }
                let said = lines(program, rank)
                #expect(Array(said.dropLast()) == expected, "rank \(rank): \(said)")
                #expect(said.last?.hasPrefix("all 4 workers in 4 processes: barrier") == true)
            }
        }

        @Test(arguments: [2, 4]) func theWorkQueueHandsOutEachNumberOnce(ranks: Int) throws {
            let program = try start("queue", ranks: ranks)
            #expect(program.end(within: 30) == 0, "\(program.errors)")
            var numbers: [Int] = []
            for rank in 0..<ranks {
                let said = lines(program, rank)
                numbers += said.first { $0.hasPrefix("numbers ") }?.split(separator: " ").compactMap { Int($0) } ?? []
                #expect(said.contains { $0.hasPrefix("after closing: ") && $0.contains("the work queue is closed") })
                let time = try #require(
                    said.first { $0.hasPrefix("microseconds per request ") }?.split(separator: " ").last.flatMap {
                        Double($0)
                    })
                #expect(time < 20_000)
            }
            #expect(numbers.sorted() == Array(0..<(300 * ranks)))
            #expect(lines(program, 0).contains("overlaps 0"))
        }

        /// All ranks stop waiting at once, and one message names the failed rank, with its exit code.
        @Test func oneFailureStopsAllRanks() throws {
            let program = try start("alone", ranks: 3)
            let start = ContinuousClock.now
            #expect(program.end(within: 10) == 65, "\(program.errors)")
            // Well below the time after which a job is killed.
            #expect(ContinuousClock.now - start < .seconds(4))
            #expect(reason(program) == "rank 2: no bread")
            for rank in 0..<2 {
                #expect(
                    lines(program, rank).filter { $0.contains("another worker failed: rank 2: no bread") }.count == 2,
                    "\(program.output)")
            }
            #expect(lines(program, 2).filter { $0.contains("another worker failed: no bread") }.count == 1)
        }

        /// The first failure is reported first and sets the exit code.
        @Test func twoFailuresAtOnce() throws {
            let program = try start("two", ranks: 3)
            #expect(program.end(within: 10) == 65, "\(program.errors)")
            #expect(reason(program).hasPrefix("rank 2: no bread"))
            #expect(!program.errors.contains("MPI_ABORT"))
        }

        /// The job waits for a rank that still computes, but not for one that hangs.
        @Test func aFailedJobWaitsForOtherRanksForAWhile() throws {
            let late = try start("late", ranks: 3)
            #expect(late.end(within: 10) == 65)
            #expect(reason(late) == "rank 1: no bread")
            let stuck = try start("stuck", ranks: 3)
            #expect(stuck.end(within: 15) == 65)
            #expect(reason(stuck).hasPrefix("rank 1 of 3: no bread"), "\(stuck.errors)")
        }

        @Test func aMissingThreadIsNamed() throws {
            for ranks in [1, 2] {
                let program = try start("missing", "timeout", ranks: ranks)
                #expect(program.end(within: 10) == 70, "\(program.errors)")
                #expect(
                    reason(program).contains("worker 1 " + (ranks == 1 ? "has" : "(rank 0 on ")), "\(program.errors)")
                #expect(
                    reason(program).contains(
                        ranks == 1 ? "while worker 0 waits in barrier" : "while workers 0, 2, 3 wait in barrier"))
            }
        }

        /// A stopped rank (SIGSTOP) is named and the job ends: after 1 s of waiting, 2 s for the answers, and a margin.
        @Test(arguments: [0, 2]) func aStoppedRankIsNamed(rank: Int) throws {
            let program = try start("absent", "timeout", ranks: 3)
            #expect(program.wait(until: { program.output.contains("begun") }), "\(program.errors)")
            let member = try #require(program.process(ofRank: rank))
            let start = ContinuousClock.now
            kill(member, SIGSTOP)
            #expect(program.end(within: 15) == 70, "\(program.errors)")
            #expect(ContinuousClock.now - start < .seconds(6))
            let others = (0..<3).filter { $0 != rank }
            #expect(program.errors.contains("rank \(others[0]) of 3: rank \(rank) on "), "\(program.errors)")
            #expect(program.errors.contains("(worker \(rank)) has not arrived for"))
            #expect(program.errors.contains("while workers \(others[0]), \(others[1]) wait in barrier"))
            // Only one rank reports it.
            #expect(program.errors.components(separatedBy: "has not arrived").count == 2, "\(program.errors)")
        }

        @Test func aWorkQueueThatDoesNotAnswerEndsTheJob() throws {
            let program = try start("silent", "timeout", ranks: 2)
            #expect(program.end(within: 10) == 70, "\(program.errors)")
            #expect(
                reason(program).hasPrefix("rank 1 of 2: rank 0 has not answered a request for 1 s"),
                "\(program.errors)")
        }

        @Test func aDeadlockIsReported() throws {
            let program = try start("deadlock", "timeout", ranks: 2)
            #expect(program.end(within: 10) == 70, "\(program.errors)")
            #expect(reason(program).contains("all wait for each other"))
            #expect(reason(program).contains("worker 0 in barrier for worker 1, worker 1 in barrier for worker 0"))
        }
    }
}
