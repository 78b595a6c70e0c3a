import CoupletOptimizers

/// A number of the objective that training may learn, with the optimizer's moments of it.
package struct LearnedScalar {
    /// In a checkpoint: "objective/bias".
    package let path: String
    let isLearned: Bool
    var value: Double
    var moments: [Double]

    init(path: String, initial: Double, isLearned: Bool, momentCount: Int) {
        self.path = path
        self.isLearned = isLearned
        value = initial
        moments = [Double](repeating: 0, count: isLearned ? momentCount : 0)
    }

    /// Updates it where it is learned.
    mutating func update(gradient: Double, rule: Optimizer, rate: Double, t: Int, scale: Double) {
        if isLearned { rule.update(&value, gradient: gradient, moments: &moments, rate: rate, t: t, scale: scale) }
    }
}
