import Foundation
import Testing

extension ProcessTests {
    /// What groups of real processes do when all goes well, when one fails, and when one does not come. The program is
    /// Tests/CommunicationScenarios.
    @Suite(.serialized, .enabled(if: RunningCouplet.hasMPI, "no mpirun in PATH")) struct Groups {
        private func start(_ scenario: String..., ranks: Int) throws -> RunningCouplet {
            let program = URL(fileURLWithPath: Couplet.path).deletingLastPathComponent().appendingPathComponent(
                "CommunicationScenarios"
            ).path
            return try RunningCouplet(scenario, ranks: ranks, program: program)
        }

        /// What a rank says, line by line.
        private func lines(_ program: RunningCouplet, _ rank: Int) -> [String] {
            program.output.split(separator: "\n").filter { $0.hasPrefix("\(rank): ") }.map {
                String($0.dropFirst("\(rank): ".count))
            }
        }

        /// The line of standard error that the program itself says.
        private func reason(_ program: RunningCouplet) -> String {
            program.errors.split(separator: "\n").prefix { !$0.hasPrefix("---") }.joined(separator: "\n")
        }

        /// A failure in one part is told to both of its ranks and nobody else; the part works again right after, though messages of before
        /// are still on their way.
        @Test func aPartFailsAndTheOtherGoesOn() throws {
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

        @Test(arguments: [2, 4]) func theDeskHandsOutEachNumberOnce(ranks: Int) throws {
            let program = try start("desk", ranks: ranks)
            #expect(program.end(within: 30) == 0, "\(program.errors)")
            var numbers: [Int] = []
            for rank in 0..<ranks {
                let said = lines(program, rank)
                numbers += said.first { $0.hasPrefix("numbers ") }?.split(separator: " ").compactMap { Int($0) } ?? []
                #expect(said.contains { $0.hasPrefix("after closing: ") && $0.contains("the desk is closed") })
                let time = try #require(
                    said.first { $0.hasPrefix("microseconds a question ") }?.split(separator: " ").last.flatMap {
                        Double($0)
                    })
                #expect(time < 20_000)
            }
            #expect(numbers.sorted() == Array(0..<(300 * ranks)))
            #expect(lines(program, 0).contains("overlaps 0"))
        }

        /// All are woken at once, and one text names the rank that failed, with its code.
        @Test func aLoneFailureWakesAllRanks() throws {
            let program = try start("alone", ranks: 3)
            let start = ContinuousClock.now
            #expect(program.end(within: 10) == 65, "\(program.errors)")
            // Well below the seconds after which a job is ended by force.
            #expect(ContinuousClock.now - start < .seconds(4))
            #expect(reason(program) == "rank 2: no bread")
            for rank in 0..<2 {
                #expect(
                    lines(program, rank).filter { $0.contains("another worker failed: rank 2: no bread") }.count == 2,
                    "\(program.output)")
            }
            #expect(lines(program, 2).filter { $0.contains("another worker failed: no bread") }.count == 1)
        }

        /// The first cause comes first and gives the code.
        @Test func twoFailuresAtATime() throws {
            let program = try start("two", ranks: 3)
            #expect(program.end(within: 10) == 65, "\(program.errors)")
            #expect(reason(program).hasPrefix("rank 2: no bread"))
            #expect(!program.errors.contains("MPI_ABORT"))
        }

        /// A rank that computes on is waited for; one that hangs is not.
        @Test func theOthersAreWaitedForAWhile() throws {
            let late = try start("late", ranks: 3)
            #expect(late.end(within: 10) == 65)
            #expect(reason(late) == "rank 1: no bread")
            let stuck = try start("stuck", ranks: 3)
            #expect(stuck.end(within: 15) == 65)
            #expect(reason(stuck).hasPrefix("rank 1 of 3: no bread"), "\(stuck.errors)")
        }

        @Test func aThreadThatDoesNotComeIsNamed() throws {
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

        /// A rank that is stopped (SIGSTOP) is named and the job ended: 1 s of waiting, 2 s for the answers, and some.
        @Test(arguments: [0, 2]) func aStoppedRankIsNamed(rank: Int) throws {
            let program = try start("absent", "timeout", ranks: 3)
            #expect(program.wait(until: { program.output.contains("begun") }), "\(program.errors)")
            let member = try #require(program.member(rank: rank))
            let start = ContinuousClock.now
            kill(member, SIGSTOP)
            #expect(program.end(within: 15) == 70, "\(program.errors)")
            #expect(ContinuousClock.now - start < .seconds(6))
            let others = (0..<3).filter { $0 != rank }
            #expect(program.errors.contains("rank \(others[0]) of 3: rank \(rank) on "), "\(program.errors)")
            #expect(program.errors.contains("(worker \(rank)) has not come for"))
            #expect(program.errors.contains("while workers \(others[0]), \(others[1]) wait in barrier"))
            // One rank has the word.
            #expect(program.errors.components(separatedBy: "has not come").count == 2, "\(program.errors)")
        }

        @Test func aDeskThatDoesNotAnswerEndsTheJob() throws {
            let program = try start("silent", "timeout", ranks: 2)
            #expect(program.end(within: 10) == 70, "\(program.errors)")
            #expect(
                reason(program).hasPrefix("rank 1 of 2: rank 0 has not answered a question for 1 s"),
                "\(program.errors)")
        }

        @Test func whoWaitsForEachOtherIsTold() throws {
            let program = try start("deadlock", "timeout", ranks: 2)
            #expect(program.end(within: 10) == 70, "\(program.errors)")
            #expect(reason(program).contains("all wait for each other"))
            #expect(reason(program).contains("worker 0 in barrier for worker 1, worker 1 in barrier for worker 0"))
        }
    }
}
