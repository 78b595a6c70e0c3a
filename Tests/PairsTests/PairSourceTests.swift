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
        #expect(source.gaussianCovariance == nil && source.residentBytes == 0 && !source.waitsForStorage)
        #expect(try source.readRaw(.training, [3, 1], .second).values == [-3, -1])
        #expect(try source.prepare(.first, raw: Tensor([2], [5, 6])).shape == [2, 1])
        #expect(throws: DataError.self) { try source.prepare(.first, raw: Tensor([1, 2], [5, 6])) }
        #expect(throws: DataError.self) { try source.prepare(.first, raw: Tensor([1], [.nan])) }
    }
}
