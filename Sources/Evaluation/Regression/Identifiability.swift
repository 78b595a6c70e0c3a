import CoupletCommunication
import CoupletPairs
import CoupletTensors
import CoupletText

/// Measures whether encodings contain the latent content of pairs of views and nothing else (Daunhawer, Bizeul,
/// Palumbo, Marx, Vogt, *Identifiability Results for Multimodal Contrastive Learning*, ICLR 2023, section 5.1).
///
/// Regressors predict each continuous factor from each encoder's encodings, and the encodings from the content;
/// classifiers predict each discrete factor (`FactorClassification`). Inputs are standardised by the fitting samples;
/// R² and accuracy are measured on other samples. Encodings that block-identify the content predict it fully, can be
/// predicted fully from it, and predict nothing that is independent of it. If the views contain the content of other
/// samples, the encodings must follow that content.
public struct Identifiability: Sendable {
    /// The regressors to fit.
    public let regressors: [Regressor]
    /// Determines the initial weights of the networks.
    public let seed: UInt64

    public init(regressors: [Regressor], seed: UInt64) {
        self.regressors = regressors
        self.seed = seed
    }

    /// Name of the swapped content in the result.
    private static let swappedName = LatentSamples.contentName + "_permuted"

    /// Measures identifiability. Every worker calls it with the same samples and gets the same bits, for every number
    /// of workers.
    /// - Throws: `IdentifiabilityError` if there are too few samples or too little memory, or if encodings are not
    ///   finite; `CollectiveError` if a worker has failed.
    public func evaluate(
        fitting: LatentSamples, scoring: LatentSamples, communicator: any Communicator
    ) throws -> IdentifiabilityResult {
        try check(fitting, scoring)
        var plan = Plan()
        for modality in Modality.allCases { plan.addFactors(modality, fitting, scoring) }
        plan.addEncodingsFromContent(fitting, scoring)

        var scores = plan.tasks.map { $0.targets.map { _ in [Regressor: Double]() } }
        let orderedRegressors = Regressor.allCases.filter(regressors.contains)
        for regressor in orderedRegressors {
            for (task, found) in try self.scores(regressor, plan.tasks, communicator).enumerated() {
                for (target, score) in found.enumerated() { scores[task][target][regressor] = score }
            }
        }
        let factors = plan.factors.map { factors in
            factors.map { IdentifiabilityResult.Factor(name: $0.name, scores: scores[$0.task][$0.target]) }
        }
        let classifications = try FactorClassification(regressors: orderedRegressors, seed: seed).evaluate(
            fitting: fitting, scoring: scoring, communicator: communicator)
        return IdentifiabilityResult(
            samples: fitting.count, regressors: orderedRegressors, first: factors.first, second: factors.second,
            classifications: classifications,
            fromContent: plan.contentTask.map { PerModality(first: scores[$0][0], second: scores[$0][1]) },
            meanCorrelation: scoring.content.map { content in
                PerModality { MeanCorrelation.coefficient(scoring.encodings[$0], content) }
            })
    }

    /// The regressions to compute, and the factor of each target.
    private struct Plan {
        var tasks: [RegressionTask] = []
        var factors = PerModality<[(name: String, task: Int, target: Int)]>(first: [], second: [])
        /// Index of the task that predicts both encodings from the content.
        var contentTask: Int?

        /// Adds the prediction of each factor, and of the swapped content, from the encodings of a modality.
        mutating func addFactors(_ modality: Modality, _ fitting: LatentSamples, _ scoring: LatentSamples) {
            let factors = zip(fitting.factors, scoring.factors).filter {
                $0.0.values.columns > 0 && $0.0.classes == nil
            }
            for (target, factor) in factors.enumerated() {
                self.factors[modality].append((factor.0.name, tasks.count, target))
            }
            if !factors.isEmpty {
                tasks.append(
                    RegressionTask(
                        fitting: fitting.encodings[modality], scoring: scoring.encodings[modality],
                        targets: factors.map { .init(fitting: $0.0.values, scoring: $0.1.values) }))
            }
            guard let fittingSwapped = fitting.swapped, let scoringSwapped = scoring.swapped else { return }
            self.factors[modality].append((swappedName, tasks.count, 0))
            tasks.append(
                RegressionTask(
                    fitting: fittingSwapped.encodings[modality], scoring: scoringSwapped.encodings[modality],
                    targets: [.init(fitting: fittingSwapped.content, scoring: scoringSwapped.content)]))
        }

        /// Adds the prediction of both encodings from the content.
        mutating func addEncodingsFromContent(_ fitting: LatentSamples, _ scoring: LatentSamples) {
            guard let fittingContent = fitting.content, let scoringContent = scoring.content,
                fittingContent.columns > 0
            else { return }
            contentTask = tasks.count
            let targets = Modality.allCases.map { modality -> RegressionTask.Target in
                let scaler = StandardScaler(fitting.encodings[modality])
                return .init(
                    fitting: scaler.scaled(fitting.encodings[modality]),
                    scoring: scaler.scaled(scoring.encodings[modality]))
            }
            tasks.append(RegressionTask(fitting: fittingContent, scoring: scoringContent, targets: targets))
        }
    }

    /// Returns the R² of each target of each task.
    private func scores(
        _ regressor: Regressor, _ tasks: [RegressionTask], _ communicator: any Communicator
    ) throws -> [[Double]] {
        switch regressor {
        case .linear:
            return try DistributedMap(communicator).run(tasks.count) { index in
                let task = tasks[index]
                return try task.targets.map { target in
                    let predicted = try LinearRegressor(task.fitting, target.fitting).predict(task.scoring)
                    return CoefficientOfDetermination.mean(target.scoring, predicted)
                }
            }
        case .kernelRidge:
            let largest = tasks.map(\.fitting.rows).max() ?? 0
            let ranks = try DistributedMap.ranks(
                withMemoryFor: PositiveDefiniteSystem.bytes(order: largest), communicator
            ) { needed, available in
                IdentifiabilityError.tooLittleMemory(samples: largest, needed: needed, available: available)
            }
            return try KernelRidgeSearch(tasks: tasks).run(DistributedMap(communicator, participants: ranks))
                .map { $0.map(\.score) }
        case .multilayerPerceptron:
            let fits = tasks.indices.flatMap { task in tasks[task].targets.indices.map { (task: task, target: $0) } }
            let found = try DistributedMap(communicator).run(fits.count) { index in
                let task = tasks[fits[index].task], target = task.targets[fits[index].target]
                let network = MultilayerPerceptronRegressor(
                    task.fitting, target.fitting, seed: seed, number: UInt64(index))
                return [CoefficientOfDetermination.mean(target.scoring, network.predict(task.scoring))]
            }
            var scores = tasks.map { $0.targets.map { _ in Double.nan } }
            for (fit, score) in zip(fits, found) { scores[fit.task][fit.target] = score[0] }
            return scores
        }
    }

    /// The fewest samples for which three folds are meaningful.
    private static let fewestSamples = 6

    private func check(_ fitting: LatentSamples, _ scoring: LatentSamples) throws {
        let count = min(fitting.count, scoring.count)
        if count < Self.fewestSamples {
            throw IdentifiabilityError.tooFewSamples(count, fewest: Self.fewestSamples)
        }
        for samples in [fitting, scoring] {
            for modality in Modality.allCases {
                let encodings = samples.encodings[modality]
                if let index = encodings.elements.firstIndex(where: { !$0.isFinite }) {
                    throw IdentifiabilityError.notFinite(
                        modality: modality.rawValue, sample: index / encodings.columns,
                        value: encodings.elements[index])
                }
            }
        }
    }
}

/// The data of an identifiability evaluation for N samples: both encodings, and the latent factors. Each row is a
/// sample.
public struct LatentSamples: Sendable {
    /// The values of one latent factor, N × its columns.
    public struct Factor: Sendable {
        public let name: String
        public let values: Matrix
        /// Number of classes of a discrete factor, whose values are 0 … classes - 1; nil for a continuous one.
        public let classes: Int?

        public init(name: String, values: Matrix, classes: Int? = nil) {
            self.name = name
            self.values = values
            self.classes = classes
        }
    }

    /// The same samples with the content of other samples; style and modality-specific factors are unchanged.
    public struct Swapped: Sendable {
        /// Encodings of the swapped views, N × e.
        public let encodings: PerModality<Matrix>
        /// The content of the other samples, N × its columns.
        public let content: Matrix

        public init(encodings: PerModality<Matrix>, content: Matrix) {
            self.encodings = encodings
            self.content = content
        }
    }

    /// Encodings, N × e.
    public let encodings: PerModality<Matrix>
    /// The factors in the source's order.
    public let factors: [Factor]
    /// The samples with swapped content; nil if the source has no content.
    public let swapped: Swapped?

    public init(encodings: PerModality<Matrix>, factors: [Factor], swapped: Swapped?) {
        self.encodings = encodings
        self.factors = factors
        self.swapped = swapped
    }

    /// Name of the factor that both views share unchanged.
    public static let contentName = "c"

    public var count: Int { encodings.first.rows }
    /// The values of the content; nil if there is none.
    public var content: Matrix? { factors.first { $0.name == Self.contentName }?.values }
}

/// The reason why an identifiability evaluation is impossible.
public enum IdentifiabilityError: Error, CustomStringConvertible, Sendable {
    case tooFewSamples(Int, fewest: Int)
    /// One worker's kernel matrix needs more bytes than its host has available.
    case tooLittleMemory(samples: Int, needed: Int, available: Int)
    case notFinite(modality: String, sample: Int, value: Double)

    public var description: String {
        switch self {
        case .tooFewSamples(let count, let fewest):
            return "identifiability: \(count) samples, but regressions with three folds need at least \(fewest); "
                + "raise evaluation.identifiability.samples"
        case .tooLittleMemory(let samples, let needed, let available):
            return "identifiability: a kernel matrix of \(samples) samples takes \(Self.gibibytes(needed)) GiB, and "
                + "\(Self.gibibytes(available)) GiB are available on this host; "
                + "lower evaluation.identifiability.samples, or remove kernel_ridge from its regressors"
        case .notFinite(let modality, let sample, let value):
            return "identifiability: the \(modality) encoding of sample \(sample) holds \(value); "
                + "the encoders have diverged"
        }
    }

    private static func gibibytes(_ bytes: Int) -> String { NumberText.fixed(Double(bytes) / 1_073_741_824, 1) }
}
