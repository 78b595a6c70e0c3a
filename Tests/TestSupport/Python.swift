/// python3, with h5py, as an independent reader and writer of the same files.
public enum Python {
    /// Whether python3 can be started. Prints a line, once, where it cannot.
    public static let hasPython: Bool = {
        let isThere = (try? run("")) != nil
        if !isThere { print("There is no python3 in PATH: what it would confirm is not tested.") }
        return isThere
    }()

    /// Whether python3 has h5py and numpy. Prints a line, once, where it does not.
    public static let isAvailable: Bool = {
        let isThere = (try? run("import h5py, numpy")) != nil
        if !isThere { print("There is no python3 with h5py and numpy: what they would confirm is not tested.") }
        return isThere
    }()

    /// Whether python3 has these modules. Prints a line where it does not.
    public static func has(_ modules: String...) -> Bool {
        let names = modules.joined(separator: ", ")
        let isThere = (try? run("import \(names)")) != nil
        if !isThere { print("There is no python3 with \(names): what they would confirm is not tested.") }
        return isThere
    }

    /// A Python program that ended with an error; the description is its standard error.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Runs a program, which finds its arguments in `sys.argv[1:]`.
    /// - Returns: what it prints.
    /// - Throws: `Failure` where its exit code is not 0.
    @discardableResult
    public static func run(_ program: String, _ arguments: String...) throws -> String {
        let result = try CompletedProcess(["python3", "-c", program] + arguments)
        if result.exitCode != 0 { throw Failure(description: result.errors) }
        return result.output
    }
}
