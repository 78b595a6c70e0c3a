import CoupletFiles

/// Selects a checkpoint of a run.
public enum CheckpointChoice: Equatable, Sendable {
    /// The newest one.
    case latest
    /// The best one by the run's `train.best`, as the newest one names it.
    case best
    case step(Int)

    /// Reads "latest", "best" or a step; nil for any other text.
    public init?(_ text: String) {
        switch text {
        case "latest": self = .latest
        case "best": self = .best
        default:
            guard let step = Int(text), step >= 0 else { return nil }
            self = .step(step)
        }
    }

    /// The text that `init` reads.
    public var text: String {
        switch self {
        case .latest: "latest"
        case .best: "best"
        case .step(let step): String(step)
        }
    }
}

extension CheckpointStore {
    /// The step of a checkpoint.
    /// - Throws: `FileError(.badData)` if there is no such checkpoint; `FileError(.inputOutput)` if the folder cannot
    ///   be read.
    public func step(of choice: CheckpointChoice) throws -> Int {
        let steps = try list()
        guard let newest = steps.last else {
            throw FileError(
                .badData, at: folder, reason: "no checkpoint yet",
                remedy: "a run writes one at its end and every train.checkpoint_every steps")
        }
        switch choice {
        case .latest: return newest
        case .step(let step):
            guard steps.contains(step) else { throw missing(step, steps, "no checkpoint of step \(step)") }
            return step
        case .best:
            guard let step = try bestStep(steps) else {
                throw FileError(
                    .badData, at: folder, reason: "the run keeps no best checkpoint",
                    remedy: "train with train.best, or name a step: \(Self.text(steps))")
            }
            guard steps.contains(step) else {
                throw missing(step, steps, "the best checkpoint, of step \(step), is not there")
            }
            return step
        }
    }

    /// The step of the best checkpoint, as the newest readable one names it; nil if it names none.
    private func bestStep(_ steps: [Int]) throws -> Int? {
        var failure: (any Error)?
        for step in steps.reversed() {
            do { return Self.bestStep(in: try Self.summary(path(ofStep: step)).scalars) } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return nil
    }

    private func missing(_ step: Int, _ steps: [Int], _ reason: String) -> FileError {
        FileError(.badData, at: folder, reason: reason, remedy: "there are: \(Self.text(steps))")
    }

    private static func text(_ steps: [Int]) -> String { steps.map(String.init).joined(separator: ", ") }
}
