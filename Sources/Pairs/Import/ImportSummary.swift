import CoupletText

/// What an import has written and left out.
public struct ImportSummary: Sendable {
    /// The set.
    public let output: String
    public private(set) var pairs = 0
    /// Rows of /first and /second.
    public private(set) var firstRows = 0, secondRows = 0
    /// The shape of a row.
    public private(set) var firstShape: [Int] = [], secondShape: [Int] = []
    /// How plain inputs became rows; nil for numbers and labels.
    public private(set) var preparations = PerModality<SamplePreparation?>(first: nil, second: nil)
    /// Picture files, and texts, with equal ones.
    public internal(set) var pictureFiles = 0
    public private(set) var texts = 0
    /// Pairs of the training, test and validation split; nil if the set has no splits.
    public private(set) var splits: [Int]?
    /// The number of groups and of classes; nil if the set has none.
    public private(set) var groups: Int?, classes: Int?
    /// Rows of the input, and those that were left out.
    public let rows: Int
    public internal(set) var badCount: Int
    /// What was unknown, cut or empty in texts, and which rows were left out.
    public private(set) var warnings: [String] = []
    /// Of shapes, pixels, ids and numbers.
    public private(set) var digest = ""

    var bad: BadRows

    init(output: String, bad: BadRows, total: Int) {
        (self.output, self.bad, rows, badCount) = (output, bad, total, bad.count)
    }

    /// Counts the texts of a modality.
    mutating func add(_ texts: TextRows, of count: Int) {
        self.texts += count
        if case .text(let preparation)? = texts.rows.preparation {
            warnings += texts.counts.warnings(positions: preparation.positions)
        }
    }

    /// Writes a set and tells what it has.
    mutating func write(_ set: ImportedSet) throws {
        let written = try set.write(to: output)
        (pairs, firstRows, secondRows) = (set.pairs.count, written.firstRows, written.secondRows)
        (firstShape, secondShape) = (set.first.shape, set.second.shape)
        preparations = PerModality(first: set.first.preparation, second: set.second.preparation)
        digest = written.digest
        splits = set.splits.map { splits in (0..<3).map { code in splits.count { $0 == code } } }
        groups = set.groups.map { Set($0).count } ?? (set.groupsFirstRows ? written.firstRows : nil)
        classes = set.labels.map { Set($0).count }
        if badCount > 0 {
            warnings.append("\(badCount) of \(rows) rows were left out:\n" + bad.list.joined(separator: "\n"))
        }
    }

    /// The summary in lines.
    public var text: String {
        func rows(_ count: Int, _ shape: [Int], _ preparation: SamplePreparation?) -> String {
            switch preparation {
            case .picture(let picture):
                let size = picture.shape.map(String.init).joined(separator: " × ")
                return "\(count) pictures (\(size), \(picture.format.fit.rawValue))"
            case .text(let text):
                return "\(count) texts (\(text.tokenizerName): \(text.vocabulary) ids, \(text.positions) positions)"
            case nil:
                return shape.isEmpty
                    ? "\(count) labels" : "\(count) rows of \(shape.map(String.init).joined(separator: " × ")) numbers"
            }
        }
        var lines = [
            "\(output): \(pairs) pairs of \(rows(firstRows, firstShape, preparations.first)) and "
                + rows(secondRows, secondShape, preparations.second)
        ]
        if let splits {
            let names = ["training", "test", "validation"]
            lines.append(
                "splits: " + zip(names, splits).filter { $1 > 0 }.map { "\($0) \($1)" }.joined(separator: ", "))
        }
        if let groups { lines.append("groups: \(groups)") }
        if let classes { lines.append("classes: \(classes)") }
        lines.append("digest: \(digest)")
        return lines.joined(separator: "\n")
    }
}
