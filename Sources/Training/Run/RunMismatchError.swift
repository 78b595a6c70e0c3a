/// Two sides of a run that must agree and do not: a run and the config it is resumed with, or the ranks among themselves.
public struct RunMismatchError: Error, CustomStringConvertible, Sendable {
    public let description: String

    package init(description: String) { self.description = description }

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

    /// Data that are not those that a run goes on with.
    static func otherData(_ checkpoint: String, was: String, now: String) -> RunMismatchError {
        RunMismatchError(
            description: """
                \(checkpoint): the data are not those this run was started with: their digest was \(was.prefix(12))…, it is \(now.prefix(12))… now. \
                Resume with the files that the run was started with, or give another folder by --output
                """)
    }

    /// Ranks that read different data.
    static func dataDiffer(_ workers: [Int]) -> RunMismatchError {
        RunMismatchError(
            description: """
                workers \(workers.map(String.init).joined(separator: ", ")) have read other data than worker 0, under the same names; \
                give all hosts the same files
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
