import CoupletText

/// Something `doctor` found out about this machine.
struct Finding: Equatable {
    enum Severity: String {
        case good
        /// Works, but slower or otherwise than it could.
        case warning
        /// Does not work.
        case bad
    }

    let severity: Severity
    let topic: String
    let message: String
    /// What to do; empty where nothing is wrong.
    let remedy: String

    init(_ severity: Severity, _ topic: String, _ message: String, remedy: String = "") {
        self.severity = severity
        self.topic = topic
        self.message = message
        self.remedy = remedy
    }

    var json: JSONValue {
        .object([
            "severity": .string(severity.rawValue), "topic": .string(topic), "message": .string(message),
            "remedy": .string(remedy),
        ])
    }
}
