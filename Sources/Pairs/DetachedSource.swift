import CoupletTensors

/// What is known of a source without its data: shapes and classes of the samples, and the conversion of a user's rows.
/// It suffices to encode rows with a trained encoder.
struct DetachedSource: PairSource {
    private let descriptions: PerModality<ModalityDescription>
    /// The name of the kind of source, for errors.
    private let kind: String
    private var preparations = PerModality<SamplePreparation?> { _ in nil }
    private let preparation: @Sendable (Modality, Tensor) throws -> Tensor
    /// `preparation` of each modality as a scaling.
    private let scalings: PerModality<InputScaling?>

    /// - Parameters:
    ///   - scalings: what `preparation` does.
    ///   - preparation: converts rows of the modality's shape to the input of its encoder; nil leaves them unchanged
    ///     and checks labels.
    init(
        _ descriptions: PerModality<ModalityDescription>, kind: String,
        scalings: PerModality<InputScaling?> = PerModality { _ in nil },
        preparation: (@Sendable (Modality, Tensor) throws -> Tensor)? = nil
    ) {
        self.descriptions = descriptions
        self.kind = kind
        self.scalings = scalings
        self.preparation = preparation ?? { _, rows in rows }
    }

    func description(of modality: Modality) -> ModalityDescription { descriptions[modality] }
    func preparation(of modality: Modality) -> SamplePreparation? { preparations[modality] }

    /// The same source, for samples that were made so.
    func prepared(by preparations: PerModality<SamplePreparation?>) -> DetachedSource {
        var copy = self
        copy.preparations = preparations
        return copy
    }

    func preparationScaling(of modality: Modality) -> InputScaling? { scalings[modality] }

    func count(of split: Split) -> Int? { 0 }

    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        throw DataError(
            at: "data.source \(kind)", reason: "the data of the run are not open",
            remedy: "they are needed to read samples, and not to encode rows")
    }

    func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try rowsFromUser(raw, modality, of: "data.source \(kind)")
        if let table = descriptions[modality].labelTable {
            return try tableRows(of: rows, table, of: "data.source \(kind)")
        }
        if let classes = descriptions[modality].classes {
            try requireClasses(rows, classes, of: "data.source \(kind)")
        }
        return try preparation(modality, rows)
    }
}

extension SourceSpecification {
    /// A source without its data, with samples of these descriptions; nil if the kind needs its data to convert rows.
    /// - Parameter preparations: how texts or picture files became the samples.
    package func detachedSource(
        _ descriptions: PerModality<ModalityDescription>, preparations: PerModality<SamplePreparation?>
    ) -> (any PairSource)? {
        let source = kind.detachedSource(descriptions)
        return (source as? DetachedSource)?.prepared(by: preparations) ?? source
    }
}

extension HDF5Specification {
    public func detachedSource(_ descriptions: PerModality<ModalityDescription>) -> (any PairSource)? {
        DetachedSource(descriptions, kind: Self.name)
    }
}

extension MNISTSpecification {
    public func detachedSource(_ descriptions: PerModality<ModalityDescription>) -> (any PairSource)? {
        let scalings = descriptions.map { $0.classes == nil ? MNISTSource.scaling(shape: $0.shape) : nil }
        return DetachedSource(descriptions, kind: Self.name, scalings: scalings) { modality, rows in
            descriptions[modality].classes == nil ? try MNISTSource.scaled(rows) : rows
        }
    }
}

extension GaussianSpecification {
    public func detachedSource(_ descriptions: PerModality<ModalityDescription>) -> (any PairSource)? {
        DetachedSource(descriptions, kind: Self.name)
    }
}
