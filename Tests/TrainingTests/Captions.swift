import CoupletPairs
import CoupletTensors

/// Pairs of a picture of 8 numbers and a caption of 6: 300 pictures, picture p with p mod 7 + 1 captions, and every
/// eleventh caption is the same. Groups are pictures, but pictures 0 and 1 are one group.
struct Captions: PairSource {
    static let pictures = 300
    var seed: UInt64 = 5
    private(set) var perFirst = 1

    static func captionCount(_ picture: Int) -> Int { picture % 7 + 1 }

    func description(of modality: Modality) -> ModalityDescription {
        ModalityDescription(shape: [modality == .first ? 8 : 6])
    }
    func count(of split: Split) -> Int? { split == .training ? Self.pictures : 0 }

    func drawing(secondPerFirst count: Int) -> any PairSource {
        var copy = self
        copy.perFirst = count
        return copy
    }

    private func caption(_ number: UInt64, _ draw: UInt64?) -> Int {
        let picture = Int(number), start = (0..<picture).reduce(0) { $0 + Self.captionCount($1) }
        guard let draw else { return start }
        let plain = draw & ~Sampler.secondStreamStart
        let offset = Int((plain / UInt64(perFirst)) % 5) + Int(plain % UInt64(perFirst))
        let caption = start + offset % Self.captionCount(picture)
        return caption % 11 == 0 ? 0 : caption
    }

    private func fill(_ tensor: Tensor?, _ rows: [Int], _ columns: Int, _ stream: RandomStream) {
        guard let tensor else { return }
        for (index, row) in rows.enumerated() {
            let numbers = Philox(seed: seed).normals(columns, stream, number: UInt64(row))
            for column in 0..<columns { tensor[index * columns + column] = numbers[column] }
        }
    }

    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
        fill(first, numbers.map { Int($0) }, 8, .training)
        fill(second, numbers.map { caption($0, nil) }, 6, .heldOut)
    }

    func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) {
        fill(first, numbers.map { Int($0) }, 8, .training)
        fill(second, zip(numbers, draws).map { caption($0, $1) }, 6, .heldOut)
    }

    func groups(_ split: Split, _ numbers: [UInt64]) -> [Int]? { numbers.map { max(Int($0), 1) } }
    func sampleRows(_ split: Split, _ numbers: [UInt64], _ modality: Modality) -> [Int]? {
        numbers.map { modality == .first ? Int($0) : caption($0, nil) }
    }
    func sampleRows(training numbers: [UInt64], draws: [UInt64], _ modality: Modality) -> [Int]? {
        zip(numbers, draws).map { modality == .first ? Int($0) : caption($0, $1) }
    }
}

/// The samples that a sampler with several captions a picture takes, one pair after another, as an endless source whose
/// draws are its numbers.
struct UnrolledCaptions: PairSource {
    let base: any PairSource
    let sampler: Sampler

    func description(of modality: Modality) -> ModalityDescription { base.description(of: modality) }
    func count(of split: Split) -> Int? { split == .training ? nil : 0 }

    private func numbers(_ draws: [UInt64]) -> [UInt64] {
        draws.map { draw in
            let plain = Int(draw & ~Sampler.secondStreamStart), position = plain % sampler.batchSize
            return sampler.numbers(
                step: plain / sampler.batchSize, positions: position..<position + 1,
                of: draw < Sampler.secondStreamStart ? .pairs : .second)[0]
        }
    }

    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(training: self.numbers(numbers), draws: numbers, first: first, second: second)
    }
    func groups(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        try base.groups(split, self.numbers(numbers))
    }
    func sampleRows(training numbers: [UInt64], draws: [UInt64], _ modality: Modality) throws -> [Int]? {
        try base.sampleRows(training: self.numbers(numbers), draws: draws, modality)
    }
}
