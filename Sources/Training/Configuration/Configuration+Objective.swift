import CoupletLosses
import CoupletSchema

extension Configuration {
    /// The block `objective`: the loss that training minimises (Baptista, Stuart, Tran 2025, arXiv 2505.24134).
    public struct Objective: Equatable, Sendable {
        public var loss: any Loss
        /// The similarity of the scores. With a loss that has a distance of its own, as `lp_simclr` has, retrieval
        /// ranks by it.
        public var similarity: Similarity
        public var temperature: TemperatureSpecification

        public init(
            similarity: Similarity = .innerProduct, loss: any Loss = .conditional(first: 0.5, second: 0.5),
            temperature: TemperatureSpecification = TemperatureSpecification()
        ) {
            self.similarity = similarity
            self.loss = loss
            self.temperature = temperature
        }

        public static func == (a: Objective, b: Objective) -> Bool {
            a.loss.isEqual(to: b.loss) && a.similarity == b.similarity && a.temperature == b.temperature
        }

        static let table = ConfigurationTable(
            Objective(),
            [
                .kind("loss", \.loss, of: .loss, "Loss that training minimises.") { $0 },
                .key(
                    "similarity", \.similarity, .choice("similarity"),
                    "Similarity of two encodings, which the temperature divides.",
                    .when("loss", { $0.loss.usesSimilarity }) {
                        "the loss \($0.loss.kindName) has a distance of its own"
                    },
                    defaultText: "inner_product, but cosine for nt_xent"),
                .key(
                    "temperature", \.temperature, .temperature,
                    "A number, which is fixed, or a block with the start of a learned temperature."),
            ],
            complete: { objective, block in
                if let problem = objective.loss.problem { block.note("loss", "\(problem); correct it in the program") }
                if !block.has("similarity") { objective.similarity = objective.loss.defaultSimilarity }
            })
    }
}
