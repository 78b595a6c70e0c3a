import CoupletPairs
import Testing

@Suite struct SamplerTests {
    @Test(arguments: [(2, 1), (2, 2), (5, 2), (20, 7), (100, 32), (1000, 128), (1500, 64), (60_000, 1024)])
    func epochHasNoRepeats(count: Int, batch: Int) throws {
        let sampler = try Sampler(batchSize: batch, sampleCount: count, seed: 3)
        let steps = count / batch
        #expect(sampler.stepsPerEpoch == steps)
        var leftOut: [Set<UInt64>] = []
        for epoch in 0..<3 {
            var seen = Set<UInt64>()
            for step in 0..<steps {
                let numbers = sampler.numbers(step: epoch * steps + step, positions: 0..<batch)
                #expect(numbers.count == batch)
                seen.formUnion(numbers)
            }
            #expect(seen.count == steps * batch)
            #expect(seen.allSatisfy { $0 < UInt64(count) })
            leftOut.append(Set((0..<UInt64(count)).filter { !seen.contains($0) }))
        }
        // The left-out samples vary between epochs.
        if leftOut[0].count > 20 { #expect(leftOut[0] != leftOut[1]) }
    }

    /// Groups of samples: captions, single samples among groups, no groups, a group larger than an epoch has batches.
    static let groups: [(groups: [Int], batch: Int, steps: Int)] = [
        ((0..<1000).map { $0 / 5 }, 64, 15), ((0..<700).map { $0 % 3 == 0 ? -1 : $0 % 90 }, 50, 14),
        ([Int](repeating: -1, count: 100), 10, 10), ((0..<1000).map { $0 < 300 ? 7 : $0 }, 64, 11),
        ((0..<60_000).map { $0 % 10 }, 10, 6000), ((0..<60).map { $0 % 3 }, 3, 20),
    ]

    @Test(arguments: groups.indices) func distinctGroups(_ example: Int) throws {
        let (groups, batch, steps) = Self.groups[example]
        let sampler = try Sampler(batchSize: batch, sampleCount: groups.count, seed: 3, groups: groups)
        let again = try Sampler(batchSize: batch, sampleCount: groups.count, seed: 3, groups: groups)
        #expect(sampler.stepsPerEpoch == steps)
        for kind in [Sampler.Batch.pairs, .second] {
            var epochs: [[UInt64]] = []
            for epoch in 0..<3 {
                var seen: [UInt64] = []
                for step in epoch * steps..<(epoch + 1) * steps {
                    let numbers = sampler.numbers(step: step, positions: 0..<batch, of: kind)
                    let found = numbers.map { groups[Int($0)] }.filter { $0 >= 0 }
                    #expect(Set(found).count == found.count, "step \(step)")
                    seen += numbers
                }
                #expect(seen.count == steps * batch && Set(seen).count == seen.count)
                epochs.append(seen)
            }
            #expect(epochs[0] != epochs[1])
            // A step is the same whatever was asked before, and for any part of the batch.
            let step = 2 * steps + 1, whole = again.numbers(step: step, positions: 0..<batch, of: kind)
            #expect(whole == Array(epochs[2][batch..<2 * batch]))
            #expect(
                whole == sampler.numbers(step: step, positions: 0..<batch / 2, of: kind)
                    + sampler.numbers(step: step, positions: batch / 2..<batch, of: kind))
        }
    }

    /// Every sample, and every two samples of different groups, meet equally often.
    @Test func distinctGroupsAreFair() throws {
        let groups = [0, 0, 0, 1, 1, 2, -1, -1, 3, 3, 3, -1], batch = 4
        let sampler = try Sampler(batchSize: batch, sampleCount: groups.count, seed: 1, groups: groups)
        #expect(sampler.stepsPerEpoch == 3)
        var counts = [Int](repeating: 0, count: 12), meetings = [Int: Int]()
        for step in 0..<60_000 {
            let numbers = sampler.numbers(step: step, positions: 0..<batch).map { Int($0) }
            for a in numbers {
                counts[a] += 1
                for b in numbers where a < b { meetings[12 * a + b, default: 0] += 1 }
            }
        }
        #expect(counts.allSatisfy { $0 == 20_000 })
        // Two single samples, in two thirds of the epochs in different batches.
        let single = [12 * 6 + 7, 12 * 6 + 11, 12 * 7 + 11].map { meetings[$0] ?? 0 }
        #expect(single.allSatisfy { abs($0 - single[0]) <= 400 })
    }

    @Test func tooFewGroups() throws {
        let error = try #require(throws: DataError.self) {
            try Sampler(batchSize: 16, sampleCount: 100, seed: 1, groups: (0..<100).map { $0 % 10 })
        }
        #expect(
            error.description.contains(
                "a batch of 16 pairs of distinct groups, but the 100 training samples have 10 groups")
                && error.description.contains("set batch.size to at most 10, or batch.groups: any"))
    }

    @Test func allSamplesAreUsedOverEpochs() throws {
        let sampler = try Sampler(batchSize: 7, sampleCount: 13, seed: 1)
        var counts = [Int](repeating: 0, count: 13)
        for step in 0..<26_000 {
            for number in sampler.numbers(step: step, positions: 0..<7) { counts[Int(number)] += 1 }
        }
        // Draws within a batch are distinct, so the counts have (1 - 7/13) of the variance of independent draws.
        #expect(chiSquareDeviation(counts) <= 4)
        #expect(counts.min()! > 13_000)
    }

    @Test(arguments: [nil, 700, 5000] as [Int?]) func numbersDoNotDependOnTheWorkers(count: Int?) throws {
        let sampler = try Sampler(batchSize: 64, sampleCount: count, seed: 8)
        for step in [0, 1, 9, 10, 77, 78, 1_000_003] {
            let whole = sampler.numbers(step: step, positions: 0..<64)
            for workers in [1, 2, 4, 8, 16, 64] {
                let size = 64 / workers
                let gathered = (0..<workers).flatMap {
                    sampler.numbers(step: step, positions: ($0 * size)..<(($0 + 1) * size))
                }
                #expect(gathered == whole)
            }
        }
    }

    @Test func drawsAndEndlessNumbersAreConsecutive() throws {
        let sampler = try Sampler(batchSize: 10, sampleCount: nil, seed: 1)
        #expect(sampler.draws(step: 7, positions: 2..<5) == [72, 73, 74])
        #expect(sampler.numbers(step: 7, positions: 2..<5) == [72, 73, 74])
        #expect(sampler.stepsPerEpoch == nil)
        let finite = try Sampler(batchSize: 10, sampleCount: 25, seed: 1)
        #expect(finite.draws(step: 7, positions: 2..<5) == [72, 73, 74])
        // The draws of the second batch are other numbers, for a finite set too.
        let second = [72, 73, 74].map { $0 + Sampler.secondStreamStart }
        #expect(finite.draws(step: 7, positions: 2..<5, of: .second) == second)
        #expect(sampler.draws(step: 7, positions: 2..<5, of: .second) == second)
        // With two steps per epoch, step 7 is the second step of epoch 3.
        let order = Permutation(count: 25, seed: 1, stream: .permutation, number: 3)
        #expect(finite.numbers(step: 7, positions: 2..<5) == (12..<15).map { order[$0] })
    }

    /// The second batches of an epoch are an independent permutation, which has one sample at the same position on
    /// average.
    @Test func secondBatchIsAnIndependentDraw() throws {
        let count = 640, sampler = try Sampler(batchSize: 64, sampleCount: count, seed: 8)
        var coincidences = 0
        for epoch in 0..<40 {
            let steps = (epoch * 10)..<(epoch * 10 + 10)
            let pairs = steps.flatMap { sampler.numbers(step: $0, positions: 0..<64) }
            let secondBatches = steps.flatMap { sampler.numbers(step: $0, positions: 0..<64, of: .second) }
            #expect(secondBatches.sorted() == (0..<UInt64(count)).map { $0 })
            coincidences += zip(pairs, secondBatches).count { $0 == $1 }
        }
        // The number is about Poisson with mean 40.
        #expect((15...70).contains(coincidences))
        let endless = try Sampler(batchSize: 10, sampleCount: nil, seed: 1)
        #expect(endless.numbers(step: 7, positions: 2..<5, of: .second) == [72, 73, 74].map { $0 + (1 << 63) })
    }

    @Test func tooFewSamplesAreAnError() throws {
        let error = try #require(throws: DataError.self) { try Sampler(batchSize: 128, sampleCount: 100, seed: 1) }
        #expect(error.description.contains("128"))
        #expect(error.description.contains("at most 100"))
        #expect(throws: DataError.self) { try Sampler(batchSize: 1, sampleCount: 0, seed: 1) }
    }
}
