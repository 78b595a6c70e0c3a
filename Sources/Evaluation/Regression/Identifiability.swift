import CoupletCommunication
import CoupletFiles
import CoupletTensors

/// How far encoders have found the latent content of pairs of views, and nothing else (Daunhawer, Bizeul, Palumbo, Marx, Vogt, *Identifiability
/// Results for Multimodal Contrastive Learning*, ICLR 2023, section 5.1).
///
/// Each latent factor is predicted from each encoder's encodings, standardised by the fitting samples, and the other way round the encodings from the
/// content; R² on samples that nothing was fitted on. Encodings that block-identify the content predict it wholly, are predicted by it wholly, and
/// predict nothing that is independent of it. With the content of other samples put into the views, the encodings must follow it.
public struct Identifiability: Sendable {
    public let regressors: [Regressor]
    /// Of the networks' first weights.
    public let seed: UInt64

    public init(regressors: [Regressor], seed: UInt64) {
        self.regressors = regressors
        self.seed = seed
    }

    /// The name of the content that was put in.
    static let swappedName = LatentSamples.contentName + "_permuted"

    /// Every worker calls it with the same samples and gets the same, bit for bit whatever the number of workers.
    /// - Throws: `IdentifiabilityError` where there are too few samples, too little memory, or encodings that are not finite; `CollectiveError`
    ///   where a worker has failed.
    public func evaluate(
        fitting: LatentSamples, scoring: LatentSamples, communicator: any Communicator
    ) throws -> IdentifiabilityResult {
        try check(fitting, scoring)
        var plan = Plan()
        for modality in 0..<2 { plan.add(modality, fitting, scoring) }
        plan.addContent(fitting, scoring)

        var scores = plan.tasks.map { $0.targets.map { _ in [Regressor: Double]() } }
        for regressor in Regressor.allCases where regressors.contains(regressor) {
            for (task, found) in try self.scores(regressor, plan.tasks, communicator).enumerated() {
                for (target, score) in found.enumerated() { scores[task][target][regressor] = score }
            }
        }
        func named(_ place: (task: Int, target: Int)) -> [Regressor: Double] { scores[place.task][place.target] }
        let content = scoring.content
        return IdentifiabilityResult(
            samples: fitting.count, regressors: Regressor.allCases.filter(regressors.contains),
            first: plan.factors[0].map { .init(name: $0.name, scores: named($0.place)) },
            second: plan.factors[1].map { .init(name: $0.name, scores: named($0.place)) },
            fromContent: plan.content.map { .init(first: named(($0, 0)), second: named(($0, 1))) },
            meanCorrelation: content.map {
                .init(
                    first: MeanCorrelation.coefficient(scoring.first, $0),
                    second: MeanCorrelation.coefficient(scoring.second, $0))
            })
    }

    /// What is to be predicted from what, and which of it is which factor.
    private struct Plan {
        var tasks: [RegressionTask] = []
        var factors: [[(name: String, place: (task: Int, target: Int))]] = [[], []]
        /// The task that predicts both encodings from the content.
        var content: Int?

        mutating func add(_ modality: Int, _ fitting: LatentSamples, _ scoring: LatentSamples) {
            func encodings(_ samples: LatentSamples) -> Matrix { modality == 0 ? samples.first : samples.second }
            let factors = zip(fitting.factors, scoring.factors).filter { $0.0.values.columns > 0 }
            for (target, factor) in factors.enumerated() {
                self.factors[modality].append((factor.0.name, (tasks.count, target)))
            }
            if !factors.isEmpty {
                tasks.append(
                    RegressionTask(
                        fitting: encodings(fitting), scoring: encodings(scoring),
                        targets: factors.map { .init(fitting: $0.0.values, scoring: $0.1.values) }))
            }
            guard let swapped = (fitting.swapped, scoring.swapped) as? (LatentSamples.Swapped, LatentSamples.Swapped)
            else { return }
            self.factors[modality].append((swappedName, (tasks.count, 0)))
            tasks.append(
                RegressionTask(
                    fitting: modality == 0 ? swapped.0.first : swapped.0.second,
                    scoring: modality == 0 ? swapped.1.first : swapped.1.second,
                    targets: [.init(fitting: swapped.0.content, scoring: swapped.1.content)]))
        }

        mutating func addContent(_ fitting: LatentSamples, _ scoring: LatentSamples) {
            guard let from = fitting.content, let to = scoring.content, from.columns > 0 else { return }
            content = tasks.count
            let targets = [(fitting.first, scoring.first), (fitting.second, scoring.second)].map {
                encodings -> RegressionTask.Target in
                let scaling = StandardScaler(encodings.0)
                return .init(fitting: scaling.scaled(encodings.0), scoring: scaling.scaled(encodings.1))
            }
            tasks.append(RegressionTask(fitting: from, scoring: to, targets: targets))
        }
    }

    /// R² of every target of every task.
    private func scores(_ regressor: Regressor, _ tasks: [RegressionTask], _ communicator: any Communicator) throws
        -> [[Double]]
    {
        switch regressor {
        case .linear:
            return try DistributedMap(communicator).run(tasks.count) { number in
                let task = tasks[number]
                return try task.targets.map { target in
                    CoefficientOfDetermination.mean(
                        target.scoring, try LinearRegressor(task.fitting, target.fitting).predict(task.scoring))
                }
            }
        case .kernelRidge:
            let largest = tasks.map(\.fitting.rows).max() ?? 0
            let takers = try HostMemory.takers(bytes: PositiveDefiniteSystem.bytes(order: largest), communicator) {
                needed, available in
                IdentifiabilityError.tooLittleMemory(samples: largest, needed: needed, available: available)
            }
            return try KernelRidgeSearch(tasks: tasks).run(DistributedMap(communicator, takers: takers)).map {
                $0.map(\.score)
            }
        case .multilayerPerceptron:
            let pieces = tasks.indices.flatMap { task in tasks[task].targets.indices.map { (task: task, target: $0) } }
            let found = try DistributedMap(communicator).run(pieces.count) { number in
                let task = tasks[pieces[number].task], target = task.targets[pieces[number].target]
                let network = MultilayerPerceptronRegressor(
                    task.fitting, target.fitting, seed: seed, number: UInt64(number))
                return [CoefficientOfDetermination.mean(target.scoring, network.predict(task.scoring))]
            }
            var scores = tasks.map { $0.targets.map { _ in Double.nan } }
            for (piece, score) in zip(pieces, found) { scores[piece.task][piece.target] = score[0] }
            return scores
        }
    }

    /// The fewest samples that three folds make sense of.
    static let fewestSamples = 6

    private func check(_ fitting: LatentSamples, _ scoring: LatentSamples) throws {
        let count = min(fitting.count, scoring.count)
        if count < Self.fewestSamples { throw IdentifiabilityError.tooFewSamples(count, fewest: Self.fewestSamples) }
        for samples in [fitting, scoring] {
            for (name, encodings) in [("first", samples.first), ("second", samples.second)] {
                if let place = encodings.elements.firstIndex(where: { !$0.isFinite }) {
                    throw IdentifiabilityError.notFinite(
                        modality: name, sample: place / encodings.columns, value: encodings.elements[place])
                }
            }
        }
    }
}
