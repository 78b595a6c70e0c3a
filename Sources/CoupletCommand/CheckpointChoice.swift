import ArgumentParser
import Storage
import Training

/// Which checkpoint of a run: the newest, or that of a step.
enum CheckpointChoice: ExpressibleByArgument, Equatable {
    case latest
    case step(Int)

    init?(argument: String) {
        if argument == "latest" {
            self = .latest
        } else if let step = Int(argument), step >= 0 {
            self = .step(step)
        } else {
            return nil
        }
    }

    /// The file of this checkpoint.
    /// - Throws: `StorageError` that names the steps there are.
    func path(in folder: RunFolder) throws -> String {
        let store = CheckpointStore(folder: folder.checkpoints)
        let steps = try store.list()
        guard let newest = steps.last else {
            throw StorageError(
                .inputOutput, place: folder.path, reason: "no checkpoint of a run", remedy: "a run is the folder that couplet train writes")
        }
        switch self {
        case .latest: return store.path(ofStep: newest)
        case .step(let step):
            guard steps.contains(step) else {
                throw StorageError(
                    .inputOutput, place: folder.path, reason: "no checkpoint of step \(step)",
                    remedy: "there are those of \(steps.map(String.init).joined(separator: ", "))")
            }
            return store.path(ofStep: step)
        }
    }
}
