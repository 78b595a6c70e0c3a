import Collectives
import Storage

/// The resident memory of this process, in bytes, as Linux counts it.
package enum ProcessMemory {
    /// The most that there was at any time.
    package static var peak: Int { field("VmHWM") }
    package static var now: Int { field("VmRSS") }

    /// Of the process that has most, in MiB.
    static func peakMiB(on communicator: any Communicator) throws -> Double {
        try communicator.allGather(numbers: [Double(peak) / 1_048_576]).reduce(0, max)
    }

    /// A line of /proc/self/status, such as "VmHWM:     12345 kB"; 0 where there is none.
    private static func field(_ name: String) -> Int { (SystemFigure.read("/proc/self/status", "\(name):") ?? 0) * 1_024 }
}
