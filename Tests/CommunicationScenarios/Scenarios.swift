import CoupletCommunication
import CoupletTensors
import Glibc
import Synchronization

/// Scenarios of groups of processes with and without failures. Tests start it with mpirun:
///
///     mpirun -n 4 CommunicationScenarios parts
///
/// Each rank prints lines "rank: …", which the tests read. It ends as `couplet` does: it prints the error to standard
/// error (only rank 0 prints a `GroupError`) and exits with the error's exit code.
@main struct Scenarios {
    struct Broken: Error, CustomStringConvertible {
        let description: String
        var exitCode: Int32 = 65
    }

    static func main() {
        let arguments = CommandLine.arguments
        do {
            let group = try WorkerGroup.launch(timeout: arguments.count > 2 ? .seconds(1) : nil, exitCode: code)
            switch arguments.dropFirst().first {
            case "alone": try alone(group)
            case "two": try two(group)
            case "late": try late(group)
            case "stuck": try stuck(group)
            case "missing": try missing(group, threads: 2)
            case "deadlock": try deadlock(group)
            case "absent": try absent(group)
            case "silent": try silent(group)
            case "parts": try parts(group)
            case "queue": try queue(group)
            default: throw Broken(description: "the first argument must be the name of a scenario", exitCode: 64)
            }
            try group.finalize()
        } catch {
            if !(error is GroupError) || LaunchEnvironment().rank ?? 0 == 0 { write("\(error)", to: STDERR_FILENO) }
            // Rank 0 must print its error before the first rank exits, because mpirun then ends the others.
            if LaunchEnvironment().rank ?? 0 != 0 { usleep(200_000) }
            exit(code(error))
        }
    }

    @Sendable static func code(_ error: any Error) -> Int32 {
        (error as? GroupError)?.exitCode ?? (error as? Broken)?.exitCode ?? 70
    }

    static func say(_ group: WorkerGroup, _ text: String) {
        write("\(LaunchEnvironment().rank ?? 0): \(text)", to: STDOUT_FILENO)
    }

    /// Writes a line without a buffer: mpirun may end the process before stdio flushes.
    static func write(_ text: String, to file: Int32) {
        let line = Array("\(text)\n".utf8)
        _ = Glibc.write(file, line, line.count)
    }

    /// Parts of two processes with two threads each. Each part sums; then a run of the first part fails while the
    /// others continue; then all parts run again. At the end the whole group runs.
    static func parts(_ group: WorkerGroup) throws {
        for round in 0..<3 {
            let part = try group.split(color: group.processRank / 2)
            let sum = try part.run(threads: 2) { workers in
                try workers.allGather(numbers: [Double(2 * group.processRank + workers.rank % 2)]).map { Int($0) }
            }
            say(group, "round \(round) \(sum)")
            do {
                try part.run(threads: 2) { workers in
                    try workers.beginReduceScatter(Tensor([4 * workers.size])).finish()
                    for step in 0..<50 {
                        if group.processRank == 0, workers.rank == 1, step == 25 {
                            // Leaves messages that nobody receives.
                            _ = try workers.beginReduceScatter(Tensor([4 * workers.size]))
                            throw Broken(description: "broken in round \(round)")
                        }
                        try workers.barrier()
                        usleep(200)
                    }
                }
                say(group, "round \(round) went on")
            } catch {
                say(group, "round \(round) failed: \(error)")
            }
            let check = try part.run(threads: 2) { workers in
                let buffer = Tensor(
                    [4 * workers.size], Array(repeating: Float(workers.rank + 1), count: 4 * workers.size))
                try workers.beginReduceScatter(buffer).finish()
                try workers.allGather(buffer)
                return buffer.values.map { Int($0) }.max() ?? 0
            }
            say(group, "round \(round) sum \(check)")
            let alone = try WorkerGroup.alone(exitCode: code).run(threads: 2) {
                try $0.allGather(numbers: [Double($0.rank)]).count
            }
            say(group, "round \(round) alone \(alone)")
            if round != 1 { try part.finalize() }
        }
        say(group, "all \(try group.run(threads: 1) { try CollectiveSelfCheck.run(on: $0) })")
    }

    /// One worker of the last rank throws while the others communicate. Prints the errors of its second thread and of
    /// the others.
    static func alone(_ group: WorkerGroup) throws {
        try group.run(threads: 2) { workers in
            for step in 0..<1_000_000 {
                if workers.rank == workers.size - 1, step == 500 { throw Broken(description: "no bread") }
                do {
                    try workers.barrier()
                } catch {
                    say(group, "woken: \(error)")
                    throw error
                }
            }
        }
    }

    /// Ranks 1 and 2 fail in different ways, within some 20 milliseconds.
    static func two(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            try workers.barrier()
            if workers.rank == 2 { throw Broken(description: "no bread") }
            usleep(20_000)
            if workers.rank == 1 { throw Broken(description: "no wine", exitCode: 74) }
            try workers.barrier()
        }
    }

    /// Rank 0 computes for a second after rank 1 has failed, and succeeds.
    static func late(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            if workers.rank == 1 { throw Broken(description: "no bread") }
            if workers.rank == 0 { sleep(1) }
        }
    }

    /// Rank 1 fails while rank 0 hangs.
    static func stuck(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            if workers.rank == 1 { throw Broken(description: "no bread") }
            while workers.rank == 0 { sleep(1) }
            try workers.barrier()
        }
    }

    /// Worker 1 does not arrive.
    static func missing(_ group: WorkerGroup, threads: Int) throws {
        try group.run(threads: threads) { workers in
            try workers.barrier()
            if workers.rank == 0 { say(group, "begun") }
            while workers.rank == 1 { sleep(1) }
            try workers.barrier()
        }
    }

    /// Workers 0 and 1 wait for each other, in different groups.
    static func deadlock(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            let part = try workers.split(color: 0, key: 0)
            try workers.barrier()
            try (workers.rank == 0 ? part : workers).barrier()
        }
    }

    /// All processes synchronise until a test stops one of them.
    static func absent(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            for step in 0..<1_000_000 {
                try workers.barrier()
                if step == 10, workers.rank == 0 { say(group, "begun") }
                usleep(1_000)
            }
        }
    }

    /// Process 0 never replies.
    static func silent(_ group: WorkerGroup) throws {
        let queue = try WorkQueue(group: group) { _, _ in
            while true { sleep(1) }
        }
        if group.processRank == 1 { _ = try queue.request([1]) }
        try queue.close()
    }

    /// Three threads of each process send requests at the same time, while the workers communicate. Each number is
    /// handed out once.
    static func queue(_ group: WorkerGroup) throws {
        let next = Atomic<Int>(0), inside = Atomic<Int>(0), overlaps = Atomic<Int>(0)
        let queue = try WorkQueue(group: group) { request, process in
            if inside.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue > 1 {
                overlaps.wrappingAdd(1, ordering: .relaxed)
            }
            defer { inside.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
            let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
            // Each reply has another size; the longest does not fit into one packet.
            return [UInt8(process)] + withUnsafeBytes(of: number) { Array($0) } + Array(request.reversed())
        }
        let part = try group.split(color: group.processRank)
        let numbers = try part.run(threads: 3) { workers in
            var numbers: [Int] = []
            for turn in 0..<100 {
                let length = turn == 50 ? 300_000 : turn * 7
                let request = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ turn &+ workers.rank) }
                let reply = try queue.request(request)
                guard reply[0] == UInt8(group.processRank), Array(reply[9...].reversed()) == request else {
                    throw Broken(description: "the reply belongs to another request")
                }
                numbers.append(reply.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 1, as: Int.self) })
                if turn % 20 == 0 { try workers.barrier() }
            }
            return try workers.allGather(numbers: numbers.map(Double.init)).map { Int($0) }
        }
        try queue.close()
        say(group, "numbers \(numbers.map(String.init).joined(separator: " "))")
        if group.processRank == 0 { say(group, "overlaps \(overlaps.load(ordering: .relaxed))") }
        do {
            _ = try queue.request([1])
        } catch {
            say(group, "after closing: \(error)")
        }
        let start = ContinuousClock.now
        let second = try WorkQueue(group: group) { request, _ in request }
        for _ in 0..<200 { _ = try second.request([1]) }
        say(group, "microseconds per request \((ContinuousClock.now - start) / .microseconds(200))")
        try second.close()
    }
}
