/// A config cannot be used. The error holds every problem that was found in it.
public struct ConfigurationError: Error, CustomStringConvertible, Equatable, Sendable {
    /// One problem: where it is, which key it is about, what is wrong, and what to do.
    public struct Problem: Equatable, Sendable, CustomStringConvertible {
        /// Where the value was written. Lines and columns are counted from 1.
        public enum Location: Equatable, Sendable {
            case file(name: String, line: Int, column: Int)
            /// The argument of `--set`.
            case override(String)
        }

        public let location: Location
        /// The key with its blocks, such as `optimizer.learning_rate`; empty if the text is not valid YAML.
        public let key: String
        public let reason: String

        public init(at location: Location, key: String, reason: String) {
            self.location = location
            self.key = key
            self.reason = reason
        }

        public var description: String {
            let position =
                switch location {
                case .file(let name, let line, let column): "\(name):\(line):\(column)"
                case .override(let text): "--set \(text)"
                }
            return "\(position): " + (key.isEmpty ? "" : "\(key): ") + reason
        }
    }

    /// At least one problem, in the order of the file; problems of `--set` arguments follow.
    public let problems: [Problem]

    public init(_ problems: [Problem]) {
        precondition(!problems.isEmpty, "a ConfigurationError needs at least one problem")
        self.problems = problems
    }

    /// One line for each problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
