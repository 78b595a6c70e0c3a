#if canImport(Glibc)
    import Glibc
#endif

/// The name of this host and the memory that it has left.
package enum HostMemory {
    /// This host's name.
    package static var name: String {
        var name = [CChar](repeating: 0, count: 256)
        return gethostname(&name, 255) == 0
            ? String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
    }

    /// The bytes that this process could still get: the host's, or less where its control group has a limit. As much as can be where nobody tells.
    package static var available: Int {
        let host = ProcFile.read("/proc/meminfo", "MemAvailable:").map { $0 * 1_024 } ?? .max
        guard let limit = ProcFile.read("/sys/fs/cgroup/memory.max", ""),
            let used = ProcFile.read("/sys/fs/cgroup/memory.current", "")
        else { return host }
        return min(host, max(0, limit - used))
    }
}
