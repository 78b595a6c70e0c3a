import Collectives

#if canImport(Glibc)
import Glibc
#endif

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
    private static func field(_ name: String) -> Int {
        guard let file = fopen("/proc/self/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("\(name):") else { continue }
            return (Int(text.filter { ("0"..."9").contains($0) }) ?? 0) * 1_024
        }
        return 0
    }
}
