/// Trials that do badly early get no more steps: all are trained to `firstSteps`, then the best `1 / factor` of them to `factor` times as many,
/// and so on up to the steps of the config (Jamieson & Talwalkar 2016, *Non-stochastic Best Arm Identification and Hyperparameter
/// Optimization*). Each goes on from its own checkpoint, under the learning-rate schedule of all steps: a trial that reaches the end is the same
/// as one that was never halved.
public struct SuccessiveHalving: Equatable, Sendable {
    public let firstSteps: Int
    /// At least 2.
    public let factor: Int

    public init(firstSteps: Int, factor: Int) {
        precondition(firstSteps > 0 && factor > 1, "first steps \(firstSteps), factor \(factor)")
        self.firstSteps = firstSteps
        self.factor = factor
    }

    /// After which steps trials are compared, ascending; the last is `steps`.
    public func rungs(steps: Int) -> [Int] {
        var rungs: [Int] = [], next = firstSteps
        while next < steps {
            rungs.append(next)
            let (product, isTooLarge) = next.multipliedReportingOverflow(by: factor)
            if isTooLarge { break }
            next = product
        }
        return rungs + [steps]
    }

    /// How many of `count` trials go on: the whole part of `count / factor`, at least one.
    public func survivors(of count: Int) -> Int { max(1, count / factor) }
}
