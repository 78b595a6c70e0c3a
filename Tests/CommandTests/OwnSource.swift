import Couplet

/// Points in the plane, seen directly and through their sums and products, both with noise.
struct Points: PairSource {
    let random = Philox(seed: 1)

    func description(of modality: Modality) -> ModalityDescription {
        ModalityDescription(shape: modality == .first ? [2] : [3])
    }
    func count(of split: Split) -> Int? { nil }  // endless

    // A sample depends on its number alone, so any number of workers sees the same pairs.
    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
        for (row, number) in numbers.enumerated() {
            let z = random.normals(7, split == .training ? .training : .heldOut, number: number)
            first?.rows(row..<row + 1).copy(from: Tensor([2], [z[0] + 0.1 * z[2], z[1] + 0.1 * z[3]]))
            second?.rows(row..<row + 1).copy(
                from: Tensor([3], [z[0] + z[1] + 0.1 * z[4], z[0] - z[1] + 0.1 * z[5], z[0] * z[1] + 0.1 * z[6]]))
        }
    }
}

func trainOnPoints(output: String) throws -> TrainedRun {
    let encoder = EncoderSpecification.multilayerPerceptron(widths: [64], activation: .relu, bias: true)
    let configuration = Configuration(
        name: "points", source: .program(name: "points"),
        encoders: .init(embedding: 8, first: encoder, second: encoder),
        objective: .init(similarity: .quadratic), batch: .init(size: 256), optimizer: .init(learningRate: 0.003),
        train: .init(steps: 300))
    try Trainer(options: TrainingOptions(output: output, progress: .none)).run(source: Points()) { configuration }
    return try TrainedRun(output, source: Points())
}
