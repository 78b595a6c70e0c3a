/// A config that cannot be used, with everything found wrong in it.
public struct ConfigurationError: Error, CustomStringConvertible, Equatable, Sendable {
    /// One thing wrong: where, which key, what, and what to do.
    public struct Problem: Equatable, Sendable, CustomStringConvertible {
        /// The file and its line and column from 1, or the `--set` argument, where it is written.
        public enum Location: Equatable, Sendable {
            case file(name: String, line: Int, column: Int)
            case override(String)

            var isArgument: Bool {
                if case .override = self { true } else { false }
            }
        }

        public let place: Location
        /// The key with its blocks, such as `optimizer.learning_rate`; empty where the trouble is with YAML itself.
        public let key: String
        public let reason: String

        public init(place: Location, key: String, reason: String) {
            self.place = place
            self.key = key
            self.reason = reason
        }

        public var description: String {
            let position =
                switch place {
                case .file(let name, let line, let column): "\(name):\(line):\(column)"
                case .override(let text): "--set \(text)"
                }
            return "\(position): " + (key.isEmpty ? "" : "\(key): ") + reason
        }
    }

    /// In the order of the file, then of the `--set` arguments; at least one.
    public let problems: [Problem]

    public init(_ problems: [Problem]) {
        precondition(!problems.isEmpty, "an error without a problem")
        self.problems = problems
    }

    /// One line a problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
