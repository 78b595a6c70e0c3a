import CoupletPairs
import CoupletSchema
import CoupletTraining
import Testing

/// `train.epochs` in place of `train.steps`.
@Suite struct ConfigurationEpochsTests {
    private static func configuration(_ train: String, batch: Int = 64, schedule: String = "cosine") throws
        -> Configuration
    {
        try Configuration.parse(
            text: """
                data: {source: hdf5, path: pairs.h5}
                encoders: {embedding: 2, first: {kind: linear}, second: {kind: linear}}
                batch: {size: \(batch)}
                optimizer: {schedule: \(schedule)}
                train: \(train)

                """, name: "c.yaml")
    }

    private static func resolved(_ epochs: String, samples: Int, batch: Int = 64) throws -> Configuration {
        let configuration = try configuration("{epochs: \(epochs)}", batch: batch)
        return try configuration.resolvingEpochs(Sampler(batchSize: batch, sampleCount: samples, seed: 1))
    }

    /// ⌊N / B⌋ steps an epoch: what is left over is left out of it.
    @Test(arguments: [
        ("3", 640, 64, 30), ("3", 703, 64, 30), ("3", 704, 64, 33), ("0.5", 640, 64, 5), ("0.25", 640, 64, 3),
        ("0.001", 640, 64, 1), ("2", 64, 64, 2), ("1.0e+2", 1_000, 10, 10_000),
    ])
    func stepsAreEpochsTimesStepsOfAnEpoch(_ epochs: String, samples: Int, batch: Int, steps: Int) throws {
        let resolved = try Self.resolved(epochs, samples: samples, batch: batch)
        #expect(resolved.train.steps == steps && resolved.train.epochs == nil)
        // The schedule ends with the run.
        #expect(resolved.optimizer.scheduleSteps == steps)
        #expect(
            try resolved.differences(
                from: Self.configuration("{steps: \(steps)}", batch: batch).resolvingScheduleSteps()
            ).isEmpty)
        #expect(resolved.resolvedYAML.contains("\n  steps: \(steps)\n") && !resolved.resolvedYAML.contains("epochs"))
    }

    @Test func severalSecondSamplesMakeAnEpochLonger() throws {
        let sampler = try Sampler(batchSize: 64, sampleCount: 160, seed: 1, secondPerFirst: 4)
        #expect(try Self.configuration("{epochs: 2}").resolvingEpochs(sampler).train.steps == 2 * 160 / 16)
    }

    @Test func anUnresolvedConfigIsWrittenWithEpochs() throws {
        let configuration = try Self.configuration("{epochs: 2.5}")
        #expect(configuration.resolvedYAML.contains("\n  epochs: 2.5\n"))
        #expect(!configuration.resolvedYAML.contains("\n  steps: "))
        #expect(try Configuration.parse(text: configuration.resolvedYAML, name: "c") == configuration)
        // Steps are as they were.
        let steps = try Self.configuration("{steps: 12}")
        #expect(try steps.resolvingEpochs(Sampler(batchSize: 64, sampleCount: 640, seed: 1)) == steps)
    }

    @Test(arguments: [
        ("{steps: 3, epochs: 2}", "c.yaml:5:19: train.epochs: steps is given as well; give one of the two"),
        ("{log_every: 3}", "c.yaml:5:1: train.steps: is missing; for example steps: 1500, or epochs: 10"),
        ("{epochs: 0}", "c.yaml:5:17: train.epochs: wanted a number above 0, such as 10; found 0"),
        ("{epochs: null}", "c.yaml:5:17: train.epochs: wanted a number above 0, such as 10; found nothing"),
        ("{steps: null}", "c.yaml:5:16: train.steps: wanted a whole number from 0"),
    ])
    func oneOfTheTwo(_ train: String, message: String) throws {
        let error = try #require(throws: ConfigurationError.self) { _ = try Self.configuration(train) }
        #expect(error.problems.count == 1 && error.description.hasPrefix(message), "\(error)")
    }

    @Test func anEndlessSourceHasNoEpochs() throws {
        let configuration = try ConfigurationExampleWithEpochs.configuration
        let error = try #require(throws: ConfigurationError.self) {
            try configuration.locatingErrors {
                _ = try configuration.resolvingEpochs(Sampler(batchSize: 2_048, sampleCount: nil, seed: 1))
            }
        }
        #expect(
            error.description
                == "c.yaml:20:11: train.epochs: the source gaussian makes pairs without end, so it has no epochs; give "
                + "the length as train.steps")
        #expect(throws: DataError.self) { _ = try Self.resolved("1.0e+12", samples: 640_000) }
    }

    private enum ConfigurationExampleWithEpochs {
        static var configuration: Configuration {
            get throws {
                try Configuration.parse(
                    text: ConfigurationExample.replacing("steps: 1500", by: "epochs: 3"), name: "c.yaml")
            }
        }
    }
}
