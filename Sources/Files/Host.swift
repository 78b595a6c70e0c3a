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

/// The memory of this machine, and of the control group (container) of this process, in bytes.
package enum HostMemory {
    /// The physical memory of the machine.
    package static var physical: Int {
        let (pages, pageSize) = (sysconf(CInt(_SC_PHYS_PAGES)), sysconf(CInt(_SC_PAGESIZE)))
        return pages * pageSize
    }

    /// The memory of the machine that can be allocated without swapping; nil if the kernel does not say.
    package static var free: Int? { ProcFile.bytes("/proc/meminfo", "MemAvailable") }

    /// The limit of the control group; nil if it has none.
    package static var limit: Int? { ProcFile.number("/sys/fs/cgroup/memory.max") }

    /// The memory that this process can still allocate: the free memory of the machine, or the rest of the control
    /// group's limit if that is less. `Int.max` if neither is known.
    package static var available: Int {
        let free = free ?? .max
        guard let limit, let used = ProcFile.number("/sys/fs/cgroup/memory.current") else { return free }
        return min(free, max(0, limit - used))
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
