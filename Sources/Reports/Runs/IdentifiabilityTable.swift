import CoupletEvaluation
import CoupletText

/// The section `identifiability` of an evaluation: one row per latent factor, one column per encoder and regressor.
struct IdentifiabilityTable {
    private let section: JSONValue
    private let regressors: [Regressor]

    /// Nil if the evaluation has no such section.
    init?(_ evaluation: JSONValue?) {
        guard let section = evaluation?["identifiability"], case .object(let factors) = section["first"] else {
            return nil
        }
        self.section = section
        regressors = Regressor.allCases.filter { regressor in factors.contains { $0.1[regressor.rawValue] != nil } }
    }

    private static let encoders = ["first", "second"]

    var table: DataTable {
        guard case .object(let factors) = section["first"] else { return DataTable(columns: [], rows: []) }
        func row(_ name: String, _ scores: (_ encoder: String) -> JSONValue?) -> [DataTable.Cell] {
            [DataTable.Cell(name)]
                + Self.encoders.flatMap { encoder in
                    regressors.map {
                        DataTable.Cell(TypographicNumber.significant(scores(encoder)?[$0.rawValue]?.number))
                    }
                }
        }
        var rows = factors.map { name, _ in row(name) { section[$0]?[name] } }
        if let scores = section["from_content"] { rows.append(row("encoding, from c") { scores[$0] }) }
        return DataTable(
            columns: ["R² of"]
                + Self.encoders.flatMap { encoder in regressors.map { DataTable.Cell("\(encoder), \($0.title)") } },
            rows: rows)
    }

    /// A row for each discrete factor; nil if there are none.
    var accuracies: DataTable? {
        guard case .object(let factors)? = section["accuracy"] else { return nil }
        let classifiers = Regressor.allCases.compactMap(\.classifier).filter { name in
            factors.contains { $0.1["first"]?[name] != nil }
        }
        return DataTable(
            columns: ["accuracy of"]
                + Self.encoders.flatMap { encoder in classifiers.map { DataTable.Cell("\(encoder), \($0)") } }
                + ["chance"],
            rows: factors.map { name, found in
                [DataTable.Cell(name)]
                    + Self.encoders.flatMap { encoder in
                        classifiers.map {
                            DataTable.Cell(TypographicNumber.significant(found[encoder]?[$0]?.number))
                        }
                    } + [DataTable.Cell(TypographicNumber.significant(found["chance"]?.number))]
            })
    }

    /// What the table shows, and the mean correlations.
    var remark: String {
        var text = "Latent factors predicted from encodings"
        if let samples = section["samples"]?.integer {
            text += ", fitted on \(TypographicNumber.grouped(samples)) samples and scored on as many others"
        }
        text += "."
        if let correlation = section["mean_correlation"] {
            let both = Self.encoders.map { "\($0) \(TypographicNumber.significant(correlation[$0]?.number))" }
            text += " Mean correlation of encodings and c: \(both.joined(separator: ", "))."
        }
        return text
    }
}
