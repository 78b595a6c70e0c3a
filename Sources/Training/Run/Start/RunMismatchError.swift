import CoupletPairs

/// Thrown if two things that must agree differ: a run and the config or data with which it is resumed, or two ranks.
public struct RunMismatchError: Error, CustomStringConvertible, Sendable {
    public let description: String

    package init(description: String) { self.description = description }

    /// The config of a resumed run differs from the stored one.
    /// - Parameter differences: the keys that differ, each with both values.
    static func cannotResume(_ folder: String, differences: [String]) -> RunMismatchError {
        RunMismatchError(
            description: """
                \(folder): the config is not the one this run was started with:
                \(differences.map { "    \($0)" }.joined(separator: "\n"))
                Resume with the run's own values (name, train and evaluation may change), or give another folder by \
                --output
                """)
    }

    /// The data of a resumed run differ from those of the checkpoint.
    package static func otherData(_ checkpoint: String, was: String, now: String) -> RunMismatchError {
        RunMismatchError(
            description: """
                \(checkpoint): the data are not those this run was started with: their digest was \(was.prefix(12))…, \
                it is \(now.prefix(12))… now. \
                Resume with the files that the run was started with, or give another folder by --output
                """)
    }

    /// The data of a resumed run are made in another way from texts or pictures.
    package static func otherPreparation(
        _ checkpoint: String, _ modality: Modality, was: SamplePreparation, now: SamplePreparation
    ) -> RunMismatchError {
        RunMismatchError(
            description: """
                \(checkpoint): the \(modality) samples are made in another way than those this run was started with: \
                \(was.difference(from: now)). Resume with the files that the run was started with, or give another \
                folder by --output
                """)
    }

    /// Processes of a run differ.
    /// - Parameter differences: what differs, who has which value.
    static func processesDiffer(_ differences: [String]) -> RunMismatchError {
        let shown = differences.prefix(12).map { "    \($0)" }.joined(separator: "\n")
        return RunMismatchError(
            description: """
                the ranks of this run differ:
                \(shown)\(differences.count > 12 ? "\n    and \(differences.count - 12) more" : "")
                Start all ranks with the same program, arguments and files
                """)
    }

    /// The data of a resumed run are elsewhere, and its checkpoint does not say what they were.
    static func unknownData(_ checkpoint: String, moved: [String]) -> RunMismatchError {
        RunMismatchError(
            description: """
                \(checkpoint): names no digest of the data, so that data at another path cannot be compared:
                \(moved.map { "    \($0)" }.joined(separator: "\n"))
                Resume with the path that the run was started with
                """)
    }

    /// Workers have read different configs or run different versions of the program.
    package static func ranksDiffer(_ workers: [Int]) -> RunMismatchError {
        RunMismatchError(
            description: """
                workers \(list(workers)) have another config or version of couplet than worker 0; \
                start all ranks with the same program, arguments and files
                """)
    }

    private static func list(_ workers: [Int]) -> String { workers.map(String.init).joined(separator: ", ") }
}
