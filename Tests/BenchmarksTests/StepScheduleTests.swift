import CoupletBenchmarks
import CoupletCommunication
import Testing

/// The schedule of a step for many numbers of workers, without any worker.
@Suite struct StepScheduleTests {
    private static let rows = 24, dimension = 5, parameters = 46_080

    private static func schedule(workers: Int, shards: Int, rows: Int = rows) -> StepSchedule {
        StepSchedule(
            workers: workers, shards: shards, batch: shards * rows, dimension: dimension,
            encoders: [
                .init(
                    forward: 70,
                    buckets: [
                        .init(parameters: parameters / 2, operations: 100),
                        .init(parameters: parameters / 4, operations: 30),
                    ]),
                .init(forward: 40, buckets: [.init(parameters: parameters / 4, operations: 60)]),
            ], keptTiles: 0.25)
    }

    private struct Route: Hashable {
        let sender: Int, receiver: Int
        let stream: StepSchedule.Stream
    }

    private static let sizes: [(workers: Int, shards: Int)] =
        [1, 2, 3, 5, 8, 12, 15, 16].flatMap { shards in (1...shards).map { ($0, shards) } } + [
            (3, 48), (32, 48), (48, 48), (64, 96), (128, 128),
        ]

    /// What a worker sends to another one is what that one receives, in the same order.
    @Test func everyMessageIsReceived() {
        for (workers, shards) in Self.sizes {
            let schedule = Self.schedule(workers: workers, shards: shards)
            var sent: [Route: [Int]] = [:], received: [Route: [Int]] = [:], waits: [Route: Int] = [:]
            for worker in 0..<workers {
                for event in schedule.events(of: worker) {
                    switch event {
                    case .send(let other, let stream, let bytes):
                        sent[Route(sender: worker, receiver: other, stream: stream), default: []].append(bytes)
                    case .receive(let other, let stream, let bytes):
                        received[Route(sender: other, receiver: worker, stream: stream), default: []].append(bytes)
                    case .wait(let other, let stream):
                        waits[Route(sender: other, receiver: worker, stream: stream), default: 0] += 1
                    case .compute: break
                    }
                }
            }
            #expect(sent == received, "\(workers) workers, \(shards) shards")
            #expect(sent.mapValues(\.count) == waits, "\(workers) workers, \(shards) shards")
        }
    }

    /// All workers reach their end: a wait finds its message without waiting for the worker itself.
    @Test func noWorkerWaitsForever() {
        for (workers, shards) in Self.sizes {
            let schedule = Self.schedule(workers: workers, shards: shards)
            let events = (0..<workers).map { schedule.events(of: $0) }
            var next = Array(repeating: 0, count: workers), arrived: [Route: Int] = [:], moves = true
            while moves {
                moves = false
                for worker in 0..<workers {
                    advance: while next[worker] < events[worker].count {
                        switch events[worker][next[worker]] {
                        case .send(let other, let stream, _):
                            arrived[Route(sender: worker, receiver: other, stream: stream), default: 0] += 1
                        case .wait(let other, let stream):
                            let route = Route(sender: other, receiver: worker, stream: stream)
                            guard let count = arrived[route], count > 0 else { break advance }
                            arrived[route] = count - 1
                        case .compute, .receive: break
                        }
                        next[worker] += 1
                        moves = true
                    }
                }
            }
            #expect(next == events.map(\.count), "\(workers) workers, \(shards) shards")
        }
    }

    private static func total(
        _ schedule: StepSchedule, _ count: (StepSchedule.Event) -> Double
    ) -> Double {
        (0..<schedule.partition.workers).reduce(0.0) { $0 + schedule.events(of: $1).reduce(0.0) { $0 + count($1) } }
    }

    /// The closed forms of the documentation.
    @Test func bytesAndOperations() {
        for (workers, shards) in Self.sizes {
            let schedule = Self.schedule(workers: workers, shards: shards)
            let batch = shards * Self.rows, d = Self.dimension
            func bytes(_ wanted: StepSchedule.Stream) -> Double {
                Self.total(schedule) {
                    if case .send(_, wanted, let bytes) = $0 { Double(bytes) } else { 0 }
                }
            }
            let moves = workers > 1 ? workers : 0
            #expect(bytes(.data) == Double(4 * batch * (workers - 1) * (2 * d + 4)), "\(workers) of \(shards)")
            #expect(bytes(.sums) == Double(4 * batch * moves * (d + 2)), "\(workers) of \(shards)")
            if workers.nonzeroBitCount == 1, shards % workers == 0, (shards / workers).nonzeroBitCount == 1 {
                #expect(bytes(.parameters) == Double(8 * Self.parameters * (workers - 1)), "\(workers) of \(shards)")
            }
            func operations(_ wanted: StepSchedule.Phase) -> Double {
                Self.total(schedule) {
                    if case .compute(wanted, let operations) = $0 { operations } else { 0 }
                }
            }
            let product = 2 * Double(batch) * Double(batch) * Double(d)
            #expect(operations(.scores) == product)
            #expect(abs(operations(.gradients) - 2.75 * product) <= 1e-9 * product)
            #expect(abs(operations(.forward) + operations(.backward) - 300 * Double(batch)) <= 1e-6)
        }
    }

    /// Shards of more columns than a message: each message has 512 of them at most.
    @Test func largeShardsAreCutIntoMessages() {
        let schedule = Self.schedule(workers: 2, shards: 2, rows: 1_300)
        let sums = schedule.events(of: 1).compactMap { event -> Int? in
            if case .send(0, .sums, let bytes) = event { bytes } else { nil }
        }
        // Two passes of two steps each.
        let columns = [512, 512, 276]
        #expect(sums == (columns + columns).map { 4 * $0 * 2 } + (columns + columns).map { 4 * $0 * Self.dimension })
    }
}
