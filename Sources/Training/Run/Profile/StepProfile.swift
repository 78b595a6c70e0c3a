import CoupletCommunication
import CoupletFiles
import CoupletText
import Glibc

/// Measures on one worker where the time of some steps goes (`couplet train --profile`). All workers have one, and
/// worker 0 writes the trace of all of them.
///
/// The steps follow a warm-up of `warmUp` steps if the run is long enough; evaluations and checkpoints that fall among
/// them are measured, too. Outside these steps nothing is recorded.
final class StepProfile {
    /// Number of steps before the first recorded one.
    private static let warmUp = 10
    /// Number of barriers by which clocks of several machines are compared.
    private static let barriers = 16

    let recorder = PhaseRecorder()
    private let path: String
    private let communicator: any Communicator
    /// The recorded steps, counted from 0.
    private let steps: Range<Int>
    private let step: TrainingStep
    /// The time on this machine after each barrier.
    private var barrierTimes: [Int] = []
    private var isWritten = false

    /// - Parameters:
    ///   - firstStep: number of finished steps.
    ///   - lastStep: number of steps of the run.
    init(
        _ profile: TrainingOptions.Profile, of step: TrainingStep, firstStep: Int, lastStep: Int,
        _ communicator: any Communicator
    ) {
        path = profile.path
        self.step = step
        self.communicator = communicator
        let remaining = max(0, lastStep - firstStep), count = min(profile.steps, remaining)
        let start = firstStep + min(Self.warmUp, remaining - count)
        steps = start..<start + count
    }

    /// Refuses a file that cannot be written, before the run begins.
    /// - Throws: `FileError(.inputOutput)`.
    static func requireWritable(_ path: String) throws {
        try FileSystem.requireRegularFile(path)
        let folder = FileSystem.folder(of: path)
        guard access(folder, W_OK) == 0, FileSystem.isFolder(folder) else {
            throw FileError(
                .inputOutput, at: path, reason: "cannot be written: \(folder) is no folder that this user may write to",
                remedy: "name another file with --profile")
        }
    }

    /// Begins to record if this is one of the steps.
    /// - Parameter number: number of finished steps.
    func beginStep(_ number: Int) throws {
        guard steps.contains(number) else { return }
        if number == steps.lowerBound {
            for _ in 0..<Self.barriers {
                try communicator.barrier()
                barrierTimes.append(PhaseRecorder.now)
            }
            recorder.isActive = true
            step.recorder = recorder
            step.engine.passes.began = { [recorder] in recorder.begin(.pass) }
            step.engine.passes.ended = { [recorder] in recorder.end() }
        }
        recorder.step = number + 1
        recorder.begin(.step)
    }

    /// Writes the trace of all workers if the last of the steps is done. Every worker calls it.
    /// - Parameter number: number of finished steps; nil: no further step follows.
    /// - Returns: on all workers what is written, or why it cannot be written; nil if it is not time yet.
    func write(after number: Int?) throws -> Result<String, any Error>? {
        guard !isWritten, number.map({ $0 >= steps.upperBound }) ?? true else { return nil }
        isWritten = true
        recorder.isActive = false
        step.recorder = nil
        (step.engine.passes.began, step.engine.passes.ended) = (nil, nil)
        let own = WorkerTrace(communicator, barrierTimes: barrierTimes, spans: recorder.spans)
        let gathered = try communicator.allGather(bytes: Array(own.json.text.utf8))
        let traces = gathered.compactMap {
            JSONValue(text: String(decoding: $0, as: UTF8.self)).flatMap(WorkerTrace.init)
        }
        guard communicator.rank == 0 else { return .success("") }
        let recorded = Set(recorder.spans.map(\.step)).sorted()
        guard let first = recorded.first, let last = recorded.last else {
            return .failure(
                FileError(.inputOutput, at: path, reason: "not written, because this start of the run has no step"))
        }
        return Result {
            try DurableFile.replace(path, with: ChromeTrace(traces).json.text + "\n")
            return "\(path): the profile of steps \(first) to \(last); https://ui.perfetto.dev shows it"
        }
    }
}
