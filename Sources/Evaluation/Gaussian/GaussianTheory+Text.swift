import CoupletLosses
import CoupletTensors
import CoupletText

#if canImport(Glibc)
    import Glibc
#endif

extension Loss {
    /// As a table names it: "conditional (0.5, 0.5)".
    package var title: String {
        let name =
            switch self {
            case .conditional: "conditional"
            case .joint: "joint"
            case .jointOffDiagonal: "joint off-diagonal"
            case .decoupled: "decoupled"
            case .sigmoid: "sigmoid"
            case .maximumMeanDiscrepancy: "maximum mean discrepancy"
            case .lpSimCLR(_, .sameModality): "Lp-SimCLR"
            case .lpSimCLR(_, .otherModality): "Lp-SimCLR (other modality)"
            case .ntXent: "NT-Xent"
            }
        return weights.map { "\(name) (\($0.first), \($0.second))" } ?? name
    }
}

extension Similarity {
    package var title: String {
        switch self {
        case .innerProduct: "inner product"
        case .cosine: "cosine"
        case .quadratic: "quadratic"
        }
    }
}

extension GaussianTheory {
    /// For people.
    public var table: String {
        var sections = [Self.head(self)]
        for answer in answers { sections.append(Self.table(answer, batch: batch)) }
        return sections.joined(separator: "\n")
    }

    private static func head(_ theory: GaussianTheory) -> String {
        let pair = theory.pair, information = pair.mutualInformation
        var table = TextTable()
        table.add(["canonical pair"] + pair.correlations.indices.map { String($0 + 1) })
        table.add(["correlation"] + pair.correlations.map { TextTable.fixed($0) })
        var lines =
            "a Gaussian pair of \(pair.covariance.uu.rows) and \(pair.covariance.vv.rows) dimensions, encoders of rank \(theory.rank)\n"
            + table.text()
        lines += "  mutual information \(TextTable.fixed(information)) nats"
        // log N is the most that a one-sided loss on batches of N can show.
        let cap = log(Double(theory.batch))
        lines += ", of which batches of \(theory.batch) can show at most log N = \(TextTable.fixed(cap))\n"
        lines +=
            "  of the cross-covariance this rank cannot hold \(TextTable.fixed(100 * theory.truncationError, 2)) %, in the Frobenius norm\n"
        return lines
    }

    private static func table(_ answer: Answer, batch: Int) -> String {
        let title = "\(answer.similarity.title), \(answer.loss.title)\n"
        guard let minimizer = answer.minimizer else { return title + "  no exact answer is known\n" }
        var values = TextTable()
        values.add(["canonical pair"] + minimizer.singularValues.indices.map { String($0 + 1) })
        values.add(["singular value of the coupling"] + minimizer.singularValues.map { TextTable.fixed($0) })
        if let first = minimizer.firstGram, let second = minimizer.secondGram {
            values.add(["first gram"] + first.map { TextTable.fixed($0) })
            values.add(["second gram"] + second.map { TextTable.fixed($0) })
        }
        var errors = TextTable()
        errors.add(["", "first given second", "second given first"])
        errors.add([
            "conditional mean, relative error", TextTable.fixed(answer.firstMeanError),
            TextTable.fixed(answer.secondMeanError),
        ])
        errors.add([
            "conditional covariance, relative error", TextTable.fixed(answer.firstCovarianceError),
            TextTable.fixed(answer.secondCovarianceError),
        ])
        var text = title + values.text() + errors.text() + "  optimal loss \(TextTable.fixed(minimizer.optimalLoss))"
        if let constant = answer.batchConstant, constant != 0 {
            text +=
                "; about \(TextTable.fixed(minimizer.optimalLoss + constant)) as training logs it on batches of \(batch)"
        }
        return text + "\n"
    }

    /// For programs: whole matrices.
    public var json: JSONValue {
        func matrix(_ matrix: Matrix) -> JSONValue {
            .array((0..<matrix.rows).map { row in .array((0..<matrix.columns).map { .number(matrix[row, $0]) }) })
        }
        func conditional(_ law: GaussianConditional?) -> JSONValue {
            law.map { .object([("mean_map", matrix($0.meanMap)), ("covariance", matrix($0.covariance))]) } ?? .null
        }
        let answers = answers.map { answer -> JSONValue in
            .object([
                ("similarity", .string(answer.similarity.rawValue)), ("loss", .string(answer.loss.title)),
                ("singular_values", .numbers(answer.minimizer?.singularValues)),
                ("first_gram", .numbers(answer.minimizer?.firstGram)),
                ("second_gram", .numbers(answer.minimizer?.secondGram)),
                ("optimal_loss", .number(answer.minimizer?.optimalLoss)),
                ("batch_constant", .number(answer.batchConstant)), ("first_mean_error", .number(answer.firstMeanError)),
                ("second_mean_error", .number(answer.secondMeanError)),
                ("first_covariance_error", .number(answer.firstCovarianceError)),
                ("second_covariance_error", .number(answer.secondCovarianceError)),
                ("first_given_second", conditional(answer.firstGivenSecond)),
                ("second_given_first", conditional(answer.secondGivenFirst)),
            ])
        }
        return .object([
            ("canonical_correlations", .numbers(pair.correlations)),
            ("mutual_information", .number(pair.mutualInformation)), ("rank", .integer(rank)),
            ("batch", .integer(batch)), ("truncation_error", .number(truncationError)),
            (
                "exact",
                .object([
                    ("first_given_second", conditional(pair.firstGivenSecond)),
                    ("second_given_first", conditional(pair.secondGivenFirst)),
                ])
            ),
            ("answers", .array(answers)),
        ])
    }
}
