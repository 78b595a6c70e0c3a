import Foundation
import Objectives

/// The temperature as training sees it: a parameter log(1/τ), a gradient, and a floor for τ.
struct LearnedTemperature {
    let specification: TemperatureSpecification
    /// log(1/τ).
    var logInverse: Double
    /// The optimizer's moments of it.
    var moments: [Double]

    init(_ specification: TemperatureSpecification, momentCount: Int) {
        self.specification = specification
        logInverse = -log(specification.initial)
        moments = [Double](repeating: 0, count: specification.learned ? momentCount : 0)
    }

    /// τ. While nothing has been learned it is the very number of the config.
    var value: Double { logInverse == -log(specification.initial) ? specification.initial : exp(-logInverse) }

    /// Updates log(1/τ) from the gradient of the loss with respect to it, and keeps τ at or above its floor.
    mutating func update(gradient: Double, rule: OptimizerRule, rate: Double, t: Int, scale: Double) {
        rule.update(&logInverse, gradient: gradient, moments: &moments, rate: rate, t: t, scale: scale)
        logInverse = min(logInverse, -log(specification.minimum))
    }
}
