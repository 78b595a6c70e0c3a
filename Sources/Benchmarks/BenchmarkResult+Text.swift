import Foundation

extension BenchmarkResult {
    /// Lines to read.
    package var text: String {
        func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
        let who =
            processes > 1 ? "\(workers) workers in \(processes) ranks" : workers > 1 ? "\(workers) threads" : "1 thread"
        return """
            median   \(Self.time(times.median)) of \(times.seconds.count), least \(Self.time(times.minimum)), on \(who)
            speed    \(number(gigaflops, 1)) GFLOP/s, \(number(100 * peakShare, 1)) % of the \(number(peakGigaflops, 1)) of plain matrix products here
            memory   \(number(peakMemoryMiB, 1)) MiB at most
            """
    }

    /// In the unit that suits it.
    static func time(_ seconds: Double) -> String {
        seconds >= 1
            ? String(format: "%.3f s", seconds)
            : seconds >= 1e-3
                ? String(format: "%.3f ms", 1e3 * seconds)
                : String(format: "%.2f µs", 1e6 * seconds)
    }
}
