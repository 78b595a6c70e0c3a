import CoupletPairs
import CoupletTensors
import Testing

@Suite struct FewShotSourceTests {
    /// 300 numbered training samples of the classes 0 … 4, and four held-out samples. Class 4 is rare.
    private struct Numbered: PairSource {
        var hasLabels = true
        static func label(_ number: UInt64) -> Int { number % 50 == 0 ? 4 : Int(number * 7 % 4) }

        func description(of modality: Modality) -> ModalityDescription { ModalityDescription(shape: [1]) }
        func count(of split: Split) -> Int? { split == .training ? 300 : 4 }
        func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
            for (row, number) in numbers.enumerated() {
                first?[row] = Float(number)
                second?[row] = Float(Self.label(number))
            }
        }
        func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) {
            for (row, draw) in draws.enumerated() {
                first?[row] = Float(numbers[row])
                second?[row] = Float(draw)
            }
        }
        func labels(_ split: Split, _ numbers: [UInt64]) -> [Int]? { hasLabels ? numbers.map(Self.label) : nil }
        func dataDigest() -> String? { "numbered" }
    }

    @Test(arguments: [1, 3, 6])
    func selectsTheSameNumberOfEachClass(_ perClass: Int) throws {
        let source = try FewShotSource(Numbered(), perClass: perClass, seed: 3), count = 5 * perClass
        #expect(
            source.count(of: .training) == count && source.numbers == source.numbers.sorted()
                && Set(source.numbers).count == count)
        let all = (0..<UInt64(count)).map { $0 }, labels = try #require(try source.labels(.training, all))
        for label in 0..<5 { #expect(labels.count { $0 == label } == perClass) }
        // All ways of reading give the samples with the selected numbers.
        let first = Tensor([count, 1]), second = Tensor([count, 1])
        try source.read(.training, all, first: first, second: second)
        #expect(
            first.values == source.numbers.map { Float($0) }
                && second.values == source.numbers.map { Float(Numbered.label($0)) })
        #expect(try source.readRaw(.training, [0], .first).values == [Float(source.numbers[0])])
        // A larger selection contains the smaller one; another seed gives another selection.
        #expect(try Set(FewShotSource(Numbered(), perClass: 6, seed: 3).numbers).isSuperset(of: source.numbers))
        let reseeded = try FewShotSource(Numbered(), perClass: perClass, seed: 4)
        #expect(reseeded.numbers != source.numbers)
        #expect(try reseeded.dataDigest() != source.dataDigest())
        #expect(try source.dataDigest() == FewShotSource(Numbered(), perClass: perClass, seed: 3).dataDigest())
    }

    /// The source gets the numbers of the selected samples, and the draws of the step as they are.
    @Test func drawsReachTheSource() throws {
        let source = try FewShotSource(Numbered(), perClass: 2, seed: 3), first = Tensor([3, 1]),
            second = Tensor([3, 1])
        try source.read(training: [4, 0, 4], draws: [100, 101, 102], first: first, second: second)
        #expect(first.values == [4, 0, 4].map { Float(source.numbers[$0]) })
        #expect(second.values == [100, 101, 102])
        #expect(throws: DataError.self) { try source.read(training: [10], draws: [0], first: nil, second: nil) }
    }

    @Test func heldOutSamplesAreUntouched() throws {
        let source = try FewShotSource(Numbered(), perClass: 1, seed: 1), first = Tensor([4, 1])
        try source.read(.heldOut, [0, 1, 2, 3], first: first, second: nil)
        #expect(source.count(of: .heldOut) == 4 && first.values == [0, 1, 2, 3])
        #expect(try source.labels(.heldOut, [1, 2]) == [Numbered.label(1), Numbered.label(2)])
    }

    @Test func impossibleSelectionsAreErrors() throws {
        func error(_ base: any PairSource, _ perClass: Int) -> String {
            do {
                _ = try FewShotSource(base, perClass: perClass, seed: 1)
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            error(Numbered(), 7).contains(
                "data.per_class: 7 training samples a class are wanted, but class 4 has 6"))
        #expect(error(Numbered(hasLabels: false), 1).contains("no labels"))
        #expect(
            error(try GaussianSource(dimensions: .init(first: 2, second: 2), correlations: [0.5], seed: 1), 1).contains(
                "endless"))
        let source = try FewShotSource(Numbered(), perClass: 2, seed: 1)
        #expect(throws: DataError.self) { try source.labels(.training, [10]) }
    }
}
