import CoupletText
import Foundation

extension CollectivesBenchmark {
    /// What was asked and how long everything took.
    package func json(_ result: Result) -> JSONValue {
        func times(_ times: BenchmarkTimes) -> [(String, JSONValue)] {
            [("median_seconds", .number(times.median)), ("minimum_seconds", .number(times.minimum))]
        }
        func list(_ measurements: [Measurement]) -> JSONValue {
            .array(
                measurements.map {
                    .object(
                        [("bytes", .integer($0.bytes))] + times($0.times) + [
                            ("gigabytes_per_second", .number($0.gigabytesPerSecond))
                        ])
                })
        }
        return .object([
            ("benchmark", .string("collectives")), ("workers", .integer(result.workers)),
            ("processes", .integer(result.processes)),
            ("repeat", .integer(repetitions)), ("largest", .integer(largest)),
            ("barrier", .object(times(result.barrier))),
            ("all_gather", .object([("scalars", .integer(Self.scalars))] + times(result.allGather))),
            ("exchange_near", list(result.near)), ("exchange_far", list(result.far)),
            ("tree_sum", list(result.treeSum)),
            ("peak_memory_mib", .number(result.peakMemoryMiB)),
        ])
    }

    /// A table to read.
    package func text(_ result: Result) -> String {
        let who =
            "\(result.workers) \(result.workers == 1 ? "worker" : "workers") in \(result.processes) \(result.processes == 1 ? "process" : "processes")"
        let near = result.near.isEmpty ? nil : result.near, far = result.workers > 2 ? result.far : nil
        // Nearest partners are threads of one process, if processes have several.
        let isNearCopied = result.processes == result.workers
        func columns(_ measurement: Measurement?, isCopied: Bool = true) -> String {
            guard let measurement else { return "" }
            return Self.right(BenchmarkResult.time(measurement.times.median), 14)
                + Self.right(isCopied ? String(format: "%.2f GB/s", measurement.gigabytesPerSecond) : "not copied", 14)
        }
        var lines = [
            "\(who), medians of \(repetitions)", "barrier          \(BenchmarkResult.time(result.barrier.median))",
            "\(Self.scalars) scalars each  \(BenchmarkResult.time(result.allGather.median))",
            Self.right("buffer", 10) + Self.right("tree sum", 28) + (near == nil ? "" : Self.right("swap, nearest", 28))
                + (far == nil ? "" : Self.right("swap, farthest", 28)),
        ]
        for (place, sum) in result.treeSum.enumerated() {
            lines.append(
                Self.right(MemorySize.text(sum.bytes), 10) + columns(sum)
                    + columns(near?[place], isCopied: isNearCopied)
                    + columns(far?[place], isCopied: result.processes > 1))
        }
        return lines.joined(separator: "\n")
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
}
