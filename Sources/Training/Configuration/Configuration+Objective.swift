import Objectives

extension Configuration {
    /// The block `objective`: what is minimised (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
    public struct Objective: Equatable, Sendable {
        public var similarity: Similarity
        public var loss: Loss
        public var temperature: TemperatureSpecification

        public init(
            similarity: Similarity = .innerProduct, loss: Loss = .conditional(first: 0.5, second: 0.5),
            temperature: TemperatureSpecification = TemperatureSpecification()
        ) {
            self.similarity = similarity
            self.loss = loss
            self.temperature = temperature
        }
    }
}
