import CoupletText

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
            return "\(position): " + (key.isEmpty ? "" : "\(TerminalText.shortened(key)): ") + reason
        }
    }

    /// At least one problem, in the order of the file; problems of `--set` arguments follow.
    public let problems: [Problem]

    public init(_ problems: [Problem]) {
        precondition(!problems.isEmpty, "a ConfigurationError needs at least one problem")
        self.problems = problems
    }

    /// Number of problems that the description has.
    private static let shownCount = 20

    /// One line for each problem. Of many problems only the first ones, and the number of the others.
    public var description: String {
        let hidden = problems.count > Self.shownCount ? problems.count - Self.shownCount : 0
        let lines = problems.prefix(Self.shownCount).map(\.description)
        let rest = hidden == 0 ? [] : ["and \(hidden) more \(hidden == 1 ? "problem" : "problems")"]
        return (lines + rest).joined(separator: "\n")
    }
}
