import CoupletText
import Glibc

/// The CPU, and how much of it this process may use.
struct Processor {
    /// The widest vectors that the kernels are built for and this CPU has.
    enum VectorLevel: String {
        case avx512 = "AVX-512"
        case avx2 = "AVX2"
        case baseline
    }

    let model: String
    let vectorLevel: VectorLevel
    let cores: Int
    /// The cores this process may run on, as Linux writes them: "0-3,8".
    let allowed: String
    let allowedCount: Int
    /// The container's share in cores; nil where it has no limit.
    let quota: Double?

    init() {
        let description = SystemText.file("/proc/cpuinfo") ?? ""
        model = SystemText.value(of: "model name", in: description) ?? "unknown"
        let flags = Set((SystemText.value(of: "flags", in: description) ?? "").split(separator: " ").map(String.init))
        vectorLevel =
            flags.contains("avx512f")
            ? .avx512 : flags.isSuperset(of: ["avx2", "bmi1", "bmi2", "fma", "movbe"]) ? .avx2 : .baseline
        cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        allowed = SystemText.value(of: "Cpus_allowed_list", in: SystemText.file("/proc/self/status") ?? "") ?? ""
        allowedCount = Processor.count(ofList: allowed)
        let share = (SystemText.file("/sys/fs/cgroup/cpu.max") ?? "").split(separator: " ").map(SystemText.trimmed)
        if share.count == 2, let time = Double(share[0]), let period = Double(share[1]), period > 0 {
            quota = time / period
        } else {
            quota = nil
        }
    }

    /// How many numbers "0-3,8" names: 5.
    static func count(ofList list: String) -> Int {
        list.split(separator: ",").reduce(0) { sum, part in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            return sum + (ends.count == 2 ? max(0, ends[1] - ends[0] + 1) : ends.count)
        }
    }

    var findings: [Finding] {
        var findings = [
            Finding(
                .good, "cpu",
                "\(model), \(vectorLevel.rawValue), \(cores) cores, of which this process may use \(allowedCount) (\(allowed))"
            )
        ]
        if let quota, quota < Double(allowedCount) {
            findings.append(
                Finding(
                    .warning, "cpu",
                    "the container's limit is the time of \(Decimal.text(quota, digits: 1)) cores, below the \(allowedCount) it may use",
                    remedy: "give --threads \(Processor.powerOfTwo(atMost: max(1, Int(quota))))"))
        }
        if vectorLevel == .baseline {
            findings.append(
                Finding(
                    .warning, "cpu", "no AVX2: products and kernels run several times slower",
                    remedy: "use a CPU from 2013 or later"))
        }
        return findings
    }

    var json: JSONValue {
        .object([
            "model": .string(model), "vector_level": .string(vectorLevel.rawValue), "cores": .integer(cores),
            "allowed_cores": .integer(allowedCount), "affinity": .string(allowed),
            "quota": quota.map { .number($0) } ?? .null,
        ])
    }

    static func powerOfTwo(atMost number: Int) -> Int { 1 << (Int.bitWidth - 1 - number.leadingZeroBitCount) }
}
