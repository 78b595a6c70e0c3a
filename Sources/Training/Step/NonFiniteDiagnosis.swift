import CoupletPairs

/// Where the first value of a step that is not finite appeared. It is the same on every worker and for every number of
/// workers.
public struct NonFiniteDiagnosis: Equatable, Sendable {
    /// The first value that is not finite, in the order in which the step computes its values.
    public enum Origin: Equatable, Sendable {
        /// A parameter before the step, by its path in a checkpoint: "first/0/weight".
        case parameter(path: String)
        case data(Modality)
        /// The output of a layer, counted from 0.
        case activations(Modality, layer: Int, of: Int)
        /// The loss; the encodings are finite.
        case loss
        /// The gradient of the loss with respect to the encodings; the loss is finite.
        case encodingGradient(Modality)
        /// The gradient of the parameters of a layer; the gradient of the encodings is finite.
        case parameterGradient(Modality, layer: Int, of: Int)
        /// The sum of finite gradients over shards, or the gradient of the temperature or of the bias.
        case sum
    }

    /// Number of finished steps, this one included.
    public let step: Int
    public let loss: Double
    public let gradientNorm: Double
    public let origin: Origin
    /// The batch of the step that contains the samples.
    public let batch: Sampler.Batch
    /// Number of pairs in a batch.
    public let batchSize: Int
    /// Number of pairs of the batch with values that are not finite; 0 if the values do not belong to single pairs.
    public let sampleCount: Int
    /// Draws n = step · B + position of the first of these pairs, at most `maximumSampleCount`.
    public let draws: [UInt64]
    /// Numbers of these pairs in the training data; nil if the source is endless, where they equal the draws.
    public let samples: [UInt64]?

    static let maximumSampleCount = 8

    /// Compares all properties. NaN equals NaN.
    public static func == (a: NonFiniteDiagnosis, b: NonFiniteDiagnosis) -> Bool {
        func isSame(_ x: Double, _ y: Double) -> Bool { x == y || x.isNaN && y.isNaN }
        return a.step == b.step && isSame(a.loss, b.loss) && isSame(a.gradientNorm, b.gradientNorm)
            && a.origin == b.origin && a.batch == b.batch && a.batchSize == b.batchSize
            && a.sampleCount == b.sampleCount && a.draws == b.draws && a.samples == b.samples
    }

    /// "step 12: the loss is nan and the gradient norm is nan; the first value that is not finite is …"
    public var description: String {
        // The sign of a NaN has no meaning.
        func text(_ number: Double) -> String { number.isNaN ? "nan" : "\(number)" }
        return """
            step \(step): the loss is \(text(loss)) and the gradient norm is \(text(gradientNorm)); \
            the first value that is not finite is \(originText)\(pairsText)
            """
    }

    private var originText: String {
        switch origin {
        case .parameter(let path): "in the parameter \(path), as the previous update left it"
        case .data(let modality): "in the data of the \(modality) modality"
        case .activations(let modality, let layer, let count):
            "an activation of the \(modality) encoder's layer \(layer + 1) of \(count)"
        case .loss: "the loss, from finite encodings"
        case .encodingGradient(let modality): "in the gradient of the loss with respect to the \(modality) encodings"
        case .parameterGradient(let modality, let layer, let count):
            "in the parameter gradient of the \(modality) encoder's layer \(layer + 1) of \(count)"
        case .sum: "in a sum of finite gradients over shards, or in the gradient of the temperature or bias"
        }
    }

    private var pairsText: String {
        if sampleCount == 0 { return "" }
        let name = batch == .pairs ? "batch" : "second batch"
        if sampleCount == batchSize { return ", in all \(batchSize) pairs of the \(name)" }
        let more = sampleCount > draws.count ? ", …" : ""
        func list(_ numbers: [UInt64]) -> String { numbers.map(String.init).joined(separator: ", ") + more }
        let suffix = batch == .pairs ? "" : " of the \(name)"
        let label = draws.count > 1 ? "draws" : "draw"
        let samplesText = samples.map { " (in the training data \(list($0)))" } ?? ""
        return ", in \(sampleCount) of \(batchSize) pairs\(suffix): \(label) \(list(draws))\(samplesText)"
    }
}

/// Thrown if a step updates nothing because its loss or gradient is not finite.
public struct NonFiniteLossError: Error, CustomStringConvertible, Sendable {
    public let diagnosis: NonFiniteDiagnosis
    /// Path of the newest checkpoint; nil if there is none.
    public let checkpoint: String?
    /// Number of such steps in a row, this one included.
    public let stepsInARow: Int

    package init(_ diagnosis: NonFiniteDiagnosis, checkpoint: String? = nil, stepsInARow: Int = 1) {
        self.diagnosis = diagnosis
        self.checkpoint = checkpoint
        self.stepsInARow = stepsInARow
    }

    public var description: String {
        let row =
            stepsInARow > 1
            ? " It is the last of \(stepsInARow) such steps in a row; train.on_nonfinite: skip allows no more." : ""
        let saved = checkpoint.map { "the newest checkpoint is \($0)" } ?? "there is no checkpoint yet"
        return "\(diagnosis.description).\(row) The step's update was not made; \(saved). \(remedy)"
    }

    private var remedy: String {
        let skip = stepsInARow > 1 ? "" : ", or set train.on_nonfinite to skip"
        return switch diagnosis.origin {
        case .data: "Correct these pairs or leave them out\(skip)"
        case .parameter:
            "Go back to an earlier checkpoint, and lower optimizer.learning_rate or set optimizer.clip_norm"
        default: "Lower optimizer.learning_rate, set optimizer.clip_norm, raise the temperature's minimum\(skip)"
        }
    }
}
