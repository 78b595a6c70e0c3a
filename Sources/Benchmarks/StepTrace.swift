import CoupletCommunication
import CoupletText

/// A `StepSchedule` with the time of each computation, from the speeds of a `ScalingModel`, as lines of JSON. A
/// simulator of networks replays them (launch/simulate).
public struct StepTrace: Sendable {
    public let schedule: StepSchedule
    private let model: ScalingModel

    /// Numbers that a worker adds in a second in the gradient sum: 12 GB/s of memory, since each addition moves 12
    /// bytes.
    private static let additionsPerSecond = 1e9

    /// - Parameters:
    ///   - encoders: as `StepBenchmark.encoderCosts`.
    ///   - shards: S, at least W.
    public init(
        _ model: ScalingModel, encoders: [StepSchedule.EncoderCost], workers: Int, shards: Int, batch: Int
    ) {
        self.model = model
        let scores = 4 * Double(batch) * Double(batch) / Double(workers)
        schedule = StepSchedule(
            workers: workers, shards: shards, batch: batch, dimension: Int(model.dimension),
            encoders: encoders, keptTiles: min(1, model.tileMemory / scores))
    }

    /// The time of a computation in seconds. A pair of rows takes 2 d operations in pass 1. Both passes take 6 d / s,
    /// where s is the speed with kept or with recomputed tiles, in their shares.
    public func seconds(_ phase: StepSchedule.Phase, operations: Double) -> Double {
        switch phase {
        case .forward, .backward: return operations / model.encoderSpeed
        case .scores: return operations / model.cachedTileSpeed
        case .gradients:
            let kept = schedule.keptTiles, product = operations / (3 - kept)
            return 3 * product * (kept / model.cachedTileSpeed + (1 - kept) / model.recomputedTileSpeed) - product
                / model.cachedTileSpeed
        case .additions: return operations / Self.additionsPerSecond
        }
    }

    /// A line with the numbers of the trace, then a line an event of this worker.
    public func lines(of worker: Int) -> [String] {
        let partition = schedule.partition
        let head = JSONValue.object([
            "event": .string("step"), "worker": .integer(worker), "workers": .integer(partition.workers),
            "shards": .integer(partition.shards), "batch": .integer(schedule.batch),
            "dim": .integer(schedule.dimension), "parameters": .integer(schedule.parameters),
            "kept_tiles": .number(schedule.keptTiles), "encoder_gflops": .number(1e-9 * model.encoderSpeed),
            "kept_gflops": .number(1e-9 * model.cachedTileSpeed),
            "recomputed_gflops": .number(1e-9 * model.recomputedTileSpeed),
        ])
        return [head.text] + schedule.events(of: worker).map { json($0).text }
    }

    private func json(_ event: StepSchedule.Event) -> JSONValue {
        switch event {
        case .compute(let phase, let operations):
            .object([
                "event": .string("compute"), "phase": .string(phase.rawValue), "operations": .number(operations),
                "seconds": .number(seconds(phase, operations: operations)),
            ])
        case .send(let other, let stream, let bytes): message("send", other, stream, bytes)
        case .receive(let other, let stream, let bytes): message("receive", other, stream, bytes)
        case .wait(let other, let stream): message("wait", other, stream, nil)
        }
    }

    private func message(_ event: String, _ other: Int, _ stream: StepSchedule.Stream, _ bytes: Int?) -> JSONValue {
        let members: [(String, JSONValue)] = [
            ("event", .string(event)), ("worker", .integer(other)), ("stream", .string(stream.rawValue)),
        ]
        return .object(members + (bytes.map { [("bytes", .integer($0))] } ?? []))
    }
}
