import CoupletCommunication
import Testing

@Suite struct GroupErrorTests {
    /// Equal texts of several processes become one report.
    @Test func equalTextsAreMerged() {
        func text(_ failures: [String?]) -> String? {
            GroupError(
                failures: failures.map { $0.map { ProcessFailure(text: $0, exitCode: 65) } },
                jobRanks: Array(failures.indices))?.description
        }
        #expect(text([nil, nil]) == nil)
        #expect(text(["a", "a", "a", "a"]) == "all 4 ranks: a")
        #expect(text([nil, "a"]) == "rank 1: a")
        #expect(text(["a", nil, "b", "a"]) == "ranks 0, 3: a\nrank 2: b")
    }

    /// The first failure sets the exit code. Failures that only follow from another are left out. The text names the
    /// ranks in the job.
    @Test func theFirstCauseComesFirst() {
        func error(_ failures: ProcessFailure?...) -> GroupError? {
            GroupError(failures: failures, jobRanks: [4, 5, 6])
        }
        let early = ProcessFailure(text: "a", exitCode: 65, time: 10),
            late = ProcessFailure(text: "b", exitCode: 74, time: 20)
        let woken = ProcessFailure(text: "woken", exitCode: 70, time: 5, isConsequence: true)
        #expect(error(nil, early, late)?.exitCode == 65)
        #expect(error(late, nil, early)?.exitCode == 65)
        #expect(error(late, woken, early)?.description == "rank 6: a\nrank 4: b")
        #expect(error(early, late, early)?.description == "ranks 4, 6: a\nrank 5: b")
        #expect(error(woken, nil, nil)?.description == "rank 4: woken")
        #expect(error(nil, nil, nil) == nil)
    }
}
