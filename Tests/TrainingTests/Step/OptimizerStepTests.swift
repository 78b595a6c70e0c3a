import CoupletNetworks
import CoupletOptimizers
import CoupletPairs
import CoupletTraining
import Testing

/// Groups of parameters and rates of the optimizer, in a whole training step.
@Suite struct OptimizerStepTests {
    private static func configuration(_ optimizer: OptimizerSpecification) -> Configuration {
        TrainingExample.gaussian {
            $0.encoders.first = .multilayerPerceptron(widths: [12], activation: .tanh, bias: true)
            $0.objective = .init(similarity: .cosine, temperature: .init(initial: 0.2, learned: true))
            $0.batch = .init(size: 64, shards: 8)
            $0.optimizer = optimizer
        }
    }

    /// Steps from parameters that are all far from 0, so that weight decay reaches the biases as well.
    private func parameters(_ optimizer: OptimizerSpecification, steps: Int = 1) throws -> [PerModality<[Float]>] {
        try ShortTraining(configuration: Self.configuration(optimizer)).train(
            steps: steps, workers: 2,
            prepare: { model in
                for modality in Modality.allCases {
                    for entry in model.encoders[modality].layout.entries {
                        for i in entry.range { model.parameters[modality][i] += 0.25 }
                    }
                }
            }, observe: { $0.parameters.map(\.values) }
        ).observations
    }

    private func changes(_ optimizer: OptimizerSpecification) throws -> PerModality<[Float]> {
        let found = try parameters(optimizer)
        return PerModality { modality in zip(found[1][modality], found[0][modality]).map { $0 - $1 } }
    }

    @Test func aFactorScalesTheStepOfItsEncoder() throws {
        let plain = try changes(.init(kind: .sgd(), learningRate: 0.5))
        let halved = try changes(
            .init(kind: .sgd(), learningRate: 0.5, learningRateFactors: .init(first: 1, second: 0.5)))
        #expect(halved.first == plain.first)
        #expect(plain.second.contains { abs($0) > 1e-3 })
        // Both differences round to a multiple of the parameters' last place.
        for (half, whole) in zip(halved.second, plain.second) { #expect(abs(half - 0.5 * whole) <= 1.2e-7) }
    }

    /// A factor is not a factor of the temperature.
    @Test func theTemperatureHasTheFactorOne() throws {
        func temperature(_ factors: OptimizerSpecification.LearningRateFactors) throws -> Double {
            let optimizer = OptimizerSpecification(kind: .sgd(), learningRate: 0.5, learningRateFactors: factors)
            let trained = try ShortTraining(configuration: Self.configuration(optimizer)).train(
                steps: 1, workers: 1
            ) { _ in 0 }
            return try #require(
                trained.checkpoint.parameter("objective/log_inverse_temperature")?.doubles?.first)
        }
        #expect(try temperature(.init(first: 0.1, second: 0.2)) == temperature(.init()))
    }

    /// With a small ε the first step of Adam is the sign of the gradient, which weight decay would not change.
    @Test(arguments: ["sgd", "adam", "adamw", "lars", "lamb"])
    func weightDecayOnWeightsLeavesBiasesAlone(_ name: String) throws {
        let kinds: [String: any Optimizer] = [
            "sgd": .sgd(momentum: 0.9), "adam": .adam(epsilon: 0.1), "adamw": .adamw(),
            "lars": .lars(trustCoefficient: 0.02),
            "lamb": .lamb(),
        ]
        func changes(_ weightDecay: Double, _ decayed: OptimizerSpecification.DecayedParameters) throws
            -> PerModality<[Float]>
        {
            try self.changes(
                .init(
                    kind: kinds[name]!, learningRate: 0.1, weightDecay: weightDecay, decayedParameters: decayed))
        }
        let none = try changes(0, .all), all = try changes(0.5, .all), weights = try changes(0.5, .weights)
        let configuration = Self.configuration(.init())
        let model = try Model(configuration, source: configuration.source.makeSource(seed: 1))
        for modality in Modality.allCases {
            for entry in model.encoders[modality].layout.entries {
                let (none, all, weights) = (
                    none[modality][entry.range], all[modality][entry.range], weights[modality][entry.range]
                )
                let path = "\(modality)/\(entry.path)"
                #expect(all != none, "\(path)")
                if entry.path.hasSuffix("bias") {
                    #expect(weights == none, "\(path)")
                } else {
                    #expect(weights == all, "\(path)")
                }
            }
        }
    }
}
