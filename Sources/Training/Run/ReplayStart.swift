import CoupletFiles
import CoupletStorage

/// Where a replay begins: a checkpoint before the step, or the initial parameters, which are a function of the config.
package struct ReplayStart: Sendable {
    /// Nil: the initial parameters.
    package let checkpoint: (content: Checkpoint, path: String)?
    /// Checkpoints that would have been nearer and are damaged, each with the reason. They stay where they are.
    package let skipped: [String]

    package var step: Int { checkpoint?.content.step ?? 0 }

    /// The nearest checkpoint that verifies, of at most `last` steps.
    /// - Parameter choice: that of one step alone, where the user names it; 0 is the initial parameters where there is no such checkpoint.
    /// - Throws: `FileError` where the wanted one is missing or damaged.
    package init(_ store: CheckpointStore, choice: CheckpointChoice, atMost last: Int) throws {
        let steps = try store.list()
        if case .step(let wanted) = choice {
            skipped = []
            if steps.contains(wanted), wanted <= last {
                let path = store.path(ofStep: wanted)
                checkpoint = (try Self.read(path, store, step: wanted), path)
            } else if wanted == 0 {
                checkpoint = nil
            } else {
                let good = ([0] + steps.filter { $0 <= last && $0 > 0 }).map(String.init).joined(separator: ", ")
                throw FileError(
                    .badData, place: store.folder,
                    reason: wanted > last
                        ? "a replay of step \(last + 1) cannot begin after step \(wanted)"
                        : "no checkpoint of step \(wanted)",
                    remedy: "it can begin at: \(good) (0: the initial parameters)")
            }
            return
        }
        var skipped: [String] = []
        for step in steps.reversed() where step <= last {
            let path = store.path(ofStep: step)
            do {
                checkpoint = (try Self.read(path, store, step: step), path)
                self.skipped = skipped
                return
            } catch let error as FileError where error.kind == .badData {
                skipped.append(error.description)
            }
        }
        checkpoint = nil
        self.skipped = skipped
    }

    private static func read(_ path: String, _ store: CheckpointStore, step: Int) throws -> Checkpoint {
        let content = try store.read(path)
        guard content.step == step else {
            throw FileError(.badData, place: path, reason: "is of step \(content.step), not of the step in its name")
        }
        return content
    }
}
