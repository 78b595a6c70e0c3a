import CoupletLosses
import CoupletOptimizers
import Foundation

/// The temperature as training sees it: a parameter log(1/τ), a gradient, and a floor for τ.
package struct LearnedTemperature {
    let specification: TemperatureSpecification
    /// log(1/τ).
    var logInverse: LearnedScalar

    init(_ specification: TemperatureSpecification, momentCount: Int) {
        self.specification = specification
        logInverse = LearnedScalar(
            path: RunState.temperaturePath, initial: -log(specification.initial), isLearned: specification.learned,
            momentCount: momentCount)
    }

    /// τ. While nothing has been learned it is the very number of the config.
    var value: Double {
        logInverse.value == -log(specification.initial) ? specification.initial : exp(-logInverse.value)
    }

    /// Updates log(1/τ) from the gradient of the loss with respect to it, and keeps τ at or above its floor.
    mutating func update(gradient: Double, rule: Optimizer, rate: Double, t: Int, scale: Double) {
        guard specification.learned else { return }
        logInverse.update(gradient: gradient, rule: rule, rate: rate, t: t, scale: scale)
        logInverse.value = min(logInverse.value, -log(specification.minimum))
    }
}
