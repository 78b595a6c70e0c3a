import ArgumentParser
import CoupletText
import CoupletTraining
import Glibc

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine and this mpirun provide, what is wrong, and what to do.",
        discussion: """
            The exit code is 69 if something does not work, and 0 if there are only warnings.

              couplet doctor
              mpirun -n 2 couplet doctor
            """)

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let processor = ProcessorCheck()
        let memory = MemoryCheck()
        let launch = LaunchCheck()
        let kernels = KernelsCheck()
        let openBLAS = OpenBLASCheck()
        let hdf5 = HDF5Check()
        let collectives = CollectivesCheck()
        let findings =
            processor.findings + memory.findings + kernels.findings + openBLAS.findings(on: processor) + launch.findings
            + collectives.findings + hdf5.findings
        if launch.isFirstRank {
            if json {
                print(
                    JSONValue.object([
                        "version": .string(Version.number), "cpu": processor.json, "memory": memory.json,
                        "kernels": kernels.json, "openblas": openBLAS.json, "mpi": launch.json,
                        "collectives": collectives.json, "hdf5": hdf5.json, "findings": .array(findings.map(\.json)),
                    ]).indentedText())
            } else {
                print(Self.report(findings))
            }
        }
        if findings.contains(where: { $0.severity == .bad }) { throw ErrorExit(status: .unavailable) }
    }

    private static func report(_ findings: [Finding]) -> String {
        let warnings = findings.count { $0.severity == .warning }
        let bad = findings.count { $0.severity == .bad }
        let summary =
            bad > 0
            ? "\(bad) bad, \(warnings) to look at" : warnings > 0 ? "works; \(warnings) to look at" : "all is well"
        return (findings.map(\.text) + [summary]).joined(separator: "\n")
    }
}

/// One result of a check of this machine.
package struct Finding: Equatable {
    package enum Severity: String {
        case good
        /// It works, but not as well as it could.
        case warning
        /// It does not work.
        case bad
    }

    package let severity: Severity
    package let topic: String
    package let message: String
    /// What to do; empty if nothing is wrong.
    package let remedy: String

    init(_ severity: Severity, _ topic: String, _ message: String, remedy: String = "") {
        self.severity = severity
        self.topic = topic
        self.message = message
        self.remedy = remedy
    }

    /// A line in columns, and a second line for the remedy.
    fileprivate var text: String {
        let mark =
            switch severity {
            case .good: "ok      "
            case .warning: "warning "
            case .bad: "BAD     "
            }
        let line = mark + topic + String(repeating: " ", count: max(1, 10 - topic.count)) + message
        return remedy.isEmpty ? line : line + "\n" + String(repeating: " ", count: 18) + "→ " + remedy
    }

    fileprivate var json: JSONValue {
        .object([
            "severity": .string(severity.rawValue), "topic": .string(topic), "message": .string(message),
            "remedy": .string(remedy),
        ])
    }
}

/// The value of an environment variable; nil if it is unset or empty.
func environmentVariable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
}
