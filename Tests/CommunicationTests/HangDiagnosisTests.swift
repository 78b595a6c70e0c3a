import CoupletCommunication
import Testing

/// The messages that follow from the statuses of the processes.
@Suite struct HangDiagnosisTests {
    private typealias Worker = HangDiagnosis.WorkerStatus

    private func names(_ count: Int) -> [String] { (0..<count).map { "rank \($0) on host\($0)" } }

    private func blocked(_ call: String, for partner: Int? = nil) -> Worker {
        Worker(.blocked, seconds: 600, partner: partner, call: call)
    }

    @Test func aRankThatDoesNotReplyIsMissing() {
        let two = HangDiagnosis.ProcessStatus(workers: [blocked("barrier", for: 6), blocked("barrier")])
        let text = HangDiagnosis.message([0: two, 1: two, 2: two], processNames: names(4), seconds: 600)
        #expect(
            text.hasPrefix(
                "rank 3 on host3 (workers 6, 7) has not arrived for 600 s, while workers 0 … 5 wait in barrier; "))
    }

    /// A rank can reply if one of its threads waits; the other thread is missing.
    @Test func aThreadThatDoesNotWaitIsMissing() {
        let waits = HangDiagnosis.ProcessStatus(workers: [blocked("gather"), blocked("gather")])
        let late = HangDiagnosis.ProcessStatus(workers: [Worker(.computing), blocked("finish of beginReduceScatter")])
        let text = HangDiagnosis.message([0: waits, 1: late], processNames: names(2), seconds: 5)
        #expect(
            text.hasPrefix(
                "worker 2 (rank 1 on host1) has not arrived for 5 s, while workers 0, 1 wait in gather, "
                    + "worker 3 waits in finish of beginReduceScatter; "))
        let one = HangDiagnosis.message([0: late], processNames: [], seconds: 5)
        #expect(one.hasPrefix("worker 0 has not arrived for 5 s, while worker 1 waits in "))
        let several = HangDiagnosis.message([1: waits], processNames: names(3), seconds: 5)
        #expect(several.hasPrefix("rank 0 on host0 (workers 0, 1) and rank 2 on host2 (workers 4, 5) have not arrived"))
    }

    @Test func mutualWaitsAreADeadlock() {
        let statuses = [
            0: HangDiagnosis.ProcessStatus(workers: [blocked("barrier", for: 1)]),
            1: HangDiagnosis.ProcessStatus(workers: [blocked("broadcast", for: 0)]),
        ]
        let text = HangDiagnosis.message(statuses, processNames: names(2), seconds: 9)
        #expect(
            text.hasPrefix(
                "all wait for each other, for 9 s: worker 0 in barrier for worker 1, "
                    + "worker 1 in broadcast for worker 0; "
            ))
        // A worker that has ended will never arrive, so a worker that waits for it waits forever.
        let ended = [
            0: HangDiagnosis.ProcessStatus(workers: [blocked("barrier", for: 1)]),
            1: HangDiagnosis.ProcessStatus(workers: [Worker(.ended)], process: blocked("end of run")),
        ]
        let second = HangDiagnosis.message(ended, processNames: names(2), seconds: 9)
        #expect(second.contains("worker 0 in barrier for worker 1") && second.contains("rank 1 on host1 in end of run"))
        #expect(second.contains("worker 1 has ended"))
    }

    /// Between two runs only the processes themselves wait.
    @Test func waitingProcessesAreNamed() {
        let agreeing = HangDiagnosis.ProcessStatus(workers: [], process: blocked("agree"))
        let text = HangDiagnosis.message([0: agreeing, 2: agreeing], processNames: names(3), seconds: 30)
        #expect(
            text.hasPrefix(
                "rank 1 on host1 has not arrived for 30 s, while rank 0 on host0 waits in agree, "
                    + "rank 2 on host2 waits in agree"
            ))
    }

    @Test func statusRoundTripsAsText() {
        let status = HangDiagnosis.ProcessStatus(
            workers: [
                Worker(.computing), blocked("finish of beginReduceScatter", for: 12), Worker(.ended), blocked("gather"),
            ],
            process: blocked("end of run"))
        #expect(HangDiagnosis.ProcessStatus(text: status.text) == status)
        #expect(HangDiagnosis.ProcessStatus(text: "") == HangDiagnosis.ProcessStatus(workers: []))
        #expect(HangDiagnosis.ProcessStatus(text: "0 x 5 -1 gather") == nil)
        #expect(HangDiagnosis.ProcessStatus(text: "0 i five -1 gather") == nil)
    }
}
