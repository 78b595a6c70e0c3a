import CoupletLosses
import CoupletOptimizers
import CoupletTensors

/// A scalar of the loss that training may learn, with its optimizer moments.
package struct LearnedScalar {
    /// Name of the scalar in a checkpoint.
    package let name: String
    package let isLearned: Bool
    package var value: Double
    package var moments: [Double]

    init(name: String, initial: Double, isLearned: Bool, momentCount: Int) {
        self.name = name
        self.isLearned = isLearned
        value = initial
        moments = [Double](repeating: 0, count: isLearned ? momentCount : 0)
    }
}

/// The scalars of the loss: the temperature τ, which training learns as log(1/τ), and the bias of the sigmoid loss.
package struct LossScalars {
    static let logInverseTemperatureName = "log_inverse_temperature"
    static let biasName = "bias"

    private let specification: TemperatureSpecification
    private var logInverseTemperature: LearnedScalar
    private var biasScalar: LearnedScalar

    init(_ objective: Configuration.Objective, momentCount: Int) {
        specification = objective.temperature
        logInverseTemperature = LearnedScalar(
            name: Self.logInverseTemperatureName, initial: -log(specification.initial),
            isLearned: specification.learned,
            momentCount: momentCount)
        biasScalar = LearnedScalar(
            name: Self.biasName, initial: objective.loss.bias?.initial ?? 0,
            isLearned: objective.loss.bias?.learned ?? false, momentCount: momentCount)
    }

    /// τ = exp(-log(1/τ)). Until the first update it has the bits of the number in the config.
    package var temperature: Double {
        logInverseTemperature.value == -log(specification.initial)
            ? specification.initial : exp(-logInverseTemperature.value)
    }

    /// The bias; 0 if the loss has none.
    package var bias: Double { biasScalar.value }

    /// The scalars that training learns, log(1/τ) before the bias.
    package var learned: [LearnedScalar] {
        get { [logInverseTemperature, biasScalar].filter(\.isLearned) }
        set {
            for scalar in newValue {
                if scalar.name == Self.biasName { biasScalar = scalar } else { logInverseTemperature = scalar }
            }
        }
    }

    /// ∂ loss / ∂ scalar for each element of `learned`.
    package func gradients(of result: PairwiseResult) -> [Double] {
        learned.map { $0.name == Self.biasName ? result.biasGradient : result.inverseTemperatureGradient }
    }

    /// Updates the learned scalars, and keeps τ between its minimum and its maximum.
    /// - Parameters:
    ///   - gradients: one for each element of `learned`.
    ///   - step: the numbers of the update.
    mutating func update(gradients: [Double], _ optimizer: any Optimizer, _ step: OptimizerStep) {
        learned = zip(learned, gradients).map { scalar, gradient in
            var scalar = scalar
            optimizer.updateScalar(&scalar.value, gradient: gradient, moments: &scalar.moments, step)
            return scalar
        }
        if logInverseTemperature.isLearned {
            logInverseTemperature.value = min(logInverseTemperature.value, -log(specification.minimum))
            if let maximum = specification.maximum {
                logInverseTemperature.value = max(logInverseTemperature.value, -log(maximum))
            }
        }
    }
}
