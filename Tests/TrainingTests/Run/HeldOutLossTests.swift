import CoupletCommunication
import CoupletEvaluation
import CoupletInference
import CoupletLosses
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining
import Foundation
import TestSupport
import Testing

/// The loss over pairs that training does not see, against plain loops in Double.
@Suite struct HeldOutLossTests {
    private static let temperature = 0.3

    private static func configuration(_ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
        TrainingExample.gaussian {
            $0.objective = .init(
                similarity: .cosine, loss: .conditional(first: 0.5, second: 0.5),
                temperature: .init(initial: temperature))
            $0.batch = .init(size: 128, shards: 4)
            $0.evaluation.pairs = 128
            change(&$0)
        }
    }

    private func evaluate(_ configuration: Configuration, workers: Int) throws -> EvaluationResult {
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let model = try Model(configuration, source: source)
        return try WorkerGroup.launch().run(threads: workers) { communicator in
            try ModelEvaluation(
                configuration: configuration, model: model, source: source, communicator: communicator
            ).run(step: 0, temperature: Self.temperature, loss: .init(temperature: Self.temperature))
        }
    }

    /// Encodings of held-out samples of the untrained model, scaled to length 1, in Double.
    private func units(_ configuration: Configuration, _ numbers: [UInt64]) throws -> PerModality<[[Double]]> {
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let model = try Model(configuration, source: source)
        return try PerModality { modality in
            let encoder = model.batchEncoder(modality, rows: numbers.count)
            try source.read(
                .heldOut, numbers, first: modality == .first ? encoder.input : nil,
                second: modality == .second ? encoder.input : nil)
            let rows = encoder.run(encoder.input)
            return (0..<rows.rows).map { i in
                let row = rows.rows(i..<i + 1).values.map(Double.init)
                let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
                return row.map { $0 / norm }
            }
        }
    }

    /// ½ (mean of LSE over j + mean of LSE over i) - mean of S_ii for S = ⟨u_i, v_j⟩ / τ.
    private func conditional(_ units: PerModality<[[Double]]>) -> Double {
        let (u, v) = (units.first, units.second), n = Double(u.count)
        func score(_ i: Int, _ j: Int) -> Double {
            var product = 0.0
            for k in u[i].indices { product += u[i][k] * v[j][k] }
            return product / Self.temperature
        }
        var sum = 0.0
        for i in u.indices {
            var row = 0.0, column = 0.0
            for j in u.indices {
                row += Foundation.exp(score(i, j))
                column += Foundation.exp(score(j, i))
            }
            sum += 0.5 * (Foundation.log(row) + Foundation.log(column)) - score(i, i)
        }
        return sum / n
    }

    @Test func isTheLossOfAllPairsOfABatch() throws {
        let configuration = Self.configuration()
        let loss = try #require(try evaluate(configuration, workers: 1).loss)
        let expected = conditional(try units(configuration, (0..<128).map { UInt64($0) }))
        #expect(loss.batchPairs == 128 && loss.batches == 1)
        #expect(abs(loss.mean - expected) < 1e-5, "\(loss.mean), not \(expected)")
    }

    /// 512 pairs in 4 shards of 128: batch k has the rows 32 k … 32 k + 31 of each shard.
    @Test func batchesAreAveraged() throws {
        let configuration = Self.configuration { $0.evaluation.pairs = 512 }
        let loss = try #require(try evaluate(configuration, workers: 1).loss)
        var sum = 0.0
        for batch in 0..<4 {
            let numbers = (0..<128).map { (position: Int) -> UInt64 in
                UInt64(position / 32 * 128 + batch * 32 + position % 32)
            }
            sum += conditional(try units(configuration, numbers))
        }
        #expect(loss.batchPairs == 128 && loss.batches == 4)
        #expect(abs(loss.mean - sum / 4) < 1e-5)
    }

    /// The gallery is smaller than a batch of an endless source, so further pairs are encoded.
    @Test func aSmallGalleryDoesNotMakeTheBatchSmaller() throws {
        let configuration = Self.configuration { $0.evaluation.pairs = 40 }
        let loss = try #require(try evaluate(configuration, workers: 1).loss)
        #expect(loss.batchPairs == 128 && loss.batches == 1)
        #expect(abs(loss.mean - conditional(try units(configuration, (0..<128).map { UInt64($0) }))) < 1e-5)
    }

    private static let losses: [any Loss] = [
        ConditionalLoss(), JointLoss(), NTXentLoss(), SigmoidLoss(bias: .init(initial: -2)),
        MaximumMeanDiscrepancyLoss(), LpSimCLRLoss(),
    ]

    @Test(arguments: losses.indices) func hasTheSameBitsForEveryNumberOfWorkers(_ index: Int) throws {
        for pairs in [40, 300] {
            let configuration = Self.configuration {
                $0.objective = .init(
                    similarity: .cosine, loss: Self.losses[index], temperature: .init(initial: Self.temperature))
                $0.evaluation.pairs = pairs
            }
            let one = try evaluate(configuration, workers: 1)
            #expect(one.loss?.mean.isFinite == true)
            for workers in [2, 4] {
                #expect(try evaluate(configuration, workers: workers).jsonText == one.jsonText, "\(workers) workers")
            }
        }
    }

    /// Of 50 held-out pairs, 48 are a batch of 4 shards; of 3 none is.
    @Test(arguments: [(50, 48), (3, nil)]) func fewHeldOutPairsMakeOneSmallerBatch(count: Int, pairs: Int?) throws {
        let runs = TrainedRuns(), path = runs.folder.file("pairs.h5"), rows = 200
        let file = try HDF5File(creating: path, overwriting: true)
        let numbers = Philox(seed: 3)
        try file.write("/first", Tensor([rows, 8], numbers.normals(rows * 8, .source, number: 0)))
        try file.write("/second", Tensor([rows, 6], numbers.normals(rows * 6, .source, number: 1)))
        try file.write("/split", (0..<rows).map { $0 < count ? 1 : 0 }, shape: [rows])
        try file.close()
        let configuration = Self.configuration {
            $0.source = .hdf5(path: path, heldOut: 0)
            $0.evaluation.pairs = nil
        }
        let result = try evaluate(configuration, workers: 2)
        #expect(result.retrieval?.gallery == count && result.loss?.batchPairs == pairs)
        if pairs != nil { #expect(try evaluate(configuration, workers: 4).jsonText == result.jsonText) }
    }
}
