import CoupletLosses

extension Configuration {
    /// The block `objective`: what is minimised (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
    public struct Objective: Equatable, Sendable {
        /// Of `lpSimCLR`, which has a distance of its own, `quadratic`: what an evaluation ranks by.
        public var similarity: Similarity
        public var loss: Loss
        public var temperature: TemperatureSpecification
        /// Of the sigmoid loss alone.
        public var bias: BiasSpecification
        /// Of the maximum mean discrepancy alone: the kernel on the data of both modalities.
        public var kernel: DataKernel

        public init(
            similarity: Similarity = .innerProduct, loss: Loss = .conditional(first: 0.5, second: 0.5),
            temperature: TemperatureSpecification = TemperatureSpecification(),
            bias: BiasSpecification = BiasSpecification(),
            kernel: DataKernel = .gaussian(bandwidth: 1, features: 256)
        ) {
            self.similarity = similarity
            self.loss = loss
            self.temperature = temperature
            self.bias = bias
            self.kernel = kernel
        }
    }
}
