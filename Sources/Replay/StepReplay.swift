import CCoupletKernels
import CoupletCommunication
import CoupletFiles
import CoupletNetworks
import CoupletPairs
import CoupletSchema
import CoupletStorage
import CoupletTensors
import CoupletTraining

/// Repeats one step of a run in one process, and reports its losses, gradients and updates.
///
/// A step has the same bits on any number of workers, so one process can repeat a step of a run of many ranks. The
/// replay starts from the nearest checkpoint before the step, or from the initial parameters. It repeats the steps up
/// to the selected one, and compares them with the log and the checkpoints. It changes nothing in the run's folder.
///
///     let report = try StepReplay("runs/mnist", step: 137).run()
///     print(report.table)
public struct StepReplay: Sendable {
    public let folder: RunFolder
    public let configuration: Configuration
    /// The replayed step, numbered as in metrics.jsonl: step N is the one after which N steps are finished.
    public let step: Int
    /// Number of finished steps at the start of the replay.
    public var startStep: Int { start.step }

    let start: ReplayStart
    let source: any PairSource
    private let model: Model
    /// Where the parameters of a start at step 0 come from; nil if they are random or from the run's checkpoint.
    private let pretrained: PretrainedEncoders?
    private let records: [Int: MetricsRecord]
    /// The run's valid checkpoints after the start, up to the step.
    private let checkpoints: [CheckpointSummary]

    /// The keys of the config that a replay may change: paths of the data and of the run whose encoders this run took.
    public static let pathKeys = Configuration.pathKeys

    /// Opens a run and finds the start of the replay.
    /// - Parameters:
    ///   - step: from 1 to the run's last step.
    ///   - choice: the checkpoint to start from. `latest` selects the nearest one before the step; step 0 selects the
    ///     initial parameters.
    ///   - dataPaths: `key=value` for `pathKeys`, if the data have moved since the run.
    ///   - registry: the kinds of the program that made the run.
    ///   - ownSource: replaces the source of pairs that the config names; nil makes the source of the config.
    /// - Throws: `FileError` if there is no such run, step or checkpoint, or if an older program, whose bits are
    ///   others, made the run; `RunMismatchError` if a checkpoint belongs to another run; `ConfigurationError`;
    ///   `DataError` if the run's data cannot be read.
    public init(
        _ path: String, step: Int, from choice: CheckpointChoice = .latest, dataPaths: [String] = [],
        registry: Registry = .builtIn, source ownSource: (any PairSource)? = nil
    ) throws {
        folder = RunFolder(path: path)
        let stored = try folder.storedConfiguration(registry: registry)
        configuration = try folder.openedConfiguration(registry: registry, dataPaths: dataPaths)
        self.step = step
        let store = CheckpointStore(folder: folder.checkpoints)
        try store.requireReplayable()
        let saved = try store.list()
        let logged = try MetricsFile.records(path: folder.metrics)
        let last = max(stored.train.steps, saved.max() ?? 0, logged.map(\.step).max() ?? 0)
        guard (1...max(1, last)).contains(step), last > 0 else {
            throw FileError(
                .badData, at: folder.path, reason: "no step \(step)",
                remedy: last > 0
                    ? "the run has the steps 1 to \(last); step N ends with N steps done" : "the run has made no step")
        }
        records = Dictionary(logged.map { ($0.step, $0) }) { $1 }
        start = try ReplayStart(store, choice: choice, atMost: step - 1)
        let configuration = configuration, checkpoint = start.checkpoint?.content
        let opened =
            try ownSource.map { try configuration.withLabels($0) } ?? configuration.makeSource(labelsOf: checkpoint)
        if let (content, path) = start.checkpoint {
            try Self.requireSameRun(content, path, stored, opened, registry)
        }
        func summary(ofStep step: Int) -> CheckpointSummary? {
            // A damaged checkpoint is not compared.
            try? CheckpointStore.summary(store.path(ofStep: step))
        }
        let startStep = start.step
        checkpoints = saved.filter { $0 > startStep && $0 <= step }.compactMap(summary)
        let encoders = try ModelEncoders(configuration, source: opened)
        source = encoders.checkingTokens(of: opened)
        model = Model(encoders, configuration)
        if let initialization = configuration.initialization, start.checkpoint == nil {
            // The other run may have continued since: this run's own checkpoints name the checkpoint that it started
            // from.
            let digest = saved.lazy.compactMap(summary).compactMap { RunState.initialDigest(in: $0.scalars) }.first
            pretrained = try PretrainedEncoders(initialization, for: configuration, model: model, digest: digest)
        } else {
            pretrained = nil
        }
    }

    func encoder(_ modality: Modality) -> Encoder { model.encoders[modality] }

    private static func requireSameRun(
        _ content: Checkpoint, _ path: String, _ stored: Configuration, _ source: any PairSource,
        _ registry: Registry
    ) throws {
        // A resume may have found the data at another path; the digest says whether they are the same.
        let differences = stored.differences(
            from: try Configuration.stored(text: content.configuration, name: path, registry: registry),
            ignoring: try source.dataDigest() == nil ? [] : Configuration.dataPathKeys)
        guard differences.isEmpty else {
            throw RunMismatchError(
                description: """
                    \(path): config.yaml differs from the checkpoint's config:
                    \(differences.map { "    \($0)" }.joined(separator: "\n"))
                    Put the run's own config.yaml back, or move the checkpoint to its own run
                    """)
        }
        if let dataDigest = try source.dataDigest(), let former = RunState.dataDigest(in: content.scalars),
            try source.hasData(ofDigest: former) == false
        {
            throw RunMismatchError(
                description: """
                    \(path): the data differ from the run's: their digest was \(former.prefix(12))…, \
                    it is \(dataDigest.prefix(12))… now. Name the run's own data: --set data.path=…
                    """)
        }
    }

    /// Repeats the step. It changes the parameters of the model, so it can run once.
    /// - Parameters:
    ///   - threads: at most the number of shards. It does not change the bits.
    ///   - worst: the number of pairs with the largest losses in the report.
    ///   - dump: path of a new HDF5 file for all tensors of the step; nil writes none.
    /// - Throws: `WorkerCountError`, `FileError`, `DataError`; `RunMismatchError` if an earlier step has no finite
    ///   loss.
    public func run(
        threads: Int = 1, worst: Int = 10, dump: String? = nil, progress: ProgressDisplay.Mode = .none
    ) throws -> ReplayReport {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        guard group.processCount == 1 else {
            throw CollectiveError(
                .launch, call: "replay", participants: "\(group.processCount) processes",
                reason: "a replay takes one process",
                remedy: "start it without mpirun; --threads makes it faster")
        }
        let workers = try WorkerCount(
            wanted: threads, group: group, shards: configuration.batch.shards,
            batchSize: configuration.batch.size)
        let dump = try dump.map { try StepDump($0) }
        do {
            let replayed = try group.run(threads: workers.threads) { try repeatSteps($0, progress) }
            try group.finalize()
            let report = try StepInspection(self, replayed!, dump).report(worst: worst, threads: workers.threads)
            try dump?.finish()
            return report
        } catch {
            dump?.discard()
            throw error
        }
    }

    /// Repeats the steps from the start up to the selected step. Every worker calls it.
    /// - Returns: the selected step on worker 0; nil on the other workers.
    private func repeatSteps(
        _ communicator: any Communicator, _ mode: ProgressDisplay.Mode
    ) throws -> ReplayedStep? {
        let training = try TrainingStep(
            memorySaving(threads: communicator.size), model: model, source: source, communicator: communicator,
            tileMemory: configuration.batch.tileMemory / communicator.size)
        let state = RunState(configuration: configuration, model: model, step: training, communicator: communicator)
        if let (content, path) = start.checkpoint {
            _ = try state.restore(communicator.rank == 0 ? content : nil, from: path)
        } else if pretrained != nil {
            try state.load(communicator.rank == 0 ? pretrained : nil)
        }
        let display = ProgressDisplay(
            mode: communicator.rank == 0 && step - start.step > 1 ? mode : .none, total: step,
            pairsPerStep: configuration.batch.size)
        display.begin(at: start.step)
        var checks: [StepComparison] = []
        var digests: [DigestComparison] = []

        /// Compares a step with the log, and the state after it with the run's checkpoint. Every worker calls it.
        /// - Parameter gather: gathers the state on worker 0. All workers call it for the same steps, or none does.
        func compare(_ report: StepReport, gather: () throws -> Checkpoint?) throws {
            display.update(step: report.step, loss: report.loss, isLogged: records[report.step] != nil)
            if let record = records[report.step] { checks.append(StepComparison(record, report)) }
            guard let saved = checkpoints.first(where: { $0.step == report.step }) else { return }
            guard let content = try gather() else { return }
            digests.append(
                DigestComparison(
                    step: report.step, checkpoint: saved.path, saved: saved.digest, replayed: content.digest))
        }
        for number in start.step..<(step - 1) {
            let report = try training.run(number)
            try compare(report) { try state.gather(step: report.step) }
            guard report.nonFinite == nil || configuration.train.onNonFinite == .skip else {
                display.finish()
                throw RunMismatchError(
                    description: """
                        step \(report.step), before step \(step), has a loss of \(report.loss) and a gradient of \
                        norm \(report.gradientNorm); the run ended there: replay that step
                        """)
            }
        }
        let before = try state.gather(step: step - 1)
        couplet_replayed_step(Int64(step))
        let partition = ShardPartition(shards: configuration.batch.shards, workers: communicator.size)
        var rows: [Tensor?] = []
        var losses: [Double] = []
        var scalarGradients: [Double] = []
        var gradients: [Checkpoint.NamedArray]?
        let report = try training.run(step - 1) { stage in
            switch stage {
            case .loss(let result):
                rows = try [
                    training.encodings(of: .first)[0], training.encodings(of: .second)[0], result.firstGradient,
                    result.secondGradient,
                ].map { try communicator.gatherRows($0) }
                let own = training.engine.pairLosses, shardRows = configuration.batch.size / partition.shards
                losses = try communicator.allGather(
                    shards: stride(from: 0, to: own.count, by: shardRows).map { Array(own[$0..<($0 + shardRows)]) },
                    partition
                ).flatMap { $0 }
                scalarGradients = training.scalars.gradients(of: result)
            case .gradients:
                gradients = try state.gatherGradients(scalarGradients: scalarGradients)
            }
        }
        let after = try state.gather(step: step)
        try compare(report) { after }
        display.finish()
        guard let before, let after, let gradients else { return nil }
        return ReplayedStep(
            report: report, before: before, after: after, gradients: gradients, firstEncodings: rows[0]!,
            secondEncodings: rows[1]!, firstEncodingGradients: rows[2]!, secondEncodingGradients: rows[3]!,
            pairLosses: losses, checks: checks, digests: digests)
    }

    /// The configuration, with recomputed activations if saved ones would take more than 1 GiB. One process may have
    /// less memory than the ranks of the run had together.
    private func memorySaving(threads: Int) -> Configuration {
        let estimate = MemoryEstimate(
            configuration, model: model, source: source, workers: threads, threads: threads)
        let activations = threads * (estimate.parts.first { $0.kind == "activations" }?.worker ?? 0)
        var result = configuration
        if activations > 1 << 30 { result.batch.activations = .recompute }
        return result
    }
}

/// A repeated step with all its tensors, on worker 0.
struct ReplayedStep: Sendable {
    let report: StepReport
    /// The state before and after the step.
    let before: Checkpoint
    let after: Checkpoint
    /// ∂ loss / ∂ parameters before clipping, under the paths of the trained parameters.
    let gradients: [Checkpoint.NamedArray]
    /// B × e.
    let firstEncodings: Tensor
    let secondEncodings: Tensor
    /// ∂ loss / ∂ encodings, B × e.
    let firstEncodingGradients: Tensor
    let secondEncodingGradients: Tensor
    /// B times the contribution of each pair to the loss.
    let pairLosses: [Double]
    /// Comparisons with the log and with checkpoints, for the steps after the start up to this step.
    let checks: [StepComparison]
    let digests: [DigestComparison]
}

extension RunState {
    /// Gathers the parameter gradients of the last step on worker 0, by the paths of the trained parameters. Every
    /// worker calls it.
    /// - Parameter scalarGradients: gradients of the learned scalars of the loss (`LossScalars.gradients`).
    /// - Returns: the gradients on worker 0, nil on the others.
    fileprivate func gatherGradients(scalarGradients: [Double]) throws -> [Checkpoint.NamedArray]? {
        let isFirst = communicator.rank == 0
        var gradients: [Checkpoint.NamedArray] = []
        for modality in Modality.allCases {
            let trainer = step.trainer(of: modality), layout = trainer.encoder.layout
            let full = Tensor([isFirst ? layout.count : 0])
            try gather(trainer.gradientSlices, of: layout, into: isFirst ? full : nil)
            guard isFirst, !trainer.isFrozen else { continue }
            gradients += layout.entries.map {
                (Self.path(modality, $0), CheckpointArray(full.flat($0.range).reshaped($0.shape)))
            }
        }
        for (scalar, gradient) in zip(step.scalars.learned, scalarGradients) {
            gradients.append((Self.path(of: scalar), CheckpointArray(gradient)))
        }
        return isFirst ? gradients : nil
    }
}

/// The start of a replay: a checkpoint before the step, or the initial parameters, which are a function of the config.
struct ReplayStart: Sendable {
    /// Nil: the initial parameters.
    let checkpoint: (content: Checkpoint, path: String)?
    /// The errors of damaged checkpoints that are nearer to the step. The replay does not move or change them.
    let skipped: [String]

    /// Number of finished steps.
    var step: Int { checkpoint?.content.step ?? 0 }

    /// Finds the nearest checkpoint that verifies, of at most `last` steps.
    /// - Parameter choice: `best` and `step` select one checkpoint only; step 0 selects the initial parameters if there
    ///   is no such checkpoint.
    /// - Throws: `FileError` if the selected checkpoint is missing or damaged.
    init(_ store: CheckpointStore, choice: CheckpointChoice, atMost last: Int) throws {
        let selected: Int
        switch choice {
        case .latest:
            (checkpoint, skipped) = try store.newestReadable(atMost: last)
            return
        case .best: selected = try store.step(of: .best)
        case .step(let step): selected = step
        }
        skipped = []
        let steps = try store.list()
        if steps.contains(selected), selected <= last {
            checkpoint = (try store.read(step: selected), store.path(ofStep: selected))
        } else if selected == 0 {
            checkpoint = nil
        } else {
            let valid = ([0] + steps.filter { $0 <= last && $0 > 0 }).map(String.init).joined(separator: ", ")
            throw FileError(
                .badData, at: store.folder,
                reason: selected > last
                    ? "a replay of step \(last + 1) cannot begin after step \(selected)"
                    : "no checkpoint of step \(selected)",
                remedy: "it can begin at: \(valid) (0: the initial parameters)")
        }
    }
}
