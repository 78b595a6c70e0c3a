import CoupletText
import Glibc

/// The name of the machine on which this process runs.
package enum HostName {
    /// "host" if the machine has no name.
    package static let current: String = {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "host" : name
    }()
}

/// The processors of the machine.
package enum HostProcessors {
    /// Number of cores, at least 1.
    package static var count: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

/// The memory of this machine, and of the control groups (containers, jobs) of this process, in bytes.
package enum HostMemory {
    /// The physical memory of the machine.
    package static var physical: Int {
        let (pages, pageSize) = (sysconf(CInt(_SC_PHYS_PAGES)), sysconf(CInt(_SC_PAGESIZE)))
        return pages * pageSize
    }

    /// The memory of the machine that can be allocated without swapping; nil if the kernel does not say.
    package static var free: Int? { ProcFile.bytes("/proc/meminfo", "MemAvailable") }

    /// The limit of the control groups; nil if they have none.
    package static var limit: Int? { ControlGroupMemory.current?.limit }

    /// The memory that this process can still allocate: the smallest of `bounds`, without swapping. `Int.max` if none
    /// is known.
    package static var available: Int {
        min(free ?? .max, (bounds.filter { $0.kind != .machine }).map(\.bytes).min() ?? .max)
    }

    /// What bounds the memory that this process can still take.
    package static var bounds: [MemoryBound] {
        var bounds: [MemoryBound] = []
        if let free {
            let swap = ProcFile.bytes("/proc/meminfo", "SwapFree") ?? 0
            bounds.append(MemoryBound(.machine, bytes: free + swap, text: "free on \(HostName.current)"))
        }
        if let group = ControlGroupMemory.current {
            let text = "left of the limit of the container or job (control group), \(MemorySize.rounded(group.limit))"
            bounds.append(MemoryBound(.controlGroup, bytes: group.rest, text: text))
        }
        for (name, command, used) in [
            (RLIMIT_AS, "ulimit -v", "VmSize"), (RLIMIT_DATA, "ulimit -d", "VmData"),
        ] {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(name.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(Int.max) else {
                continue
            }
            let total = Int(limit.rlim_cur), rest = total - (ProcFile.bytes("/proc/self/status", used) ?? 0)
            let text = "left of the limit of the process (\(command)), \(MemorySize.rounded(total))"
            bounds.append(MemoryBound(.process, bytes: max(0, rest), text: text))
        }
        return bounds
    }
}

/// A limit of the address space (`ulimit -v`), which counts memory that is only reserved.
package enum AddressSpace {
    package static var isLimited: Bool {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 && limit.rlim_cur < rlim_t(Int.max)
    }

    /// Makes the threads share one heap if the address space is limited: each heap of their own would reserve 64 MiB.
    package static func shareHeap() {
        typealias Option = @convention(c) (CInt, CInt) -> CInt
        guard isLimited, let option = dlsym(nil, "mallopt") else { return }
        let arenaMaximum: CInt = -8
        _ = unsafeBitCast(option, to: Option.self)(arenaMaximum, 1)
    }

    /// Ends the process. Where the address space is limited the exit handlers of libraries do not run: OpenBLAS's waits
    /// for its threads, and a thread without a buffer asks for one for ever.
    package static func endProcess(_ code: Int32) -> Never {
        guard isLimited else { exit(code) }
        fflush(nil)
        _exit(code)
    }
}

/// One bound of the memory that a process can still take.
package struct MemoryBound: Sendable {
    package enum Kind: String, Sendable {
        /// The machine's memory; the processes of a machine share it.
        case machine
        /// A control group's limit; the processes of a job on a machine share it.
        case controlGroup
        /// A limit of the process alone (`ulimit`).
        case process
    }

    package let kind: Kind
    /// What the process can still take.
    package let bytes: Int
    /// The words after the number in messages: "free on node7".
    package let text: String

    package init(_ kind: Kind, bytes: Int, text: String) {
        (self.kind, self.bytes, self.text) = (kind, bytes, text)
    }
}

/// The time that a control group may compute, in CPUs.
package enum ControlGroupCPU {
    /// The lowest limit of the group of this process and the groups around it; nil if there is none.
    package static var quota: Double? {
        quota(root: "/sys/fs/cgroup", membership: ProcFile.text("/proc/self/cgroup") ?? "")
    }

    /// - Parameters:
    ///   - root: where the control groups are mounted.
    ///   - membership: the text of /proc/self/cgroup.
    package static func quota(root: String, membership: String) -> Double? {
        ControlGroup.folders(root: root, membership: membership, controller: "cpu").compactMap { folder, isVersion2 in
            let numbers: [Double?]
            if isVersion2 {
                // "QUOTA PERIOD" in microseconds, or "max PERIOD".
                numbers = (ProcFile.text("\(folder)/cpu.max") ?? "").split(whereSeparator: \.isWhitespace)
                    .map { Double($0) }
            } else {
                // The quota is -1 without a limit.
                numbers = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map {
                    (ProcFile.text("\(folder)/\($0)")?.trimmed).flatMap { Double($0) }
                }
            }
            guard numbers.count == 2, let time = numbers[0], let period = numbers[1], time > 0, period > 0 else {
                return nil
            }
            return time / period
        }.min()
    }
}

/// The control groups of this process.
private enum ControlGroup {
    /// The folders of the group of this process and of the groups around it.
    static func folders(
        root: String, membership: String, controller: String
    ) -> [(folder: String, isVersion2: Bool)] {
        membership.split(separator: "\n").flatMap { line -> [(folder: String, isVersion2: Bool)] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let isVersion2 = fields[1].isEmpty
            guard isVersion2 || fields[1].split(separator: ",").contains(Substring(controller)) else { return [] }
            let base = isVersion2 ? root : "\(root)/\(controller)"
            // A container sees its own group as the root, while the path may be that of the machine.
            let parts = fields[2].split(separator: "/").map(String.init)
            return (0...parts.count).reversed().map {
                (([base] + parts.prefix($0)).joined(separator: "/"), isVersion2)
            }
        }
    }
}

/// The memory limit of a control group, and what the group uses of it. Versions 1 and 2 of control groups have other
/// file names.
package struct ControlGroupMemory: Equatable, Sendable {
    package let limit: Int
    /// Without the cache of files, which the kernel drops when memory is short.
    package let used: Int

    package init(limit: Int, used: Int) { (self.limit, self.used) = (limit, used) }

    package var rest: Int { max(0, limit - used) }

    /// The limit that leaves the least, of the group of this process and the groups around it; nil if there is none.
    package static var current: ControlGroupMemory? {
        tightest(root: "/sys/fs/cgroup", membership: ProcFile.text("/proc/self/cgroup") ?? "")
    }

    /// - Parameters:
    ///   - root: where the control groups are mounted.
    ///   - membership: the text of /proc/self/cgroup: lines "ID:CONTROLLERS:/PATH", without controllers in version 2.
    package static func tightest(root: String, membership: String) -> ControlGroupMemory? {
        ControlGroup.folders(root: root, membership: membership, controller: "memory").compactMap {
            $0.isVersion2 ? version2($0.folder) : version1($0.folder)
        }.min { $0.rest < $1.rest }
    }

    private static func version2(_ folder: String) -> ControlGroupMemory? {
        group(folder, limit: "memory.max", usage: "memory.current", caches: ["active_file", "inactive_file"])
    }

    private static func version1(_ folder: String) -> ControlGroupMemory? {
        group(
            folder, limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
            caches: ["total_active_file", "total_inactive_file"])
    }

    private static func group(_ folder: String, limit: String, usage: String, caches: [String]) -> ControlGroupMemory? {
        // Version 1 writes a number near 2^63 for no limit.
        guard let limit = ProcFile.number("\(folder)/\(limit)"), limit < 1 << 60,
            let used = ProcFile.number("\(folder)/\(usage)")
        else { return nil }
        let statistics = ProcFile.text("\(folder)/memory.stat") ?? ""
        let cached = statistics.split(separator: "\n").reduce(0) { sum, line in
            let fields = line.split(separator: " ")
            return fields.count == 2 && caches.contains(String(fields[0])) ? sum + (Int(fields[1]) ?? 0) : sum
        }
        return ControlGroupMemory(limit: limit, used: max(0, used - cached))
    }
}

/// The resident memory of this process in bytes; 0 if the kernel does not say.
package enum ProcessMemory {
    package static var current: Int { ProcFile.bytes("/proc/self/status", "VmRSS") ?? 0 }
    /// The largest resident memory since the process started.
    package static var peak: Int { ProcFile.bytes("/proc/self/status", "VmHWM") ?? 0 }
}

/// Reads files of /proc and /sys, in which the Linux kernel describes the machine and its processes.
package enum ProcFile {
    /// The content of a file; nil if it cannot be read.
    package static func text(_ path: String) -> String? { try? FileSystem.text(at: path) }

    /// The value in the first line "KEY: VALUE" whose key begins with `key`, without spaces at its ends; nil if there
    /// is none.
    package static func value(of key: String, in text: String) -> String? {
        for line in text.split(separator: "\n") where line.hasPrefix(key) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return line[line.index(after: colon)...].trimmed
        }
        return nil
    }

    /// The whole number at the start of a file; nil if the file is missing or starts with another text, such as "max".
    package static func number(_ path: String) -> Int? { text(path).flatMap(leadingNumber) }

    /// The bytes in a line "KEY: NUMBER kB"; nil if there is no such file or line.
    static func bytes(_ path: String, _ key: String) -> Int? {
        text(path).flatMap { value(of: key + ":", in: $0) }.flatMap(leadingNumber).map { $0 * 1_024 }
    }

    private static func leadingNumber(_ text: String) -> Int? { Int(text.prefix { ("0"..."9").contains($0) }) }
}

extension StringProtocol {
    /// The text without white space at its ends.
    package var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
