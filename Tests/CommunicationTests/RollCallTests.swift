import CoupletCommunication
import Testing

/// What follows from the answers to a roll call.
@Suite struct RollCallTests {
    private typealias Worker = HangDiagnosis.WorkerReport

    private func names(_ count: Int) -> [String] { (0..<count).map { "rank \($0) on host\($0)" } }

    private func waiting(_ call: String, for partner: Int? = nil) -> Worker {
        Worker(.waits, seconds: 600, partner: partner, call: call)
    }

    @Test func aRankThatDoesNotAnswerIsMissing() {
        let two = HangDiagnosis.Report(workers: [waiting("barrier", for: 6), waiting("barrier")])
        let text = HangDiagnosis.conclusion([0: two, 1: two, 2: two], names: names(4), seconds: 600)
        #expect(
            text.hasPrefix(
                "rank 3 on host3 (workers 6, 7) has not come for 600 s, while workers 0 … 5 wait in barrier; "))
    }

    /// A rank of which one thread waits can answer; the other is missing.
    @Test func aThreadThatDoesNotWaitIsMissing() {
        let waits = HangDiagnosis.Report(workers: [waiting("gather"), waiting("gather")])
        let late = HangDiagnosis.Report(workers: [Worker(.works), waiting("finish of beginReduceScatter")])
        let text = HangDiagnosis.conclusion([0: waits, 1: late], names: names(2), seconds: 5)
        #expect(
            text.hasPrefix(
                "worker 2 (rank 1 on host1) has not come for 5 s, while workers 0, 1 wait in gather, "
                    + "worker 3 waits in finish of beginReduceScatter; "))
        let one = HangDiagnosis.conclusion([0: late], names: [], seconds: 5)
        #expect(one.hasPrefix("worker 0 has not come for 5 s, while worker 1 waits in "))
        let several = HangDiagnosis.conclusion([1: waits], names: names(3), seconds: 5)
        #expect(several.hasPrefix("rank 0 on host0 (workers 0, 1) and rank 2 on host2 (workers 4, 5) have not come"))
    }

    @Test func allThatWaitForEachOtherAreADeadlock() {
        let reports = [
            0: HangDiagnosis.Report(workers: [waiting("barrier", for: 1)]),
            1: HangDiagnosis.Report(workers: [waiting("broadcast", for: 0)]),
        ]
        let text = HangDiagnosis.conclusion(reports, names: names(2), seconds: 9)
        #expect(
            text.hasPrefix(
                "all wait for each other, for 9 s: worker 0 in barrier for worker 1, worker 1 in broadcast for worker 0; "
            ))
        // A worker that has ended will never come: who waits for it waits for ever.
        let ended = [
            0: HangDiagnosis.Report(workers: [waiting("barrier", for: 1)]),
            1: HangDiagnosis.Report(workers: [Worker(.hasEnded)], process: waiting("end of run")),
        ]
        let second = HangDiagnosis.conclusion(ended, names: names(2), seconds: 9)
        #expect(second.contains("worker 0 in barrier for worker 1") && second.contains("rank 1 on host1 in end of run"))
        #expect(second.contains("worker 1 has ended"))
    }

    /// Between two runs only the processes themselves wait.
    @Test func processesWaitAsWell() {
        let agreeing = HangDiagnosis.Report(workers: [], process: waiting("agree"))
        let text = HangDiagnosis.conclusion([0: agreeing, 2: agreeing], names: names(3), seconds: 30)
        #expect(
            text.hasPrefix(
                "rank 1 on host1 has not come for 30 s, while rank 0 on host0 waits in agree, rank 2 on host2 waits in agree"
            ))
    }

    @Test func reportsTravelAsText() {
        let report = HangDiagnosis.Report(
            workers: [
                Worker(.works), waiting("finish of beginReduceScatter", for: 12), Worker(.hasEnded), waiting("gather"),
            ],
            process: waiting("end of run"))
        #expect(HangDiagnosis.Report(text: report.text) == report)
        #expect(HangDiagnosis.Report(text: "") == HangDiagnosis.Report(workers: []))
        #expect(HangDiagnosis.Report(text: "0 x 5 -1 gather") == nil)
        #expect(HangDiagnosis.Report(text: "0 i five -1 gather") == nil)
    }
}
