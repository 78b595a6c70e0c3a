import CoupletTensors

/// A source whose samples are token ids in at least one modality. It checks all samples that it hands on, those for
/// training and evaluation as well as rows of the user.
///
/// A sample is a row of whole numbers from 0 to below the size of the encoder's vocabulary. 0 is padding, and stands at
/// the end of a row only.
package struct TokenSource: ForwardingPairSource {
    private let base: any PairSource
    package var wrapped: any PairSource { base }
    /// Number of token ids of each modality; nil for a modality that holds no tokens.
    private let vocabularies: PerModality<Int?>

    /// Data of at most so many numbers are checked as a whole before a run starts.
    private static let smallData = 1 << 26

    /// A source that checks token ids; the source itself if no encoder takes any.
    package static func checking(_ source: any PairSource, vocabularies: PerModality<Int?>) -> any PairSource {
        if vocabularies.first == nil, vocabularies.second == nil { return source }
        return TokenSource(base: (source as? TokenSource)?.base ?? source, vocabularies: vocabularies)
    }

    /// Checks all samples of a finite source, unless they are many or lie on a disk. Those are checked when they are
    /// read.
    /// - Throws: `DataError` with file, dataset and row of the first sample that is no row of token ids; the errors of
    ///   `read`.
    package func checkAll() throws {
        if base.waitsForStorage { return }
        for modality in Modality.allCases where vocabularies[modality] != nil {
            let shape = description(of: modality).shape, columns = shape.reduce(1, *)
            // Training draws take any row of /second.
            if let file = base.unwrapped as? HDF5Source, file.pairs != nil {
                try checkAll(modality, of: file, columns: columns)
                continue
            }
            for split in splits {
                guard let count = count(of: split), count > 0, count <= Self.smallData / columns else { continue }
                let rows = min(count, max(1, (1 << 16) / columns)), buffer = Tensor([rows] + shape)
                for start in stride(from: 0, to: count, by: rows) {
                    let part = start..<min(start + rows, count), target = buffer.rows(0..<part.count)
                    try read(
                        split, part.map { UInt64($0) }, first: modality == .first ? target : nil,
                        second: modality == .second ? target : nil)
                }
            }
        }
    }

    private func checkAll(_ modality: Modality, of file: HDF5Source, columns: Int) throws {
        guard let vocabulary = vocabularies[modality], file.rowCount(modality) <= Self.smallData / columns else {
            return
        }
        try file.forEachBlock(of: modality, rows: max(1, (1 << 16) / columns)) { rows, samples in
            guard let problem = TokenProblem(in: samples, vocabulary: vocabulary) else { return }
            throw problem.error(at: file.location(of: modality), row: "row \(rows[problem.row])")
        }
    }

    // MARK: - Checked samples

    package func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(split, numbers, first: first, second: second)
        try check(split, numbers, first: first, second: second)
    }

    package func read(training numbers: [UInt64], draws: [UInt64], first: Tensor?, second: Tensor?) throws {
        try base.read(training: numbers, draws: draws, first: first, second: second)
        try check(.training, numbers, first: first, second: second)
    }

    package func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        let rows = try base.prepare(modality, raw: raw)
        if let vocabulary = vocabularies[modality], let problem = TokenProblem(in: rows, vocabulary: vocabulary) {
            throw problem.error(at: "data.source", row: "row \(problem.row)")
        }
        return rows
    }

    private func check(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        let samples = PerModality(first: first, second: second)
        for modality in Modality.allCases {
            guard let rows = samples[modality], let vocabulary = vocabularies[modality],
                let problem = TokenProblem(in: rows, vocabulary: vocabulary)
            else { continue }
            let number = numbers[problem.row]
            guard let place = try base.place(of: number, split, modality) else {
                throw problem.error(
                    at: "data.source",
                    row: "\(split.text) sample \(number) of the \(modality) modality")
            }
            let text = (try? base.texts(split, [number], modality))?.first.map { " (\(Self.quoted($0)))" } ?? ""
            throw problem.error(at: place.location, row: "row \(place.row)\(text)")
        }
    }

    /// The beginning of a text, for messages.
    private static func quoted(_ text: String) -> String {
        "\"" + (text.count > 60 ? text.prefix(60) + "…" : text[...]) + "\""
    }

    package func reading(labels: PerModality<LabelReading?>) throws -> any PairSource {
        TokenSource(base: try base.reading(labels: labels), vocabularies: vocabularies)
    }
}

/// The first value of a tensor that is no token id, or padding before a token.
struct TokenProblem: Equatable {
    let row: Int
    let position: Int
    let value: Float
    /// The token after a padding, and its position; nil if the value is no token id.
    let next: Next?
    private let vocabulary: Int

    struct Next: Equatable {
        let position: Int
        let value: Float
    }

    /// Nil if all rows are rows of token ids.
    init?(in rows: Tensor, vocabulary: Int) {
        let columns = rows.columns, limit = Float(vocabulary)
        for row in 0..<rows.rows {
            let values = rows.pointer + row * columns
            var padding: Int?
            for position in 0..<columns {
                let value = values[position]
                let isToken = value >= 0 && value < limit && value == value.rounded(.down)
                if isToken, value == 0 {
                    padding = padding ?? position
                } else if !isToken || padding != nil {
                    self.row = row
                    self.vocabulary = vocabulary
                    if isToken, let padding {
                        (self.position, self.value) = (padding, 0)
                        next = Next(position: position, value: value)
                    } else {
                        (self.position, self.value, next) = (position, value, nil)
                    }
                    return
                }
            }
        }
        return nil
    }

    /// - Parameter row: the row as the message names it.
    func error(at location: String, row: String) -> DataError {
        if let next {
            return DataError(
                at: location,
                reason:
                    "\(row) holds 0, the padding, at position \(position), before the token \(Self.text(next.value)) "
                    + "at position \(next.position)",
                remedy: "padding stands at the end of a row only, and tokens have the numbers 1 to \(vocabulary - 1)")
        }
        let isTooLarge = value >= Float(vocabulary) && value == value.rounded(.down) && value < 0x1p24
        return DataError(
            at: location, reason: "\(row) holds \(Self.text(value)) at position \(position), which is no token id",
            remedy: "token ids are the whole numbers 0 to \(vocabulary - 1), the vocabulary of the encoder"
                + (isTooLarge ? "; for this id set its vocabulary to \(Int(value) + 1) or more" : ""))
    }

    private static func text(_ value: Float) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }
}
