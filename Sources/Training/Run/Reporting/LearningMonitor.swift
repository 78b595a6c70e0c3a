import CoupletLosses
import CoupletOptimizers
import CoupletPairs
import CoupletTensors
import CoupletText

/// Detects that a run does not learn, from the reports of its steps: a loss that stays at chance, gradients of exactly
/// zero, a temperature beyond all bounds, a learning rate of zero. Each finding is said once.
struct LearningMonitor {
    /// A loss above this share of the loss of chance counts as chance.
    private static let chanceShare = 0.999
    /// Number of steps with a gradient of exactly zero, one after the other, that are reported at once.
    private static let zeroSteps = 10
    /// A run whose loss falls by less than this share of the loss of chance, from one quarter of its steps to the next,
    /// is on a plateau.
    private static let plateauShare = 0.001

    private let configuration: Configuration
    private let batchSize: Int
    /// The loss if all scores are equal; nil for losses of which it is not known.
    private let chance: Double?
    /// The modalities whose encoders are trained, each encoder once.
    private let trained: [Modality]
    /// Number of steps of this start after which a loss at chance is reported.
    private let patience: Int

    private var steps = 0
    private var losses = LossHistory()
    /// A learned temperature above this is beyond all bounds: all scores are nearly equal.
    private let largestTemperature: Double
    private var zeroInARow: [Modality: Int] = [:]
    private var zeroSteps: [Modality: Int] = [:]
    private var stoppedSteps = 0
    private var said: Set<String> = []
    /// The findings so far, in the order in which they were made.
    private(set) var findings: [String] = []

    /// - Parameter start: number of finished steps.
    init(_ configuration: Configuration, start: Int) {
        self.configuration = configuration
        batchSize = configuration.batch.size
        chance = Self.chanceLoss(configuration.objective.loss, pairs: configuration.batch.size)
        let encoders: [Modality] = configuration.encoders.shared ? [.first] : Modality.allCases
        trained = encoders.filter { !configuration.frozenEncoders.contains($0) }
        patience = min(1_000, max(200, (configuration.train.steps - start) / 2))
        // Cosines differ by at most 2, other similarities may grow with the temperature.
        let factor = configuration.objective.similarity == .cosine ? 10 : 1e4
        largestTemperature = factor * max(1, configuration.objective.temperature.initial)
    }

    /// The loss if the encodings say nothing about the pairs, so that all scores are equal.
    private static func chanceLoss(_ loss: any Loss, pairs: Int) -> Double? {
        let n = Double(pairs)
        switch loss {
        case let loss as ConditionalLoss: return (loss.directions.first + loss.directions.second) * log(n)
        case let loss as DecoupledLoss:
            return pairs > 2 ? (loss.directions.first + loss.directions.second) * log(n - 1) : nil
        case is NTXentLoss: return log(2 * n - 1)
        default: return nil
        }
    }

    // MARK: - Before the first step

    /// Finds what can be known before the first step.
    mutating func begin(heldOut: Int?, start: Int) -> [String] {
        var found: [String] = []
        if heldOut == 0 {
            let kind = configuration.source.kind
            let remedy =
                kind is HDF5Specification
                ? "set data.held_out to a fraction such as 0.1, or write /split into the file"
                : "hold out a part of them"
            found += say("held out", "no pair of the data is held out, so evaluations measure nothing; \(remedy)")
        }
        let last = configuration.train.steps
        if start < last, let first = firstStepAtRateZero(from: start) {
            found += say(
                "rate",
                """
                the learning rate is 0 from step \(first + 1) to step \(last), so these steps change no parameter: the \
                schedule ended at optimizer.schedule_steps: \(configuration.optimizer.scheduleSteps ?? 0); to train \
                further start a new run with initialize.from and a schedule of its own
                """)
        }
        return found
    }

    /// The first step at which the rate is 0 until the end of the run, if there is one; the step after the end of the
    /// schedule always has the rate 0, so it alone is no finding.
    private func firstStepAtRateZero(from start: Int) -> Int? {
        let optimizer = configuration.optimizer, last = configuration.train.steps
        guard optimizer.schedule != .constant, let end = optimizer.scheduleSteps, end < last else { return nil }
        let schedule = LearningRateSchedule(optimizer), first = max(start, end)
        return schedule.rate(atStep: first) == 0 ? first : nil
    }

    // MARK: - Steps

    /// Takes a finished step.
    /// - Returns: what it shows for the first time.
    mutating func step(_ report: StepReport) -> [String] {
        guard report.nonFinite == nil else { return [] }
        steps += 1
        losses.append(report.loss)
        var found = temperature(report)
        for modality in trained {
            let isZero = report.encoderGradientNorms[modality] == 0 && !isSolved(report.loss)
            zeroInARow[modality] = isZero ? (zeroInARow[modality] ?? 0) + 1 : 0
            if isZero { zeroSteps[modality, default: 0] += 1 }
            if zeroInARow[modality] == Self.zeroSteps { found += zeroGradient(modality, step: report.step) }
        }
        if steps == patience { found += lossAtChance(step: report.step) }
        return found
    }

    /// A loss near 0 leaves gradients that a Float32 rounds to 0.
    private func isSolved(_ loss: Double) -> Bool { chance.map { loss < 1e-4 * $0 } ?? false }

    private mutating func temperature(_ report: StepReport) -> [String] {
        let settings = configuration.objective.temperature
        guard settings.learned, !(report.temperature <= largestTemperature) else { return [] }
        let value = report.temperature.isFinite ? NumberText.significant(report.temperature) : "no finite number"
        return say(
            "temperature",
            """
            step \(report.step): the learned temperature is \(value), which makes all scores nearly equal; set \
            objective.temperature.maximum, or lower optimizer.learning_rate
            """)
    }

    private mutating func zeroGradient(_ modality: Modality, step: Int) -> [String] {
        let count = zeroSteps[modality] ?? 0
        let encoder = configuration.encoders.shared ? "shared encoder" : "\(modality) encoder"
        return say(
            "gradient \(modality)",
            """
            step \(step): the gradient of the \(encoder) was exactly zero in \(count) of \(steps) steps, so it does \
            not learn; its units may all be off (a lower optimizer.learning_rate, another activation), or its \
            encodings or its inputs may all be equal
            """)
    }

    private mutating func lossAtChance(step: Int) -> [String] {
        guard let chance, losses.lowest >= Self.chanceShare * chance,
            losses.mean(ofQuarter: 2) - losses.mean(ofQuarter: 3) < Self.plateauShare * chance
        else { return [] }
        return say(
            "chance",
            """
            step \(step): the loss never fell below that of chance, \(NumberText.significant(chance)) for batches of \
            \(batchSize) pairs: nothing was learned; check that rows of the two modalities belong together, the \
            learning rate and the temperature
            """)
    }

    // MARK: - At the end

    /// Finds what only all steps of this start show.
    mutating func end(step: Int) -> [String] {
        guard steps > 0 else { return [] }
        var found: [String] = []
        for modality in trained where zeroSteps[modality] == steps { found += zeroGradient(modality, step: step) }
        if steps >= 10 { found += lossAtChance(step: step) }
        return found
    }

    private mutating func say(_ kind: String, _ text: String) -> [String] {
        guard said.insert(kind).inserted else { return [] }
        findings.append(text)
        return [text]
    }
}

/// The losses of a start, as means of at most 128 equal runs of steps.
private struct LossHistory {
    private static let capacity = 128

    private(set) var lowest = Double.infinity
    private var means: [Double] = []
    /// Number of steps of a mean.
    private var size = 1
    private var sum = 0.0
    private var pending = 0

    mutating func append(_ loss: Double) {
        lowest = min(lowest, loss)
        sum += loss
        pending += 1
        guard pending == size else { return }
        means.append(sum / Double(size))
        (sum, pending) = (0, 0)
        guard means.count == Self.capacity else { return }
        means = stride(from: 0, to: means.count, by: 2).map { (means[$0] + means[$0 + 1]) / 2 }
        size *= 2
    }

    /// The mean loss of a quarter of the steps, 0 to 3.
    func mean(ofQuarter quarter: Int) -> Double {
        let part = means[(quarter * means.count / 4)..<((quarter + 1) * means.count / 4)]
        return part.isEmpty ? .infinity : part.reduce(0, +) / Double(part.count)
    }
}
