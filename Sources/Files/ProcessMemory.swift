/// The resident memory of this process, in bytes, as Linux counts it.
package enum ProcessMemory {
    /// The most that there was at any time.
    package static var peak: Int { field("VmHWM") }
    package static var now: Int { field("VmRSS") }

    /// A line of /proc/self/status, such as "VmHWM:     12345 kB"; 0 where there is none.
    private static func field(_ name: String) -> Int { (ProcFile.read("/proc/self/status", "\(name):") ?? 0) * 1_024 }
}
