import CoupletText

/// The memory of this machine, or of the container where that is less.
struct Memory {
    let totalMiB: Int
    let availableMiB: Int
    /// The container's limit; nil where it has none.
    let limitMiB: Int?

    init() {
        let text = SystemText.file("/proc/meminfo") ?? ""
        func mebibytes(_ key: String) -> Int {
            SystemText.value(of: key, in: text).flatMap { $0.split(separator: " ").first }.flatMap { Int($0) }.map {
                $0 / 1_024
            } ?? 0
        }
        totalMiB = mebibytes("MemTotal")
        availableMiB = mebibytes("MemAvailable")
        limitMiB = SystemText.file("/sys/fs/cgroup/memory.max").map(SystemText.trimmed).flatMap { Int($0) }.map {
            $0 >> 20
        }
    }

    var findings: [Finding] {
        let limit = limitMiB.map { ", of which the container may use \($0)" } ?? ""
        var findings = [Finding(.good, "memory", "\(availableMiB) MiB of \(totalMiB) are free\(limit)")]
        if min(availableMiB, limitMiB ?? .max) < 512 {
            findings.append(
                Finding(
                    .warning, "memory", "less than 512 MiB are free",
                    remedy: "end other programs, or take a smaller batch"))
        }
        return findings
    }

    var json: JSONValue {
        .object([
            "total_mib": .integer(totalMiB), "available_mib": .integer(availableMiB),
            "limit_mib": limitMiB.map { .integer($0) } ?? .null,
        ])
    }
}
