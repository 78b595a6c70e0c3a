import CoupletCommunication
import CoupletTensors
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// What groups of processes do in good and bad hours, for tests that start it under mpirun:
///
///     mpirun -n 4 CommunicationScenarios parts
///
/// Each rank prints lines "rank: …", which the tests read, and ends as `couplet` would: an error's text on standard error (a `GroupError`
/// by rank 0 alone), the error's code as exit code.
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
            case "desk": try desk(group)
            default: throw Broken(description: "which scenario?", exitCode: 64)
            }
            try group.finalize()
        } catch {
            if !(error is GroupError) || LaunchEnvironment().rank ?? 0 == 0 { write("\(error)", to: STDERR_FILENO) }
            // The others end with the same code; rank 0 must have spoken before mpirun hears of the first end.
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

    /// A line at once: what stdio holds back is lost when mpirun ends the process.
    static func write(_ text: String, to file: Int32) {
        let line = Array("\(text)\n".utf8)
        _ = Glibc.write(file, line, line.count)
    }

    /// Parts of two processes, two threads each: sums of their own, one failed run in the first part while the others go on, then one
    /// more run in all of them, then all together.
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
                            // Messages that nobody receives are left over.
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

    /// The last rank throws alone, in the midst of the others' calls. What its threads and the others are told.
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

    /// Ranks 1 and 2 fail in different ways, within the same millisecond or so.
    static func two(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            try workers.barrier()
            if workers.rank == 2 { throw Broken(description: "no bread") }
            usleep(3_000)
            if workers.rank == 1 { throw Broken(description: "no wine", exitCode: 74) }
            try workers.barrier()
        }
    }

    /// Rank 0 computes for a second after rank 1 has failed, and would have ended well.
    static func late(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            if workers.rank == 1 { throw Broken(description: "no bread") }
            if workers.rank == 0 { sleep(1) }
        }
    }

    /// Rank 1 fails while rank 0 hangs for ever.
    static func stuck(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            if workers.rank == 1 { throw Broken(description: "no bread") }
            while workers.rank == 0 { sleep(1) }
            try workers.barrier()
        }
    }

    /// Worker 1 does not come. (Or a test stops a process.)
    static func missing(_ group: WorkerGroup, threads: Int) throws {
        try group.run(threads: threads) { workers in
            try workers.barrier()
            if workers.rank == 0 { say(group, "begun") }
            while workers.rank == 1 { sleep(1) }
            try workers.barrier()
        }
    }

    /// Worker 0 waits for worker 1 and that for worker 0, in different calls.
    static func deadlock(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            let part = try workers.split(color: 0, key: 0)
            try workers.barrier()
            try (workers.rank == 0 ? part : workers).barrier()
        }
    }

    /// All processes go on together until a test stops one of them.
    static func absent(_ group: WorkerGroup) throws {
        try group.run(threads: 1) { workers in
            for step in 0..<1_000_000 {
                try workers.barrier()
                if step == 10, workers.rank == 0 { say(group, "begun") }
                usleep(1_000)
            }
        }
    }

    /// Process 0 never answers.
    static func silent(_ group: WorkerGroup) throws {
        let desk = try WorkQueue(group: group) { _, _ in
            while true { sleep(1) }
        }
        if group.processRank == 1 { _ = try desk.ask([1]) }
        try desk.close()
    }

    /// All processes ask at once, three threads each, while the workers of all are busy; each number is handed out once.
    static func desk(_ group: WorkerGroup) throws {
        let next = Atomic<Int>(0), inside = Atomic<Int>(0), overlaps = Atomic<Int>(0)
        let desk = try WorkQueue(group: group) { question, process in
            if inside.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue > 1 {
                overlaps.wrappingAdd(1, ordering: .relaxed)
            }
            defer { inside.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
            let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
            // The answer's size is another for every question; the longest does not fit into one packet.
            return [UInt8(process)] + withUnsafeBytes(of: number) { Array($0) } + Array(question.reversed())
        }
        let part = try group.split(color: group.processRank)
        let numbers = try part.run(threads: 3) { workers in
            var numbers: [Int] = []
            for turn in 0..<100 {
                let length = turn == 50 ? 300_000 : turn * 7
                let question = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ turn &+ workers.rank) }
                let answer = try desk.ask(question)
                guard answer[0] == UInt8(group.processRank), Array(answer[9...].reversed()) == question else {
                    throw Broken(description: "an answer to another question")
                }
                numbers.append(answer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 1, as: Int.self) })
                if turn % 20 == 0 { try workers.barrier() }
            }
            return try workers.allGather(numbers: numbers.map(Double.init)).map { Int($0) }
        }
        try desk.close()
        say(group, "numbers \(numbers.map(String.init).joined(separator: " "))")
        if group.processRank == 0 { say(group, "overlaps \(overlaps.load(ordering: .relaxed))") }
        do {
            _ = try desk.ask([1])
        } catch {
            say(group, "after closing: \(error)")
        }
        let start = ContinuousClock.now
        let second = try WorkQueue(group: group) { question, _ in question }
        for _ in 0..<200 { _ = try second.ask([1]) }
        say(group, "microseconds a question \((ContinuousClock.now - start) / .microseconds(200))")
        try second.close()
    }
}
