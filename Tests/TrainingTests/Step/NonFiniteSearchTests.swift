import CoupletCommunication
import CoupletLosses
import CoupletPairs
import CoupletTensors
import CoupletTraining
import Testing

/// Wraps a source, and replaces one element of some samples.
private struct SpoiltSource: PairSource {
    let base: any PairSource
    var count: Int?
    let bad: Set<UInt64>
    let modality: Modality
    let number: Float

    func description(of modality: Modality) -> ModalityDescription { base.description(of: modality) }
    func count(of split: Split) -> Int? { count }

    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(split, numbers, first: first, second: second)
        guard let rows = modality == .first ? first : second else { return }
        for (row, number) in numbers.enumerated() where bad.contains(number) {
            rows[row * rows.columns + 2] = self.number
        }
    }
}

/// Steps with values that are not finite: diagnosis and state are the same for every number of workers.
@Suite struct NonFiniteSearchTests {
    private static let batch = 256

    private func configuration(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        TrainingExample.gaussian {
            $0.batch = .init(size: Self.batch, shards: 8)
            $0.encoders.first = .multilayerPerceptron(widths: [20, 10], activation: .leakyRelu(slope: 0.1), bias: true)
            change(&$0)
        }
    }

    /// Runs steps. The digests are of the state before and after each step; they use step 0, so that equal parameters
    /// and moments have equal digests.
    private func run(
        _ configuration: Configuration, _ source: any PairSource, steps: Int, workers: Int,
        spoil: @Sendable (Model) -> Void = { _ in }
    ) throws -> (diagnoses: [NonFiniteDiagnosis?], digests: [String]) {
        let model = try Model(configuration, source: source)
        spoil(model)
        return try WorkerGroup.launch().run(threads: workers) { communicator in
            let step = try TrainingStep(
                configuration, model: model, source: source, communicator: communicator, tileMemory: 0)
            let state = RunState(configuration: configuration, model: model, step: step, communicator: communicator)
            var diagnoses: [NonFiniteDiagnosis?] = [], digests = [try state.gather(step: 0)?.digest ?? ""]
            for number in 0..<steps {
                diagnoses.append(try step.run(number).nonFinite)
                digests.append(try state.gather(step: 0)?.digest ?? "")
            }
            return (diagnoses, digests)
        }
    }

    private func gaussian() throws -> any PairSource {
        try SourceSpecification.gaussian(dimensions: [8, 6], correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]).makeSource(
            seed: 1)
    }

    @Test(
        "samples that are not finite are named, and their step updates nothing", arguments: Modality.allCases,
        [Float.nan, .infinity])
    func data(_ modality: Modality, _ number: Float) throws {
        // The batch of step 2 has two of them, that of step 4 ten.
        let bad = Set([300, 500] + (0..<10).map { UInt64(3 * Self.batch + 25 * $0 + 3) })
        let source = SpoiltSource(base: try gaussian(), bad: bad, modality: modality, number: number)
        let one = try run(configuration(), source, steps: 5, workers: 1)
        #expect(one.diagnoses.map { $0 != nil } == [false, true, false, true, false])
        let first = try #require(one.diagnoses[1]), second = try #require(one.diagnoses[3])
        #expect(first.origin == .data(modality) && first.step == 2 && first.sampleCount == 2)
        #expect(first.draws == [300, 500] && first.samples == nil)
        #expect(second.sampleCount == 10 && second.draws == Array(bad.sorted()[2..<10]))
        for step in 0..<5 {
            #expect((one.digests[step] == one.digests[step + 1]) == (step == 1 || step == 3), "step \(step)")
        }
        for workers in [2, 4, 8] {
            let many = try run(configuration(), source, steps: 5, workers: workers)
            #expect(many.diagnoses == one.diagnoses && many.digests == one.digests, "\(workers) workers")
        }
    }

    @Test("the diagnosis names the second batch", arguments: [1, 4])
    func secondBatch(workers: Int) throws {
        let source = SpoiltSource(
            base: try gaussian(), bad: [Sampler.secondStreamStart + 300], modality: .second, number: .nan)
        let configuration = configuration {
            $0.objective = .init(
                similarity: .quadratic, loss: .lpSimCLR(distance: LpDistance(), negatives: .sameModality))
        }
        let found = try run(configuration, source, steps: 3, workers: workers).diagnoses
        let diagnosis = try #require(found[1])
        #expect(found[0] == nil && found[2] == nil && diagnosis.origin == .data(.second) && diagnosis.batch == .second)
        #expect(diagnosis.draws == [300] && diagnosis.description.contains("1 of 256 pairs of the second batch"))
    }

    @Test("of a finite source, the diagnosis also has the sample's number in the data")
    func finiteSet() throws {
        let count = 2 * Self.batch + 7
        let source = SpoiltSource(base: try gaussian(), count: count, bad: [41], modality: .second, number: .nan)
        let configuration = configuration()
        let found = try run(configuration, source, steps: 2, workers: 4).diagnoses.compactMap(\.self)
        #expect(found.count <= 1)
        // An epoch may leave the sample out; then a later epoch has it.
        let later = try run(configuration, source, steps: 6, workers: 4).diagnoses.compactMap(\.self)
        let diagnosis = try #require(later.first)
        #expect(diagnosis.samples == [41] && diagnosis.draws.count == 1)
        let sampler = try Sampler(batchSize: Self.batch, sampleCount: count, seed: configuration.seed)
        let position = Int(diagnosis.draws[0]) - (diagnosis.step - 1) * Self.batch
        #expect(sampler.numbers(step: diagnosis.step - 1, positions: position..<position + 1) == [41])
        #expect(
            diagnosis.description.contains("in 1 of 256 pairs")
                && diagnosis.description.contains("in the training data 41"))
    }

    @Test(
        "the first value of the step is named, also with recomputed activations",
        arguments: [Configuration.Batch.Activations.keep, .recompute])
    func origins(_ activations: Configuration.Batch.Activations) throws {
        let source = try gaussian()
        func origin(_ change: (inout Configuration) -> Void = { _ in }, _ spoil: @Sendable (Model) -> Void) throws
            -> NonFiniteDiagnosis?
        {
            let configuration = configuration {
                $0.batch.activations = activations
                change(&$0)
            }
            let one = try run(configuration, source, steps: 1, workers: 1, spoil: spoil)
            #expect(try run(configuration, source, steps: 1, workers: 4, spoil: spoil).diagnoses == one.diagnoses)
            return one.diagnoses[0]
        }
        @Sendable func fill(_ model: Model, _ modality: Modality, _ path: String, _ number: Float) {
            guard let entry = model.encoders[modality].layout.entries.first(where: { $0.path == path }) else { return }
            model.parameters[modality].flat(entry.range).fill(number)
        }
        #expect(try origin { _ in } == nil)
        #expect(try origin { fill($0, .second, "0/bias", .nan) }?.origin == .parameter(path: "second/0/bias"))
        // A sum over 20 numbers of the second layer overflows.
        let overflow = try origin { fill($0, .first, "1/weight", 3e38) }
        #expect(overflow?.origin == .activations(.first, layer: 1, of: 3))
        #expect((overflow?.sampleCount ?? 0) > 0)
        // Encodings of 10²⁰ and more are finite, their products are not.
        let products = try origin {
            fill($0, .first, "2/bias", 1e25)
            fill($0, .second, "0/bias", 1e25)
        }
        #expect(products?.origin == .loss)
        // The gradient of the first weights is a small output's gradient times huge weights.
        let back = try origin({ $0.objective.similarity = .cosine }) {
            fill($0, .first, "2/weight", 3e38)
            fill($0, .first, "1/weight", 0)
            fill($0, .first, "1/bias", 0)
            fill($0, .first, "2/bias", 1e-9)
        }
        if case .parameterGradient(.first, let layer, of: 3) = back?.origin {
            #expect(layer == 1)
        } else {
            Issue.record("\(String(describing: back))")
        }
    }

    @Test("a huge learning rate gives a diagnosis, not parameters that are not finite")
    func explodingRate() throws {
        let source = try gaussian()
        let configuration = configuration { $0.optimizer = .init(kind: .sgd(), learningRate: 1e30) }
        let run = try run(configuration, source, steps: 3, workers: 2)
        #expect(run.diagnoses[0] == nil && run.diagnoses[1] != nil)
        #expect(run.digests[1] == run.digests[2] && run.digests[2] == run.digests[3])
    }
}
