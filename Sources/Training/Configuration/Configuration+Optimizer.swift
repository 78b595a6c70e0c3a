import CoupletOptimizers

extension Configuration {
    public typealias Optimizer = OptimizerSpecification
}
