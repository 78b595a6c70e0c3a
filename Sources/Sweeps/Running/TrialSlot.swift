import CoupletCommunication
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletText
import CoupletTraining
import Glibc

/// How the workers of a job are divided into trial slots. A slot trains one trial at a time.
package struct TrialSlotLayout: Equatable {
    /// Number of slots of this process; 1 if a slot spans several processes.
    package let slots: Int
    /// Number of neighbouring processes of a slot.
    package let ranks: Int

    /// - Parameters:
    ///   - threads: Threads of a process. Nil: the number of cores, or the threads of one trial under a launcher.
    ///   - processes: Processes of the whole job.
    /// - Throws: `ConfigurationError` if slots of that size do not fit.
    package init(_ specification: SweepSpecification, threads: Int?, processes: Int, isLaunched: Bool, cores: Int)
        throws
    {
        let perTrial = specification.threadsPerTrial
        ranks = specification.ranksPerTrial
        guard processes % ranks == 0 else {
            let below = processes / ranks * ranks
            throw specification.error(
                key: "ranks_per_trial",
                "\(ranks) ranks for each trial do not divide the \(processes) "
                    + "\(processes == 1 ? "process" : "ranks") of this job; start it with mpirun -n "
                    + (below > 0 ? "\(below) or \(below + ranks)" : "\(ranks)"))
        }
        let perProcess = threads ?? (isLaunched ? perTrial : max(perTrial, cores))
        guard perProcess >= perTrial else {
            throw specification.error(
                key: "threads_per_trial",
                "\(perTrial) threads for each trial are more than the \(perProcess) of a process; "
                    + "give --threads \(perTrial) or more")
        }
        guard ranks == 1 || perProcess == perTrial || threads == nil else {
            throw specification.error(
                key: "threads_per_trial",
                "with ranks_per_trial \(ranks), a rank needs the threads of one trial, \(perTrial); "
                    + "--threads is \(perProcess)")
        }
        slots = ranks == 1 ? perProcess / perTrial : 1
    }
}

/// Trains trials one after another until none are left, on a thread of a process or on a group of processes.
struct TrialSlot: Sendable {
    let plan: TrialPlan
    let folder: SweepFolder
    let group: WorkerGroup
    let signals: StopSignals
    let sources: SourceCache
    let queue: WorkQueue

    /// Pause between two requests while other slots finish a rung, in microseconds.
    private static let pause: UInt32 = 10_000

    /// - Throws: `CollectiveError` or `GroupError` if the slot cannot reach the coordinator.
    func run() throws {
        var result: TrialResult?
        while true {
            switch try ask(.next(result)) {
            case .train(let trial, let steps):
                result = train(plan.trials[trial], steps: steps)
                if result == nil { return try requestStop() }
            case .wait:
                result = nil
                usleep(Self.pause)
            case .finished: return
            }
        }
    }

    /// Tells the coordinator that a trial of this slot was stopped and saved, so that all slots stop.
    private func requestStop() throws {
        try group.agree(
            Result {
                if group.processRank == 0 { _ = try queue.request(SlotRequest.heartbeat(isStopRequested: true).bytes) }
            })
    }

    /// Sends a request from the first process of the group; all processes of the group get the reply.
    private func ask(_ request: SlotRequest) throws -> SlotReply {
        var reply: [UInt8] = []
        try group.agree(Result { if group.processRank == 0 { reply = try queue.request(request.bytes) } })
        guard group.processCount > 1 else { return SlotReply(reply) }
        return SlotReply(try group.run(threads: 1) { [reply] in try $0.broadcast(reply, from: 0) })
    }

    /// Trains a trial up to a step, as `couplet train` does, and evaluates it there.
    /// - Returns: The result, also of an error; nil if a signal stopped the trial.
    private func train(_ trial: Trial, steps: Int) -> TrialResult? {
        let start = ContinuousClock.now
        func seconds() -> Double { (ContinuousClock.now - start).inSeconds }
        do {
            guard var configuration = trial.configuration?.resolvingScheduleSteps() else {
                preconditionFailure("\(trial.name) cannot run")
            }
            configuration.train.steps = steps
            // The time limit applies to the whole sweep; the coordinator observes it.
            configuration.train.stopAfter = nil
            configuration.isCompared = plan.specification.choosesOn == .validation
            let run = RunFolder(path: folder.trial(trial.name))
            var source: (any PairSource)?
            // No process makes the run's folder before all have looked whether it is there.
            try group.agree(
                Result {
                    configuration =
                        run.holdsRun
                        ? configuration.inheritingRules(from: try run.storedConfiguration(registry: plan.registry))
                        : try configuration.resolvingValidation()
                    source = try sources.sharedSource(of: configuration)
                })
            var options = TrainingOptions(
                output: folder.trial(trial.name), existing: .resume, threads: plan.specification.threadsPerTrial,
                progress: .none)
            options.showsWarnings = false
            let trainer = Trainer(options: options, registry: plan.registry, group: group, signals: signals)
            let outcome = try trainer.run(source: source) { [configuration] in configuration }
            guard case .done(let lastStep) = outcome else { return nil }
            return try result(trial, steps: steps, lastStep: lastStep, seconds: seconds())
        } catch {
            return .failed(trial.name, steps: steps, seconds: seconds(), reason: "\(error)")
        }
    }

    /// - Parameter lastStep: the step of the newest checkpoint: `steps`, or an earlier one after `train.stop_early`.
    private func result(_ trial: Trial, steps: Int, lastStep: Int, seconds: Double) throws -> TrialResult {
        // Only the first process of the group reports a result.
        guard group.processRank == 0 else {
            return TrialResult(trial: trial.name, steps: steps, metric: nil, digest: "", seconds: seconds)
        }
        let run = RunFolder(path: folder.trial(trial.name)), store = CheckpointStore(folder: run.checkpoints)
        let last = try CheckpointStore.summary(store.path(ofStep: lastStep))
        guard let measured = MeasuredCheckpoint(of: run, last: lastStep, scalars: last.scalars) else {
            return .failed(
                trial.name, steps: steps, seconds: seconds,
                reason: "\(run.path) has no evaluation of its last or best checkpoint; see \(run.log)")
        }
        let path = plan.specification.metric
        guard let figures = TrialFigures(path, in: measured.evaluation) else {
            return .failed(trial.name, steps: steps, seconds: seconds, reason: path.problem(in: measured.evaluation))
        }
        let digest =
            measured.step == lastStep
            ? last.digest : try CheckpointStore.summary(store.path(ofStep: measured.step)).digest
        return TrialResult(trial: trial.name, steps: steps, figures, digest: digest, seconds: seconds)
    }
}

// MARK: - Messages

/// A request to the coordinator.
package enum SlotRequest: Equatable {
    /// The slot has finished its last trial with this result, if any, and wants the next one.
    case next(TrialResult?)
    /// The process asks whether to continue, and says whether a signal requested a stop.
    case heartbeat(isStopRequested: Bool)

    package var bytes: [UInt8] {
        switch self {
        case .next(let result): Array(JSONValue.object([("next", result?.json ?? .null)]).text.utf8)
        case .heartbeat(let isStopRequested):
            Array(JSONValue.object([("stop", .boolean(isStopRequested))]).text.utf8)
        }
    }

    package init?(_ bytes: [UInt8]) {
        guard let json = JSONValue(text: String(decoding: bytes, as: UTF8.self)) else { return nil }
        if let next = json["next"] {
            self = .next(TrialResult(next))
        } else if case .boolean(let isStopRequested) = json["stop"] {
            self = .heartbeat(isStopRequested: isStopRequested)
        } else {
            return nil
        }
    }
}

/// The coordinator's reply.
package enum SlotReply: Equatable {
    /// Train the trial with this index up to this step.
    case train(Int, steps: Int)
    /// Ask again after a pause; as the reply to a heartbeat: continue.
    case wait
    /// No trials are left; as the reply to a heartbeat: stop.
    case finished

    package var bytes: [UInt8] {
        switch self {
        case .train(let trial, let steps): Array("\(trial) \(steps)".utf8)
        case .wait: Array("wait".utf8)
        case .finished: Array("finished".utf8)
        }
    }

    package init(_ bytes: [UInt8]) {
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        if words.count == 2, let trial = Int(words[0]), let steps = Int(words[1]) {
            self = .train(trial, steps: steps)
        } else {
            self = words == ["wait"] ? .wait : .finished
        }
    }
}
