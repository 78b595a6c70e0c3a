import CoupletFiles
import CoupletNetworks
import CoupletPairs
import CoupletReplay
import CoupletTraining
import TestSupport
import Testing

/// A replayed step equals the step of the run.
@Suite struct StepReplayTests {
    @Test(arguments: [Configuration.Batch.Activations.keep, .recompute])
    func aRunOfFourWorkersIsReplayedByOne(_ activations: Configuration.Batch.Activations) throws {
        let run = try ReplayRun(ReplayRun.deep { $0.batch.activations = activations }, threads: 4)
        // The expected start, compared logged steps and compared checkpoints of each replayed step.
        let expected: [(step: Int, start: Int, logged: [Int], saved: [Int])] = [
            (1, 0, [], []), (7, 0, [7], []), (11, 10, [], []), (16, 10, [14], []), (21, 20, [21], []),
            (30, 20, [21, 28, 30], [30]),
        ]
        for (step, start, logged, saved) in expected {
            let report = try run.replay(step)
            #expect(
                report.startStep == start && report.checks.map(\.step) == logged && report.digests.map(\.step) == saved,
                "step \(step)")
            #expect(
                report.verdict == (logged.isEmpty && saved.isEmpty ? .unchecked : .sameBits),
                "step \(step): \(report.checks)")
            #expect((report.check == nil) == !logged.contains(step))
            try report.requireMatch()
        }
        let longest = try run.replay(30, from: .step(0))
        #expect(longest.checks.map(\.step) == [7, 14, 21, 28, 30] && longest.digests.map(\.step) == [10, 20, 30])
        #expect(longest.verdict == .sameBits)
        #expect(try longest.digest == run.checkpoints.read(run.checkpoints.path(ofStep: 30)).digest)
    }

    @Test func threadsDoNotChangeTheReport() throws {
        let run = try ReplayRun(ReplayRun.deep(), threads: 2)
        let alone = try run.replay(24)
        for threads in [2, 3, 8] {
            let together = try run.replay(24, threads: threads)
            #expect(together.threads == threads)
            #expect(
                together.jsonText.split(separator: "\n").filter { !$0.contains("\"threads\"") }
                    == alone.jsonText.split(separator: "\n").filter { !$0.contains("\"threads\"") })
        }
        #expect(throws: WorkerCountError.self) { try run.replay(24, threads: 9) }
        // The run has a checkpoint of this step, and Adam has moments to gather.
        let last = try run.replay(30, threads: 2)
        #expect(last.digests.allSatisfy { $0.saved == $0.replayed } && last.digests.count == 1)
    }

    @Test func imagesAndLabelsFromAFile() throws {
        let folder = TemporaryFolder()
        let run = try ReplayRun(ReplayRun.images(in: folder), threads: 2, in: folder)
        let report = try run.replay(8, from: .step(4))
        #expect(
            report.verdict == .sameBits && report.checks.map(\.step) == [6, 8] && report.digests.map(\.step) == [8])
        let sampler = try Sampler(batchSize: 32, sampleCount: 80, seed: 1)
        #expect(report.indices == sampler.numbers(step: 7, positions: 0..<32))
        #expect(report.draws == Array(224..<256))
        let source = try run.configuration.source.makeSource(seed: 1)
        for pair in report.worst {
            let index = sampler.numbers(step: 7, positions: pair.position..<pair.position + 1)[0]
            #expect(try pair.index == index && pair.label == source.labels(.training, [index])?.first)
            // Every other pair of its label has the same second encoding.
            #expect(try pair.row.ties == source.labels(.training, report.indices!)!.count { $0 == pair.label } - 1)
        }
        #expect(report.first.layers.map(\.kind) == ["PooledConvolution", "PooledConvolution", "Linear", "Linear"])
        #expect(
            report.first.parameters.map(\.path) == [
                "0/weight", "0/bias", "1/weight", "1/bias", "2/weight", "2/bias", "3/weight", "3/bias",
            ])
    }

    @Test func aTamperedLogIsNoticedInTheLastBit() throws {
        let run = try ReplayRun(ReplayRun.deep(), threads: 1)
        let text = try run.folder.text(of: "run/metrics.jsonl")
        let loss = try #require(try run.replay(14).check).values[0].logged
        try run.folder.write(
            "run/metrics.jsonl", text.replacing("\"loss\": \(loss),", with: "\"loss\": \(loss.nextUp),"))
        let report = try run.replay(14)
        #expect(report.verdict == .differs && report.check?.worst.name == "loss")
        let error = try #require(throws: RunMismatchError.self) { try report.requireMatch() }
        #expect(
            error.description.contains("step 14: loss was logged as \(loss.nextUp), the replay has \(loss)"), "\(error)"
        )
        #expect(error.description.contains("the same on every CPU"))
        // A replay of a later step notices it too, if it passes the tampered step.
        #expect(try run.replay(16).verdict == .differs)
        #expect(try run.replay(21).verdict == .sameBits)
        // An incomplete line, as a kill may leave it, does not count as logged.
        try run.folder.write("run/metrics.jsonl", String(text.dropLast(20)))
        #expect(try run.replay(29).checks.map(\.step) == [21, 28])
    }

    @Test func anotherSeedIsAnotherRun() throws {
        let run = try ReplayRun(ReplayRun.deep(), threads: 1)
        let text = try run.folder.text(of: "run/config.yaml")
        try run.folder.write("run/config.yaml", text.replacing("seed: 1", with: "seed: 2"))
        let error = try #require(throws: RunMismatchError.self) { try run.replay(14) }
        #expect(error.description.contains("seed: 1 in the run, 2 now"), "\(error)")
    }

    @Test func damagedCheckpointsAreSkippedAndStayWhereTheyAre() throws {
        let run = try ReplayRun(ReplayRun.deep(), threads: 1)
        let damaged = run.checkpoints.path(ofStep: 20)
        try run.folder.write("run/checkpoints/step-00000020.h5", "no checkpoint")
        let report = try run.replay(25)
        #expect(report.startStep == 10 && report.verdict == .sameBits)
        #expect(report.skippedCheckpoints.count == 1 && report.skippedCheckpoints[0].contains(damaged))
        #expect(report.table.contains("skipped: \(damaged)"))
        #expect(try run.checkpoints.list() == [10, 20, 30])
        #expect(throws: FileError.self) { try run.replay(25, from: .step(20)) }
    }

    @Test func missingStepsAndCheckpointsAreErrors() throws {
        let run = try ReplayRun(ReplayRun.deep(), threads: 1)
        for step in [-1, 0, 31] {
            let error = try #require(throws: FileError.self) { try run.replay(step) }
            #expect(error.description.contains("no step \(step); the run has the steps 1 to 30"), "\(error)")
        }
        for (step, choice) in [(15, 12), (15, 20), (10, 10)] {
            let error = try #require(throws: FileError.self) { try run.replay(step, from: .step(choice)) }
            #expect(error.description.contains("it can begin at: 0" + (step > 10 ? ", 10" : "")), "\(error)")
        }
        #expect(throws: FileError.self) { try StepReplay("\(run.folder.path)/none", step: 1) }
    }

    @Test func aStepWithoutAFiniteLossGivesTheSameDiagnosis() throws {
        let folder = TemporaryFolder()
        var configuration = ReplayRun.deep { $0.train.logEvery = 1 }
        configuration.optimizer = .init(kind: .sgd(), learningRate: 1e15)
        configuration.objective = .init(similarity: .innerProduct)
        let error = try #require(throws: NonFiniteLossError.self) {
            try ReplayRun(configuration, threads: 4, in: folder)
        }
        let step = error.diagnosis.step
        let report = try StepReplay("\(folder.path)/run", step: step).run()
        #expect(report.nonFinite == error.diagnosis)
        #expect(!report.loss.isFinite && report.verdict == (report.check == nil ? .unchecked : .sameBits))
        #expect(report.table.contains(error.diagnosis.description))
        // The run ended there, so a later step cannot be replayed.
        #expect(throws: RunMismatchError.self) { try StepReplay("\(folder.path)/run", step: step + 1).run() }
    }
}
