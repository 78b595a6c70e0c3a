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
        /// What the loss does with pairs of one group. Groups are those of the source, or its labels if it has no
        /// groups.
        public var groups: GroupTreatment
        /// What the loss does with pairs of other groups that have an equal first or second sample.
        public var equalSamples: EqualSampleTreatment

        /// - Parameter temperature: nil for the default, `usualTemperature(with:)`.
        public init(
            similarity: Similarity = .innerProduct, loss: any Loss = .conditional(first: 0.5, second: 0.5),
            temperature: TemperatureSpecification? = nil, groups: GroupTreatment = .ignore,
            equalSamples: EqualSampleTreatment = .ignore
        ) {
            self.similarity = similarity
            self.loss = loss
            self.temperature = temperature ?? Objective.usualTemperature(with: similarity)
            self.groups = groups
            self.equalSamples = equalSamples
        }

        /// Cosines lie between -1 and 1. At a temperature of 1 a softmax over thousands of them stays nearly flat, so
        /// the temperature is learned from 0.07 on, as in CLIP (Radford et al., ICML 2021, section 2.4). Other
        /// similarities have a scale of their own, which the encoders learn.
        static func usualTemperature(with similarity: Similarity) -> TemperatureSpecification {
            similarity == .cosine ? TemperatureSpecification(initial: 0.07, learned: true) : TemperatureSpecification()
        }

        public static func == (a: Objective, b: Objective) -> Bool {
            a.loss.isEqual(to: b.loss) && a.similarity == b.similarity && a.temperature == b.temperature
                && a.groups == b.groups && a.equalSamples == b.equalSamples
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
                    "A number, which is fixed, or a block with the start of a learned temperature.",
                    defaultText: "1, but {initial: 0.07, learned: true} with cosine"),
                .key(
                    "groups", \.groups, .choice("treatment of groups"),
                    "Whether pairs of a group (of /groups, or else of a label) are negatives, positives or neither."),
                .key(
                    "equal_samples", \.equalSamples, .choice("treatment of equal samples"),
                    "Whether pairs of other groups with an equal first or second sample are negatives."),
            ],
            complete: { objective, block in
                if let problem = objective.loss.problem { block.note("loss", "\(problem); correct it in the program") }
                if let problem = objective.loss.problem(of: objective.groups) { block.note("groups", problem) }
                if let problem = objective.loss.problem(ofEqualSamples: objective.equalSamples) {
                    block.note("equal_samples", problem)
                }
                if !block.has("similarity") { objective.similarity = objective.loss.defaultSimilarity }
                if !block.has("temperature") {
                    objective.temperature = Objective.usualTemperature(with: objective.similarity)
                }
            })
    }
}
