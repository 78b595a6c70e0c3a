import Couplet

/// Points in the plane, seen directly and through their sum, difference and product, with fresh noise in every epoch.
struct Points: PairSourceKind {
    var noise: Float = 0.1

    static let name = "points"
    static let table = ConfigurationTable(
        Points(), help: "Points in the plane, and functions of them.",
        [.key("noise", \.noise, .number(.nonNegative, example: 0.1), "Standard deviation of the noise in training.")])

    func makeSource(seed: UInt64) -> any PairSource { PointSource(noise: noise, random: Philox(seed: seed)) }
}

private struct PointSource: PairSource {
    let noise: Float
    let random: Philox

    func description(of modality: Modality) -> ModalityDescription {
        ModalityDescription(shape: modality == .first ? [2] : [3])
    }

    func count(of split: Split) -> Int? { split == .training ? 8_192 : 1_024 }

    // A sample is a function of its number, so any number of workers sees the same pairs.
    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
        for (row, number) in numbers.enumerated() {
            let x = random.normals(2, split == .training ? .training : .heldOut, number: number)
            first?.rows(row..<row + 1).copy(from: Tensor([2], x))
            second?.rows(row..<row + 1).copy(from: Tensor([3], [x[0] + x[1], x[0] - x[1], x[0] * x[1]]))
        }
    }

    // The noise is a function of the draw, so each epoch has other noise.
    func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) {
        read(.training, numbers, first: first, second: second)
        for (row, draw) in draws.enumerated() {
            let z = random.normals(5, .augmentation, number: draw)
            for j in 0..<2 { first?[2 * row + j] += noise * z[j] }
            for j in 0..<3 { second?[3 * row + j] += noise * z[2 + j] }
        }
    }
}
