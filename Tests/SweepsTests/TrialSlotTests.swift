import CoupletSchema
import CoupletSweeps
import Testing

@Suite struct TrialSlotTests {
    private func layout(_ ranks: Int, _ threads: Int, given: Int?, processes: Int, isLaunched: Bool, cores: Int = 8)
        throws -> TrialSlotLayout
    {
        let specification = try SweepFile().specification(
            "base: base.yaml\nvary: {seed: [1]}\nmetric: m\ngoal: minimize\n"
                + "ranks_per_trial: \(ranks)\nthreads_per_trial: \(threads)\n"
        )
        return try TrialSlotLayout(
            specification, threads: given, processes: processes, isLaunched: isLaunched, cores: cores)
    }

    @Test func workersAreDividedIntoSlots() throws {
        #expect(try layout(1, 1, given: nil, processes: 1, isLaunched: false).slots == 8)
        #expect(try layout(1, 2, given: nil, processes: 1, isLaunched: false, cores: 5).slots == 2)
        #expect(try layout(1, 2, given: 6, processes: 4, isLaunched: true).slots == 3)
        // Under mpirun a rank trains one trial, and a trial may have more threads than there are cores.
        #expect(try layout(1, 1, given: nil, processes: 4, isLaunched: true).slots == 1)
        #expect(try layout(1, 4, given: nil, processes: 1, isLaunched: false, cores: 2).slots == 1)
        #expect(
            try layout(2, 2, given: nil, processes: 4, isLaunched: true)
                == layout(2, 2, given: 2, processes: 4, isLaunched: true))
    }

    @Test(
        arguments: [
            (2, 1, nil, 3, "start it with mpirun -n 2 or 4"), (2, 1, nil, 1, "start it with mpirun -n 2"),
            (1, 4, 2, 1, "--threads 4 or more"),
            (2, 1, 2, 2, "--threads is 2"),
        ] as [(Int, Int, Int?, Int, String)]) func layoutsThatDoNotFitAreErrors(
            _ ranks: Int, _ threads: Int, _ given: Int?, _ processes: Int, _ expected: String
        )
    {
        let error = #expect(throws: ConfigurationError.self) {
            try layout(ranks, threads, given: given, processes: processes, isLaunched: processes > 1)
        }
        #expect(error.map { "\($0)".contains(expected) } ?? false, "\(String(describing: error))")
    }

    @Test func messagesAreDecodedAsTheyWereEncoded() {
        let result = TrialResult(trial: "001", steps: 5, metric: 1 / 3, digest: "d", seconds: 0.1)
        let requests: [SlotRequest] = [
            .next(nil), .next(result), .heartbeat(isStopRequested: true), .heartbeat(isStopRequested: false),
        ]
        for request in requests { #expect(SlotRequest(request.bytes) == request) }
        for reply in [SlotReply.train(3, steps: 700), .wait, .finished] { #expect(SlotReply(reply.bytes) == reply) }
    }
}
