import CoupletPairs
import CoupletTensors
import Testing

@Suite struct PairSourceTests {
    /// A source with the required members only: sample n is (n, -n).
    private struct MinimalSource: PairSource {
        func description(of modality: Modality) -> ModalityDescription { ModalityDescription(shape: [1]) }
        func count(of split: Split) -> Int? { nil }
        func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
            for (row, number) in numbers.enumerated() {
                first?[row] = Float(number)
                second?[row] = -Float(number)
            }
        }
    }

    @Test func defaults() throws {
        let source = MinimalSource()
        #expect(try source.dataDigest() == nil && source.labels(.training, [1]) == nil)
        #expect(!source.hasValidation, "a source that does not know of validation samples has none")
        #expect(source.gaussianCovariance == nil && source.residentBytes == 0 && !source.waitsForStorage)
        #expect(try source.readRaw(.training, [3, 1], .second).values == [-3, -1])
        #expect(try source.prepare(.first, raw: Tensor([2], [5, 6])).shape == [2, 1])
        #expect(throws: DataError.self) { try source.prepare(.first, raw: Tensor([1, 2], [5, 6])) }
        #expect(throws: DataError.self) { try source.prepare(.first, raw: Tensor([1], [.nan])) }
    }

    @Test func trainingSamplesIgnoreTheDrawsByDefault() throws {
        let first = Tensor([2, 1]), second = Tensor([2, 1])
        try MinimalSource().read(training: [7, 3], draws: [100, 101], first: first, second: second)
        #expect(first.values == [7, 3] && second.values == [-7, -3])
    }

    /// Eight samples with noise: a function of the draw, not of the sample.
    private struct NoisySource: PairSource {
        func description(of modality: Modality) -> ModalityDescription { ModalityDescription(shape: [2]) }
        func count(of split: Split) -> Int? { 8 }
        func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
            for (row, number) in numbers.enumerated() {
                first?.rows(row..<row + 1).fill(Float(number))
                second?.rows(row..<row + 1).fill(Float(number))
            }
        }
        func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) {
            read(.training, numbers, first: first, second: second)
            for (row, draw) in draws.enumerated() {
                let noise = Philox(seed: 1).normals(2, .augmentation, number: draw)
                for k in 0..<2 { first?[2 * row + k] += noise[k] }
            }
        }
    }

    /// Each epoch and each batch of a step has other noise, which does not depend on the workers; evaluations have
    /// none.
    @Test func augmentationIsAFunctionOfTheDraw() throws {
        let source = NoisySource(), sampler = try Sampler(batchSize: 8, sampleCount: 8, seed: 5)
        func noise(_ step: Int, _ positions: Range<Int>, _ batch: Sampler.Batch = .pairs) -> [Float] {
            let first = Tensor([positions.count, 2]), second = Tensor([positions.count, 2])
            source.read(
                training: sampler.numbers(step: step, positions: positions, of: batch),
                draws: sampler.draws(step: step, positions: positions, of: batch), first: first, second: second)
            return zip(first.values, second.values).map { ($0 - $1) }
        }
        let whole = noise(3, 0..<8)
        #expect((noise(3, 0..<4) + noise(3, 4..<8) == whole) as Bool)
        let all = whole + noise(4, 0..<8) + noise(3, 0..<8, .second)
        #expect(Set(all).count == all.count)
        let raw = try source.readRaw(.training, [5], .first)
        #expect(raw.values == [5, 5])
    }
}
