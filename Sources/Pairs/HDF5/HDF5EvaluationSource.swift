import CoupletFiles
import CoupletTensors

/// The source of a run whose held-out samples are the pairs of another file. Training samples, which an evaluation
/// needs for prototypes of classes, stay those of the run.
struct HDF5EvaluationSource: PairSourceWrapper {
    private let base: any PairSource
    var wrapped: any PairSource { base }
    /// All pairs of the file are its held-out samples.
    private let file: HDF5Source

    /// - Throws: `FileError` if the file cannot be read; `DataError` if its rows are not samples of the run.
    init(_ base: any PairSource, path: String, names: HDF5DatasetNames) throws {
        self.base = base
        let readings = PerModality { modality in base.description(of: modality).labelTable.map(LabelReading.table) }
        let opened = try HDF5Source(path: path, names: names, heldOut: 0, rule: .allHeldOut)
        file = try opened.reading(labels: readings) as? HDF5Source ?? opened
        // The first row shows a wrong shape before any computation.
        for modality in Modality.allCases {
            if let wanted = base.preparation(of: modality), let found = file.preparation(of: modality) {
                try wanted.require(found, at: place(modality))
            }
            _ = try samples(modality, [0])
            let shape = base.description(of: modality).shape, found = file.description(of: modality).shape
            guard found == shape || found.reduce(1, *) != shape.reduce(1, *) || shape.count == 1 || found.count == 1
            else {
                throw DataError(
                    at: place(modality), reason: "its samples have the shape \(found), those of the run \(shape)",
                    remedy: "write them in the shape of the run's data")
            }
        }
    }

    private func place(_ modality: Modality) -> String {
        "\(file.path):\(modality == .first ? file.first.name : file.second.name)"
    }

    /// Rows of the file as the run's encoder takes them.
    private func samples(_ modality: Modality, _ numbers: [UInt64]) throws -> Tensor {
        if base.description(of: modality).labelTable != nil {
            let rows = Tensor([numbers.count, 1])
            try file.read(
                .heldOut, numbers, first: modality == .first ? rows : nil, second: modality == .second ? rows : nil)
            return rows
        }
        do {
            return try base.prepare(modality, raw: try file.readRaw(.heldOut, numbers, modality))
        } catch let error as DataError {
            throw DataError(at: place(modality), reason: error.reason, remedy: error.remedy)
        }
    }

    func count(of split: Split) -> Int? {
        switch split {
        case .training: base.count(of: .training)
        case .heldOut: file.count(of: .heldOut)
        case .validation: 0
        }
    }

    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        guard split == .heldOut else { return try base.read(split, numbers, first: first, second: second) }
        first?.copy(from: try samples(.first, numbers))
        second?.copy(from: try samples(.second, numbers))
    }

    func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        split == .heldOut ? try file.labels(.heldOut, numbers) : try base.labels(split, numbers)
    }
    func groups(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? {
        split == .heldOut ? try file.groups(.heldOut, numbers) : try base.groups(split, numbers)
    }
    func classNames() throws -> [String]? { try file.classNames() ?? base.classNames() }
    func texts(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [String]? {
        split == .heldOut ? try file.texts(.heldOut, numbers, modality) : try base.texts(split, numbers, modality)
    }
    func preparation(of modality: Modality) -> SamplePreparation? { base.preparation(of: modality) }
    func sampleRows(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> [Int]? {
        split == .heldOut
            ? try file.sampleRows(.heldOut, numbers, modality) : try base.sampleRows(split, numbers, modality)
    }
    func place(of number: UInt64, _ split: Split, _ modality: Modality) throws -> SamplePlace? {
        split == .heldOut
            ? try file.place(of: number, .heldOut, modality) : try base.place(of: number, split, modality)
    }

    func description(of modality: Modality) -> ModalityDescription { base.description(of: modality) }
    func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor { try base.prepare(modality, raw: raw) }
    func preparationScaling(of modality: Modality) -> InputScaling? { base.preparationScaling(of: modality) }
    func reading(labels: PerModality<LabelReading?>) throws -> any PairSource { self }
    var residentBytes: Int { base.residentBytes + file.residentBytes }
    var waitsForStorage: Bool { base.waitsForStorage || file.waitsForStorage }
    var storageNotices: [String] { file.storageNotices }
}

extension PairSource {
    /// The source with the pairs of a file as held-out samples: its datasets hold samples in the units of the source.
    /// /split of the file is not used.
    /// - Parameter kind: that of the run, whose names of datasets the file has.
    /// - Throws: `FileError` if the file cannot be read; `DataError` if its rows are not samples of the source.
    package func evaluating(on path: String, of kind: any PairSourceKind) throws -> any PairSource {
        let names = (kind as? HDF5Specification)?.names ?? HDF5DatasetNames()
        return try HDF5EvaluationSource(
            self, path: path,
            names: HDF5DatasetNames(
                first: names.first, second: names.second, pairs: names.pairs, labels: names.labels,
                groups: names.groups))
    }
}
