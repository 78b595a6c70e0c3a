import CoupletFiles
import CoupletLosses
import CoupletReplay
import CoupletStorage
import CoupletTensors
import CoupletTraining
import Glibc
import TestSupport
import Testing

/// Compares the report and the dump of a replay with a naive computation in Double from the dump's inputs and
/// parameters.
@Suite struct StepInspectionTests {
    static let objectives: [Configuration.Objective] = [
        .init(similarity: .innerProduct, loss: .conditional(first: 0.5, second: 0.5), temperature: .init(initial: 0.5)),
        .init(
            similarity: .cosine, loss: .conditional(first: 0.9, second: 0.2),
            temperature: .init(initial: 0.1, learned: true)),
        .init(similarity: .quadratic, loss: .conditional(first: 0, second: 1), temperature: .init(initial: 0.7)),
        .init(similarity: .innerProduct, loss: .joint, temperature: .init(initial: 1, learned: true)),
        .init(similarity: .quadratic, loss: .jointOffDiagonal),
        .init(similarity: .cosine, loss: .decoupled(first: 0.4, second: 0.7)),
        .init(similarity: .innerProduct, loss: .sigmoid(bias: .init(initial: -1.5, learned: false))),
        .init(similarity: .innerProduct, loss: .maximumMeanDiscrepancy(first: 0.3, second: 0.6, kernel: .linear)),
    ]

    private static func rows(_ file: HDF5File, _ name: String) throws -> Matrix { Matrix(try file.readFloats(name)) }

    private static func isClose(_ a: Matrix, _ b: Matrix, _ limit: Double) -> Bool {
        a.rows == b.rows && a.columns == b.columns && (a - b).frobeniusNorm <= limit * b.frobeniusNorm
    }

    /// S_ij from encodings.
    private static func scores(_ u: Matrix, _ v: Matrix, _ similarity: Similarity, _ temperature: Double) -> Matrix {
        var scores = u * v.transposed
        func norm(_ x: Matrix, _ i: Int) -> Double {
            (0..<x.columns).reduce(0) { $0 + x[i, $1] * x[i, $1] }.squareRoot()
        }
        for i in 0..<u.rows {
            for j in 0..<v.rows {
                switch similarity {
                case .innerProduct: break
                case .cosine: scores[i, j] /= norm(u, i) * norm(v, j)
                case .quadratic:
                    scores[i, j] =
                        -0.5 * (0..<u.columns).reduce(0) { $0 + (u[i, $1] - v[j, $1]) * (u[i, $1] - v[j, $1]) }
                }
                scores[i, j] /= temperature
            }
        }
        return scores
    }

    private static func logSumExp(_ values: [Double]) -> Double { log(values.reduce(0) { $0 + exp($1) }) }

    /// - Parameter data: the inputs of both modalities, which the maximum mean discrepancy compares by a linear kernel.
    private static func pairLosses(_ s: Matrix, _ objective: Configuration.Objective, data: (Matrix, Matrix))
        -> [Double]
    {
        let n = s.rows
        func row(_ i: Int) -> [Double] { (0..<n).map { s[i, $0] } }
        func column(_ i: Int) -> [Double] { (0..<n).map { s[$0, i] } }
        func others(_ x: [Double], _ i: Int) -> [Double] { x.indices.filter { $0 != i }.map { x[$0] } }
        func discrepancy(_ scores: [Double], _ data: Matrix, _ i: Int) -> Double {
            let all = logSumExp(scores)
            return (0..<data.columns).reduce(0) { sum, k in
                let residual = (0..<n).reduce(-data[i, k]) { $0 + exp(scores[$1] - all) * data[$1, k] }
                return sum + 0.5 * residual * residual
            }
        }
        let (first, second) = objective.loss.weights.map { ($0.first, $0.second) } ?? (0, 0)
        return (0..<n).map { i in
            switch objective.loss {
            case is ConditionalLoss:
                return first * (logSumExp(column(i)) - s[i, i]) + second * (logSumExp(row(i)) - s[i, i])
            case is DecoupledLoss:
                return first * (logSumExp(others(column(i), i)) - s[i, i]) + second
                    * (logSumExp(others(row(i), i)) - s[i, i])
            case is JointLoss: return logSumExp(s.elements) - 2 * log(Double(n)) - s[i, i]
            case is JointOffDiagonalLoss:
                return logSumExp((0..<n).flatMap { others(row($0), $0) }) - log(Double(n * (n - 1))) - s[i, i]
            case let loss as SigmoidLoss:
                let bias = loss.scoreBias.initial
                return others(row(i), i).reduce(log1p(exp(-s[i, i] - bias))) { $0 + log1p(exp($1 + bias)) }
            case is MaximumMeanDiscrepancyLoss:
                return first * discrepancy(column(i), data.0, i) + second * discrepancy(row(i), data.1, i)
            default: preconditionFailure("the loss compares more than two sets")
            }
        }
    }

    @Test(arguments: objectives)
    func everyTensorFollowsFromTheOnesBefore(_ objective: Configuration.Objective) throws {
        let run = try ReplayRun(ReplayRun.plain(objective), threads: 3), path = "\(run.folder.path)/step.h5"
        let report = try run.replay(3, threads: 3, worst: 48, dump: path)
        #expect(report.verdict == .sameBits && report.clipScale < 1)
        let file = try HDF5File(reading: path)
        let weight = try Self.rows(file, "/parameters_before/first/0/weight"),
            secondWeight = try Self.rows(file, "/parameters_before/second/0/weight")
        let bias = try file.readFloats("/parameters_before/first/0/bias").values.map(Double.init)
        let x = try Self.rows(file, "/inputs/first"), y = try Self.rows(file, "/inputs/second")

        // The encodings follow from the inputs.
        var u = x * weight.transposed
        for i in 0..<u.rows { for k in 0..<u.columns { u[i, k] += bias[k] } }
        let v = y * secondWeight.transposed
        #expect(
            try Self.isClose(Self.rows(file, "/encodings/first"), u, 1e-6)
                && Self.isClose(Self.rows(file, "/encodings/second"), v, 1e-6))

        // The loss of each pair, their mean, and the ranks of the positives.
        let s = Self.scores(u, v, objective.similarity, report.temperature),
            losses = Self.pairLosses(s, objective, data: (x, y))
        let written = try file.readDoubles("/pair_losses")
        #expect(
            zip(written, losses).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) } && written == report.pairLosses)
        let mean = report.pairLosses.reduce(0, +) / 48
        #expect(abs(mean - report.loss) <= 1e-12 && abs(losses.reduce(0, +) / 48 - report.loss) <= 1e-5)
        let ordered = report.worst.map(\.loss)
        #expect(ordered == ordered.sorted(by: >) && Set(report.worst.map(\.position)).count == 48)
        for pair in report.worst {
            let i = pair.position, row = (0..<48).map { s[i, $0] }, column = (0..<48).map { s[$0, i] }
            #expect(pair.loss == report.pairLosses[i] && abs(pair.score - s[i, i]) <= 1e-5)
            #expect(
                pair.row.rank == 1 + row.count { $0 > s[i, i] } && pair.column.rank == 1 + column.count { $0 > s[i, i] }
            )
            let negatives = (0..<48).filter { $0 != i }
            #expect(
                pair.row.hardestNegative == negatives.max { row[$0] < row[$1] }
                    && pair.column.hardestNegative == negatives.max { column[$0] < column[$1] })
        }
        checkScores(report.scores, s)

        // ∂ loss / ∂ encodings, by central differences of the naive loss.
        let du = try Self.rows(file, "/encoding_gradients/first"),
            dv = try Self.rows(file, "/encoding_gradients/second")
        func naiveLoss(_ u: Matrix, _ v: Matrix) -> Double {
            Self.pairLosses(Self.scores(u, v, objective.similarity, report.temperature), objective, data: (x, y))
                .reduce(0, +) / 48
        }
        for (i, k) in [(0, 0), (13, 2), (47, 1)] {
            var up = u, down = u
            up[i, k] += 1e-5
            down[i, k] -= 1e-5
            #expect(abs((naiveLoss(up, v) - naiveLoss(down, v)) / 2e-5 - du[i, k]) <= 1e-6)
            (up, down) = (v, v)
            up[i, k] += 1e-5
            down[i, k] -= 1e-5
            #expect(abs((naiveLoss(u, up) - naiveLoss(u, down)) / 2e-5 - dv[i, k]) <= 1e-6)
        }

        // dW = dUᵀ X, db = Σ dU; and the clipped update of plain SGD.
        let gradient = try Self.rows(file, "/parameter_gradients/first/0/weight")
        #expect(Self.isClose(gradient, du.transposed * x, 1e-5))
        #expect(try Self.isClose(Self.rows(file, "/parameter_gradients/second/0/weight"), dv.transposed * y, 1e-5))
        let sums = (0..<3).map { k in (0..<48).reduce(0.0) { $0 + du[$1, k] } }
        #expect(
            try zip(file.readFloats("/parameter_gradients/first/0/bias").values, sums).allSatisfy {
                abs(Double($0) - $1) <= 1e-6
            })
        let after = try Self.rows(file, "/parameters_after/first/0/weight")
        #expect(Self.isClose(after - weight, (-report.learningRate * 0.01 / report.gradientNorm) * gradient, 1e-3))
        let summary = report.first.parameters[0]
        #expect(
            abs(summary.before.norm - weight.frobeniusNorm) <= 1e-9
                && abs(summary.gradient.norm - gradient.frobeniusNorm) <= 1e-9)
        #expect(abs(summary.updateNorm - (after - weight).frobeniusNorm) <= 1e-12)
        #expect(abs(report.first.layers[0].output.norm - u.frobeniusNorm) <= 1e-5 * u.frobeniusNorm)
    }

    private func checkScores(_ found: ScoreStatistics, _ s: Matrix) {
        let n = s.rows, positives = s.diagonal, pairs = (0..<n * n).filter { $0 / n != $0 % n }
        let negatives = pairs.map { s.elements[$0] }
        func moments(_ x: [Double]) -> (Double, Double) {
            let mean = x.reduce(0, +) / Double(x.count)
            return (mean, (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)).squareRoot())
        }
        let (positive, negative) = (moments(positives), moments(negatives))
        #expect(abs(found.positiveMean - positive.0) <= 1e-5 && abs(found.positiveDeviation - positive.1) <= 1e-5)
        #expect(abs(found.negativeMean - negative.0) <= 1e-5 && abs(found.negativeDeviation - negative.1) <= 1e-5)
        #expect(abs(found.negativeLargest - negatives.max()!) <= 1e-5)
        let wins = (0..<n).count { i in (0..<n).allSatisfy { $0 == i || s[i, $0] < s[i, i] } }
        let columnWins = (0..<n).count { i in (0..<n).allSatisfy { $0 == i || s[$0, i] < s[i, i] } }
        #expect(found.firstInRow == Double(wins) / Double(n) && found.firstInColumn == Double(columnWins) / Double(n))
    }

    /// More pairs than a tile has rows, and not a multiple of the vector lanes.
    @Test func scoresOfSeveralTiles() throws {
        var configuration = ReplayRun.plain(.init(similarity: .quadratic, temperature: .init(initial: 0.3)))
        configuration.batch = .init(size: 1_028, shards: 4)
        let run = try ReplayRun(configuration, threads: 1), path = "\(run.folder.path)/step.h5"
        let report = try run.replay(2, dump: path), file = try HDF5File(reading: path)
        checkScores(
            report.scores,
            try Self.scores(
                Self.rows(file, "/encodings/first"), Self.rows(file, "/encodings/second"), .quadratic,
                report.temperature))
    }

    @Test func aDumpIsCompleteOrAbsent() throws {
        let run = try ReplayRun(ReplayRun.plain(.init()), threads: 1), path = "\(run.folder.path)/step.h5"
        try run.folder.write("step.h5", "mine")
        let error = try #require(throws: FileError.self) { try run.replay(3, dump: path) }
        #expect(error.description.contains("exists already"))
        #expect(try run.folder.text(of: "step.h5") == "mine")
        #expect(throws: FileError.self) { try run.replay(3, dump: "\(run.folder.path)/none/step.h5") }
    }
}
