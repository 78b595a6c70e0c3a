/// Two sides of a run that must agree and do not: a run and the config it is resumed with, or the ranks among themselves.
public struct RunMismatchError: Error, CustomStringConvertible, Sendable {
    public let description: String

    /// A config that cannot go on where a run of another ended.
    /// - Parameter differences: the keys that differ, each with both values.
    static func cannotResume(_ folder: String, differences: [String]) -> RunMismatchError {
        RunMismatchError(
            description: """
                \(folder): the config is not the one this run was started with:
                \(differences.map { "    \($0)" }.joined(separator: "\n"))
                Resume with the run's own values (name, train and evaluation may change), or give another folder by --output
                """)
    }

    /// Ranks that read different configs or run different versions.
    package static func ranksDiffer(_ workers: [Int]) -> RunMismatchError {
        RunMismatchError(
            description: """
                workers \(workers.map(String.init).joined(separator: ", ")) have another config or version of couplet than worker 0; \
                start all ranks with the same program, arguments and files
                """)
    }
}
