import CoupletCommunication
import CoupletFiles
import CoupletText

/// What one worker has recorded for a profile, as it tells worker 0.
struct WorkerTrace {
    let worker: Int
    /// Number of the worker's process: its MPI rank.
    let process: Int
    let host: String
    /// The kernel's number of this start of the machine. Processes with the same number read the same clock.
    let machine: String
    /// The time after each barrier, at which all workers were at about the same moment; nanoseconds.
    let barrierTimes: [Int]
    let spans: [PhaseRecorder.Span]

    init(_ communicator: any Communicator, barrierTimes: [Int], spans: [PhaseRecorder.Span]) {
        worker = communicator.rank
        process = communicator.processRank
        host = HostName.current
        machine = (ProcFile.text("/proc/sys/kernel/random/boot_id") ?? host).trimmed
        self.barrierTimes = barrierTimes
        self.spans = spans
    }

    var json: JSONValue {
        .object([
            "worker": .integer(worker), "process": .integer(process), "host": .string(host),
            "machine": .string(machine), "barriers": .array(barrierTimes.map { .integer($0) }),
            "spans": .array(
                spans.flatMap { [$0.phase.rawValue, $0.step, $0.start, $0.end] }.map { .integer($0) }),
        ])
    }

    /// Nil if the value is no trace.
    init?(_ json: JSONValue) {
        func integers(_ key: String) -> [Int]? {
            guard case .array(let values) = json[key] else { return nil }
            return values.compactMap(\.integer)
        }
        guard let worker = json["worker"]?.integer, let process = json["process"]?.integer,
            let host = json["host"]?.string, let machine = json["machine"]?.string,
            let barrierTimes = integers("barriers"), let numbers = integers("spans"), numbers.count % 4 == 0
        else { return nil }
        (self.worker, self.process, self.host, self.machine) = (worker, process, host, machine)
        self.barrierTimes = barrierTimes
        spans = stride(from: 0, to: numbers.count, by: 4).compactMap { index in
            PhaseRecorder.Phase(rawValue: numbers[index]).map {
                PhaseRecorder.Span(
                    phase: $0, step: numbers[index + 1], start: numbers[index + 2], end: numbers[index + 3])
            }
        }
    }

    /// Nanoseconds by which this worker's clock is ahead of that of another: 0 on one machine, otherwise the median
    /// over the barriers, which is off by about the time that a message takes.
    func clockOffset(from other: WorkerTrace) -> Int {
        guard machine != other.machine else { return 0 }
        let differences = zip(barrierTimes, other.barrierTimes).map { $0 - $1 }.sorted()
        return differences.isEmpty ? 0 : differences[differences.count / 2]
    }
}
