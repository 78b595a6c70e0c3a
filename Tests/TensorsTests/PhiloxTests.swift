import CCoupletKernels
import CoupletTensors
import Foundation
import Testing

@Suite struct PhiloxTests {
    /// Random123's kat_vectors, lines "philox4x32 10".
    static let knownAnswers: [(key: [UInt32], counter: [UInt32], words: [UInt32])] = [
        ([0, 0], [0, 0, 0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([.max, .max], [.max, .max, .max, .max], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0xa409_3822, 0x299f_31d0], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        ),
    ]

    @Test(arguments: knownAnswers.indices) func knownAnswer(_ index: Int) {
        let (key, counter, words) = Self.knownAnswers[index]
        var result = [UInt32](repeating: 0, count: 4)
        couplet_philox(
            UInt64(key[1]) << 32 | UInt64(key[0]), counter[1], UInt64(counter[3]) << 32 | UInt64(counter[2]),
            counter[0], 1, &result)
        #expect(result == words)
        #expect(NaivePhilox.block(key: key, counter: counter) == words)
    }

    /// The counter is (block, stream, number low, number high), the key the seed.
    @Test func wordsAreAFunctionOfSeedStreamNumberAndBlock() {
        for seed in [0, 1, 0x1234_5678_9abc_def0] as [UInt64] {
            for stream in RandomStream.allCases {
                for (number, block) in [(0, 0), (1, 0), (0, 1), (0xfedc_ba98_7654_3210, 0xffff_ffff)]
                    as [(UInt64, UInt32)]
                {
                    let words = Philox(seed: seed).words(stream, number: number, block: block)
                    let naive = NaivePhilox.block(
                        key: [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)],
                        counter: [block, stream.rawValue, UInt32(truncatingIfNeeded: number), UInt32(number >> 32)])
                    #expect((0..<4).map { words[$0] } == naive)
                }
            }
        }
        #expect(Set(RandomStream.allCases.map(\.rawValue)).count == RandomStream.allCases.count)
    }

    @Test func derivedSeedsAreTheFirstWords() {
        for number in [0, 1, 0x1234_5678_9abc_def0] as [UInt64] {
            let naive = NaivePhilox.block(
                key: [0xffff_fff1, 7],
                counter: [0, 15, UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32)])
            let derived = Philox(seed: 7 << 32 | 0xffff_fff1).derived(number)
            #expect(derived.seed == UInt64(naive[1]) << 32 | UInt64(naive[0]))
        }
        // Distinct keys have distinct seeds; the order of the parts counts.
        let philox = Philox(seed: 3)
        let seeds = (0..<50).flatMap { a in (0..<50).map { philox.derived(a).derived($0).seed } }
        #expect(Set(seeds).count == 2_500)
    }

    /// ⌊word · count / 2³²⌋, the high half of the product of the word and the count.
    @Test func integersBelowACountAreHighHalvesOfProducts() {
        for count in [1, 2, 3, 7, 1000, 65_537, Int(UInt32.max)] {
            let words = (0..<200 as Range<UInt64>).flatMap { number -> [UInt32] in
                let words = Philox(seed: 4).words(.source, number: number)
                return (0..<4).map { words[$0] }
            }
            for word in words + [0, 1, .max - 1, .max] {
                #expect(
                    Philox.integer(word, below: count) == Int(word.multipliedFullWidth(by: UInt32(count)).high))
            }
            #expect(Philox.integer(0, below: count) == 0 && Philox.integer(.max, below: count) == count - 1)
        }
        // Beyond the words: 2³² integers are the words themselves.
        #expect(Philox.integer(0xdead_beef, below: 1 << 32) == 0xdead_beef)
        // 7 does not divide 2³²: each integer has ⌊2³² / 7⌋ or one more of the words.
        let starts = (0...7).map { UInt64($0 << 32 + 6) / 7 }
        for (integer, start) in starts.dropLast().enumerated() {
            #expect(Philox.integer(UInt32(start), below: 7) == integer)
            #expect(Philox.integer(UInt32(starts[integer + 1] - 1), below: 7) == integer)
        }
    }

    /// A long fill is computed in chunks and vectors. Number i is a function of block i / 4, wherever a chunk or a
    /// vector ends.
    @Test(arguments: [1, 3, 4, 255, 256, 257, 1023]) func fillsAreTheWordsInOrder(count: Int) {
        let philox = Philox(seed: 77)
        let words = (0..<(count + 3) / 4).flatMap { block -> [UInt32] in
            let words = philox.words(.training, number: 5, block: UInt32(block))
            return (0..<4).map { words[$0] }
        }
        let uniforms = Tensor([count]), normals = philox.normals(count, .training, number: 5)
        philox.fillUniform(uniforms, .training, number: 5)
        #expect(uniforms.values == words.prefix(count).map { Float($0 >> 8) * 0x1p-24 })
        for i in 0..<count {
            let radius = (-2 * log((Double(words[i / 2 * 2] >> 9) + 0.5) * 0x1p-23)).squareRoot()
            let angle = 2 * Double.pi * Double(words[i / 2 * 2 + 1]) * 0x1p-32
            #expect(abs(Double(normals[i]) - radius * (i % 2 == 0 ? cos(angle) : sin(angle))) <= 2e-6)
        }
    }

    /// Moments up to the fourth within five standard errors, and the Kolmogorov-Smirnov distance at a level of 1e-6.
    @Test func normalsAreNormal() {
        let count = 400_000, n = Double(count)
        let x = Philox(seed: 3).normals(count, .source, number: 9).map(Double.init)
        func moment(_ power: Int) -> Double { x.reduce(0) { $0 + pow($1, Double(power)) } / n }
        // Standard errors √Var(xᵏ) follow from E x², x⁴, x⁶, x⁸ = 1, 3, 15, 105.
        for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1, 2), (3, 0, 15), (4, 3, 96)] {
            #expect(abs(moment(power) - expected) <= 5 * (variance / n).squareRoot(), "moment \(power)")
        }
        // Neighbours within a pair and in consecutive pairs are uncorrelated.
        for lag in [1, 2, 4] {
            let correlation = (0..<(count - lag)).reduce(0) { $0 + x[$1] * x[$1 + lag] } / n
            #expect(abs(correlation) <= 5 / n.squareRoot(), "lag \(lag)")
        }
        let distance = x.sorted().enumerated().reduce(0.0) { largest, entry in
            let probability = 0.5 * erfc(-entry.element / 2.0.squareRoot())
            return max(
                largest, abs(probability - Double(entry.offset) / n), abs(probability - Double(entry.offset + 1) / n))
        }
        #expect(distance <= (0.5 * log(2 / 1e-6) / n).squareRoot())
    }
}

/// Philox4x32-10 written from the paper (Salmon, Moraes, Dror, Shaw, SC 2011, section 3), one block at a time.
private enum NaivePhilox {
    static func block(key: [UInt32], counter: [UInt32]) -> [UInt32] {
        var key = key, counter = counter
        for _ in 0..<10 {
            let left = counter[0].multipliedFullWidth(by: 0xD251_1F53),
                right = counter[2].multipliedFullWidth(by: 0xCD9E_8D57)
            counter = [right.high ^ counter[1] ^ key[0], right.low, left.high ^ counter[3] ^ key[1], left.low]
            key = [key[0] &+ 0x9E37_79B9, key[1] &+ 0xBB67_AE85]
        }
        return counter
    }
}
