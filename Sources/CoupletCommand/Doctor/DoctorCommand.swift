import ArgumentParser
import CoupletText
import CoupletTraining

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine and this mpirun give, what is wrong, and what to do.",
        discussion: """
            Ends with 69 where something does not work; a warning alone ends with 0.

              couplet doctor
              mpirun -n 2 couplet doctor
            """)

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let (processor, memory, launch) = (Processor(), Memory(), Launch())
        let product = ProductCheck()
        let file = FileCheck()
        let collectives = CollectiveCheck()
        let findings =
            processor.findings + memory.findings + product.findings(on: processor) + launch.findings
            + collectives.findings + file.findings
        let bad = findings.filter { $0.severity == .bad }.count
        if launch.isFirst {
            if json {
                print(
                    JSONValue.object([
                        "version": .string(Version.number), "cpu": processor.json, "memory": memory.json,
                        "openblas": product.json,
                        "mpi": launch.json, "collectives": collectives.json, "hdf5": file.json,
                        "findings": .array(findings.map(\.json)),
                    ]).indentedText())
            } else {
                print(DoctorCommand.report(findings))
            }
        }
        if bad > 0 { throw Failure.Exit(status: .unavailable) }
    }

    private static func report(_ findings: [Finding]) -> String {
        let warnings = findings.filter { $0.severity == .warning }.count
        let bad = findings.filter { $0.severity == .bad }.count
        let lines = findings.map { finding in
            let mark =
                switch finding.severity {
                case .good: "ok      "
                case .warning: "warning "
                case .bad: "BAD     "
                }
            let topic = finding.topic + String(repeating: " ", count: max(1, 10 - finding.topic.count))
            return mark + topic + finding.message
                + (finding.remedy.isEmpty ? "" : "\n" + String(repeating: " ", count: 18) + "→ " + finding.remedy)
        }
        let summary =
            bad > 0
            ? "\(bad) bad, \(warnings) to look at" : warnings > 0 ? "works; \(warnings) to look at" : "all is well"
        return (lines + [summary]).joined(separator: "\n")
    }
}
