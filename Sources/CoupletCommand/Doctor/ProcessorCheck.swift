import CoupletFiles
import CoupletText
import CoupletTraining
import Glibc

/// The CPU, and the part of it that this process may use.
package struct ProcessorCheck {
    /// The widest vectors that OpenBLAS's kernels use and this CPU has.
    package enum VectorLevel: String, Comparable {
        case baseline
        case avx2 = "AVX2"
        case avx512 = "AVX-512"

        package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }

        private var rank: Int {
            switch self {
            case .baseline: 0
            case .avx2: 1
            case .avx512: 2
            }
        }
    }

    let model: String
    /// Such as "GenuineIntel".
    let vendor: String
    /// Features as /proc/cpuinfo names them, such as "avx2".
    let flags: Set<String>
    let cores: Int
    /// The cores that this process may run on, as Linux writes them: "0-3,8".
    let affinity: String
    /// The container's limit in cores; nil if it has none.
    let quota: Double?

    init() {
        let status = ProcFile.text("/proc/self/status") ?? ""
        self.init(
            cpuinfo: ProcFile.text("/proc/cpuinfo") ?? "", cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)),
            affinity: ProcFile.value(of: "Cpus_allowed_list", in: status) ?? "",
            quota: ControlGroupCPU.quota)
    }

    /// - Parameter cpuinfo: the text of /proc/cpuinfo.
    package init(cpuinfo: String, cores: Int, affinity: String, quota: Double?) {
        model = ProcFile.value(of: "model name", in: cpuinfo) ?? "unknown"
        vendor = ProcFile.value(of: "vendor_id", in: cpuinfo) ?? ""
        flags = Set((ProcFile.value(of: "flags", in: cpuinfo) ?? "").split(separator: " ").map(String.init))
        self.cores = cores
        self.affinity = affinity
        self.quota = quota
    }

    package var vectorLevel: VectorLevel {
        if flags.contains("avx512f") { return .avx512 }
        return flags.isSuperset(of: ["avx2", "bmi1", "bmi2", "fma", "movbe"]) ? .avx2 : .baseline
    }

    /// The OpenBLAS core type whose kernels use the widest vectors that this CPU has; nil for CPUs without AVX2.
    package var bestCoreType: String? {
        if flags.isSuperset(of: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]) { return "SKYLAKEX" }
        guard flags.isSuperset(of: ["avx2", "fma"]) else { return nil }
        return vendor == "AuthenticAMD" ? "ZEN" : "HASWELL"
    }

    /// Number of cores in a list such as "0-3,8", which has 5.
    private var allowedCores: Int {
        affinity.split(separator: ",").reduce(0) { sum, part in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            return sum + (ends.count == 2 ? max(0, ends[1] - ends[0] + 1) : ends.count)
        }
    }

    var findings: [Finding] {
        var findings = [
            Finding(
                .good, "cpu",
                "\(model), \(vectorLevel.rawValue), \(cores) cores; this process may use "
                    + "\(allowedCores) (\(affinity))")
        ]
        if let quota, quota < Double(allowedCores) {
            findings.append(
                Finding(
                    .good, "cpu",
                    "the control group is limited to the time of \(NumberText.fixed(quota, 1)) cores: "
                        + "a process takes at most \(max(1, Int(quota))) threads unless --threads says otherwise"))
        }
        return findings
    }

    var json: JSONValue {
        .object([
            "model": .string(model), "vector_level": .string(vectorLevel.rawValue), "cores": .integer(cores),
            "allowed_cores": .integer(allowedCores), "affinity": .string(affinity),
            "quota": quota.map { .number($0) } ?? .null,
        ])
    }
}

/// The memory of this machine, and the container's limit, in MiB.
struct MemoryCheck {
    private let totalMiB = HostMemory.physical >> 20
    private let availableMiB = (HostMemory.free ?? 0) >> 20
    /// Nil if the container has no limit.
    private let limitMiB = HostMemory.limit.map { $0 >> 20 }

    var findings: [Finding] {
        let limit = limitMiB.map { "; the container may use \($0)" } ?? ""
        var findings = [Finding(.good, "memory", "\(availableMiB) of \(totalMiB) MiB are free\(limit)")]
        if min(availableMiB, limitMiB ?? .max) < 512 {
            findings.append(
                Finding(
                    .warning, "memory", "less than 512 MiB are free",
                    remedy: "end other programs, or use a smaller batch"))
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
