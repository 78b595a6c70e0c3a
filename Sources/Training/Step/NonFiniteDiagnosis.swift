import CoupletPairs

/// Where the numbers of a step first stopped being finite, the same on every worker and on any number of them.
public struct NonFiniteDiagnosis: Equatable, Sendable {
    /// The first place, in the order of the step, with a number that is not finite.
    public enum Origin: Equatable, Sendable {
        /// A parameter that the step began with, named as in a checkpoint: "first/0/weight".
        case parameter(path: String)
        case data(Modality)
        /// What a layer gives. Layers are counted from 0.
        case activations(Modality, layer: Int, of: Int)
        /// The loss, from encodings that are finite.
        case loss
        /// The gradient of the loss with respect to the encodings, where the loss is finite.
        case encodingGradient(Modality)
        /// The gradient of a layer's parameters, from a gradient of the encodings that is finite.
        case parameterGradient(Modality, layer: Int, of: Int)
        /// A sum over shards that are finite each, or the gradient of the temperature.
        case sum
    }

    /// How many steps were made, this one included.
    public let step: Int
    public let loss: Double
    public let gradientNorm: Double
    public let origin: Origin
    /// Which of the step's batches the samples are of.
    public let batch: Sampler.Batch
    /// The pairs of a batch.
    public let batchSize: Int
    /// How many pairs of the batch have such numbers there; 0 where pairs cannot be told apart.
    public let sampleCount: Int
    /// The draws n = step · B + position of the first of them, at most `mostSamples`.
    public let draws: [UInt64]
    /// Their numbers in the training data; nil where the source is endless, for there they are the draws.
    public let samples: [UInt64]?

    static let mostSamples = 8

    /// NaN is the same as NaN here.
    public static func == (a: NonFiniteDiagnosis, b: NonFiniteDiagnosis) -> Bool {
        func isSame(_ x: Double, _ y: Double) -> Bool { x == y || x.isNaN && y.isNaN }
        return a.step == b.step && isSame(a.loss, b.loss) && isSame(a.gradientNorm, b.gradientNorm)
            && a.origin == b.origin && a.batch == b.batch
            && a.batchSize == b.batchSize && a.sampleCount == b.sampleCount && a.draws == b.draws
            && a.samples == b.samples
    }

    /// "step 12: the loss is nan and the gradient's norm nan; …"
    public var description: String {
        // A NaN's sign means nothing.
        func text(_ number: Double) -> String { number.isNaN ? "nan" : "\(number)" }
        return
            "step \(step): the loss is \(text(loss)) and the gradient's norm \(text(gradientNorm)); first not finite \(place)\(pairs)"
    }

    private var place: String {
        switch origin {
        case .parameter(let path): "is the parameter \(path), as an update before left it"
        case .data(let modality): "are the data themselves, of the \(modality) modality"
        case .activations(let modality, let layer, let count):
            "are the activations of the \(modality) encoder's layer \(layer + 1) of \(count)"
        case .loss: "is the loss, of encodings that are finite"
        case .encodingGradient(let modality): "is the loss's gradient with respect to the \(modality) encodings"
        case .parameterGradient(let modality, let layer, let count):
            "is the gradient of the \(modality) encoder's layer \(layer + 1) of \(count)"
        case .sum: "is a sum over the shards, of gradients or for the temperature"
        }
    }

    private var pairs: String {
        if sampleCount == 0 { return "" }
        let name = batch == .pairs ? "batch" : "second batch"
        if sampleCount == batchSize { return ", in all \(batchSize) pairs of the \(name)" }
        let more = sampleCount > draws.count ? ", …" : ""
        func list(_ numbers: [UInt64]) -> String { numbers.map(String.init).joined(separator: ", ") + more }
        let own = samples.map { " (in the training data \(list($0)))" } ?? ""
        return
            ", in \(sampleCount) of \(batchSize) pairs\(batch == .pairs ? "" : " of the \(name)"): \(draws.count > 1 ? "draws" : "draw") \(list(draws))\(own)"
    }
}
