import CCoupletKernels
import CoupletCommunication
import CoupletFiles
import CoupletInference
import CoupletNetworks
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining

/// Makes a step of a run again, alone and elsewhere, and shows what happened in it.
///
/// A step is the same bits on any number of workers, so one process redoes a step of a run of many ranks: from the nearest checkpoint
/// before it, or from the initial parameters, it makes the steps between and then the step, compares with what was logged, and
/// looks into it.
///
///     let report = try StepReplay("runs/mnist", step: 137).run()
///     print(report.table)
public struct StepReplay: Sendable {
    public let folder: RunFolder
    public let configuration: Configuration
    /// The step as metrics.jsonl counts: it ends with so many steps done.
    public let step: Int
    /// The steps done where the replay begins.
    public var startStep: Int { start.step }

    let start: ReplayStart
    let source: any PairSource
    private let model: Model
    private let records: [Int: MetricsRecord]
    /// The checkpoints after the start up to the step, with their digests.
    private let checkpoints: [CheckpointSummary]
    /// OpenBLAS's core types that the run was made with around the step, as far as its checkpoints tell.
    let kernels: [String]

    /// The keys that a replay may change: where the data lie, and the run that this one began with.
    public static let pathKeys = ["data.path", "data.covariance", "initialize.from"]

    /// Opens a run and finds where to begin; nothing of the run is changed, now or later.
    /// - Parameters:
    ///   - step: from 1 to the run's last.
    ///   - choice: which checkpoint to begin at: `latest` is the nearest before the step; step 0 the initial parameters.
    ///   - dataPaths: `key=value` for `pathKeys`, where the data lie elsewhere than in the run's time.
    ///   - ownSource: where the pairs come from, if not from the source that the config names.
    /// - Throws: `FileError` where there is no such run, step or checkpoint; `RunMismatchError` where a checkpoint is of another run;
    ///   `ConfigurationError`; `DataError` where the run's data cannot be read.
    public init(
        _ path: String, step: Int, from choice: TrainedRun.Choice = .latest, dataPaths: [String] = [],
        source ownSource: (any PairSource)? = nil
    ) throws {
        folder = RunFolder(path: path)
        let stored = try folder.storedConfiguration()
        configuration =
            dataPaths.isEmpty ? stored : try Configuration.load(path: folder.configuration, overrides: dataPaths)
        self.step = step
        let store = CheckpointStore(folder: folder.checkpoints), saved = try store.list()
        let logged = try MetricsFile.records(path: folder.metrics)
        let last = max(stored.train.steps, saved.max() ?? 0, logged.map(\.step).max() ?? 0)
        guard (1...max(1, last)).contains(step), last > 0 else {
            throw FileError(
                .badData, place: folder.path, reason: "no step \(step)",
                remedy: last > 0
                    ? "the run has the steps 1 to \(last); step N ends with N steps done" : "the run has made no step")
        }
        records = Dictionary(logged.map { ($0.step, $0) }) { $1 }
        start = try ReplayStart(store, choice: choice, atMost: step - 1)
        source = try ownSource ?? configuration.source.makeSource(seed: configuration.seed)
        if let (content, path) = start.checkpoint {
            try Self.requireSameRun(content, path, stored, try source.dataDigest())
        }
        let start = start.step
        // A damaged one says nothing.
        checkpoints = saved.filter { $0 > start && $0 <= step }.compactMap {
            try? CheckpointStore.summary(store.path(ofStep: $0))
        }
        // The steps between two checkpoints were made by what wrote the later one.
        let around = saved.first { $0 >= step } ?? (self.start.checkpoint == nil ? saved.first : nil)
        let later = around.flatMap { try? CheckpointStore.summary(store.path(ofStep: $0)).cpuKernels }
        kernels = Set([self.start.checkpoint?.content.cpuKernels, later].compactMap(\.self)).sorted()
        model = try Model(configuration, source: source)
        if let wanted = configuration.initialization, self.start.checkpoint == nil {
            // The other run may have gone on since: its checkpoint is the one that this run's own name.
            let digest = saved.lazy.compactMap { try? CheckpointStore.summary(store.path(ofStep: $0)) }
                .compactMap { RunState.initialDigest(in: $0.scalars) }.first
            try PretrainedEncoders(wanted, for: configuration, model: model, digest: digest).load(into: model)
        }
    }

    func encoder(_ modality: Modality) -> Encoder { model.encoder(modality) }

    private static func requireSameRun(
        _ content: Checkpoint, _ path: String, _ stored: Configuration, _ dataDigest: String?
    ) throws {
        let differences = stored.differences(from: try Configuration.parse(text: content.configuration, name: path))
        guard differences.isEmpty else {
            throw RunMismatchError(
                description: """
                    \(path): config.yaml is not that of the checkpoint:
                    \(differences.map { "    \($0)" }.joined(separator: "\n"))
                    Put the run's own config.yaml back, or the checkpoint where it belongs
                    """)
        }
        if let dataDigest,
            case .string(let former)? = content.scalars.first(where: { $0.name == RunState.dataDigestName })?.value,
            former != dataDigest
        {
            throw RunMismatchError(
                description: """
                    \(path): the data are not those of the run: their digest was \(former.prefix(12))…, it is \(dataDigest.prefix(12))… now. \
                    Say where the run's own are: --set data.path=…
                    """)
        }
    }

    /// Makes the step again, once.
    /// - Parameters:
    ///   - threads: a power of two, at most the shards. The bits are the same for all.
    ///   - worst: how many of the pairs with the largest losses are shown.
    ///   - dump: a new HDF5 file for every tensor of the step.
    /// - Throws: `WorkerCountError`, `FileError`, `DataError`; `RunMismatchError` where a step on the way has no finite loss.
    public func run(
        threads: Int = 1, worst: Int = 10, dump: String? = nil, progress: ProgressDisplay.Mode = .none
    ) throws -> ReplayReport {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        guard group.processCount == 1 else {
            throw CollectiveError(
                .launch, call: "replay", place: "\(group.processCount) processes", reason: "a replay takes one process",
                remedy: "start it without mpirun; --threads makes it faster")
        }
        let workers = try WorkerCount(wanted: threads, group: group, shards: configuration.batch.shards)
        let dump = try dump.map { try StepDump($0) }
        do {
            let replayed = try group.run(threads: workers.threads) { try replay($0, progress) }
            try group.finalize()
            couplet_flush_subnormals()
            let report = try StepInspection(self, replayed!, dump).report(worst: worst, threads: workers.threads)
            try dump?.finish()
            return report
        } catch {
            dump?.discard()
            throw error
        }
    }

    /// What every worker does.
    /// - Returns: the step, on worker 0.
    private func replay(_ communicator: any Communicator, _ mode: ProgressDisplay.Mode) throws -> ReplayedStep? {
        couplet_flush_subnormals()
        let training = try TrainingStep(
            lean(threads: communicator.size), model: model, source: source, communicator: communicator,
            tileMemory: configuration.batch.tileMemory / communicator.size)
        let state = RunState(configuration: configuration, model: model, step: training, communicator: communicator)
        if let (content, path) = start.checkpoint {
            _ = try state.restore(communicator.rank == 0 ? content : nil, from: path)
        }
        let display = ProgressDisplay(
            mode: communicator.rank == 0 && step - start.step > 1 ? mode : .none, total: step,
            pairsPerStep: configuration.batch.size)
        display.begin(at: start.step)
        var checks: [StepComparison] = [], digests: [DigestComparison] = []

        /// Compares what is known of a step that was just made.
        func compare(_ report: StepReport, _ content: Checkpoint?) throws {
            display.update(step: report.step, loss: report.loss, isLogged: records[report.step] != nil)
            if let record = records[report.step] { checks.append(StepComparison(record, report)) }
            guard let saved = checkpoints.first(where: { $0.step == report.step }) else { return }
            guard let content = try content ?? state.gather(step: report.step) else { return }
            digests.append(
                DigestComparison(
                    step: report.step, checkpoint: saved.path, saved: saved.digest, replayed: content.digest))
        }
        for number in start.step..<(step - 1) {
            let report = try training.run(number, stopRequested: false)
            try compare(report, nil)
            guard report.nonFinite == nil || configuration.train.onNonFinite == .skip else {
                display.finish()
                throw RunMismatchError(
                    description: """
                        step \(report.step), on the way to step \(step), has a loss of \(report.loss) and a gradient of norm \(report.gradientNorm); \
                        the run ended there: replay that step
                        """)
            }
        }
        let before = try state.gather(step: step - 1)
        couplet_replayed_step(Int64(step))
        var rows: [Tensor?] = [], losses: [Double] = [], slopes = (inverseTemperature: 0.0, bias: 0.0),
            gradients: [Checkpoint.NamedArray]?
        let report = try training.run(step - 1, stopRequested: false) { stage in
            switch stage {
            case .objective(let result):
                rows = try [
                    training.first.outputs[0], training.second.outputs[0], result.firstGradient, result.secondGradient,
                ]
                .map { try communicator.gatherRows($0) }
                losses = try communicator.allGather(numbers: training.engine.pairLosses())
                slopes = (result.inverseTemperatureGradient, result.biasGradient)
            case .gradients:
                gradients = try state.gatherGradients(inverseTemperature: slopes.inverseTemperature, bias: slopes.bias)
            }
        }
        let after = try state.gather(step: step)
        try compare(report, after)
        display.finish()
        guard let before, let after, let gradients else { return nil }
        return ReplayedStep(
            report: report, before: before, after: after, gradients: gradients, firstEncodings: rows[0]!,
            secondEncodings: rows[1]!,
            firstEncodingGradients: rows[2]!, secondEncodingGradients: rows[3]!, pairLosses: losses, checks: checks,
            digests: digests)
    }

    /// The configuration as one process should make its steps: a batch of many ranks has activations for the memory of many.
    private func lean(threads: Int) -> Configuration {
        let estimate = MemoryEstimate(configuration, model: model, source: source, workers: threads, threads: threads)
        let activations = threads * (estimate.parts.first { $0.kind == "activations" }?.worker ?? 0)
        var lean = configuration
        if activations > 1 << 30 { lean.batch.activations = .recompute }
        return lean
    }
}
