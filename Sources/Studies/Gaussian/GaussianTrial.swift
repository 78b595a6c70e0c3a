import CoupletEvaluation
import CoupletFiles
import CoupletInference
import CoupletLosses
import CoupletReports
import CoupletTensors
import CoupletTraining

/// A finished trial of the Gaussian study: its config, its learned coupling, and the exact answer of the theory.
struct GaussianTrial: StudyTrial {
    let name: String
    let configuration: Configuration
    let metrics: MetricsHistory?
    let tilt: GaussianTilt
    let couplingError: Double?
    let singularValues: [Double]
    let firstGram: [Double]?, secondGram: [Double]?
    /// The theory of the trial's loss and similarity. Its minimiser is nil if no exact answer is known.
    let answer: GaussianTheory.Answer
    /// |R - R_e|_F / |R|_F, the lowest relative error of encoders of rank e.
    let truncationError: Double
    /// The errors of the learned conditionals of u given v and of v given u, as in `GaussianTheory.Answer`; nil for the
    /// cosine.
    let firstMeanError: Double?, secondMeanError: Double?
    let firstCovarianceError: Double?, secondCovarianceError: Double?

    var pair: GaussianPair { tilt.pair }

    /// - Throws: `FileError`, `DataError`, `LinearAlgebraError` or `GaussianCovarianceError` if the run is damaged or
    ///   does not have linear encoders on a Gaussian source.
    init(reading path: String, name: String) throws {
        let run = try TrainedRun(path)
        self.name = name
        configuration = run.configuration
        let objective = run.configuration.objective
        guard let covariance = run.source.gaussianCovariance,
            let tilt = try run.model.gaussianTilt(
                of: run.source, similarity: objective.similarity, temperature: run.temperature)
        else {
            throw FileError(
                .badData, at: path, reason: "not a run of linear encoders on a Gaussian source",
                remedy: "launch/reproduce gaussian trains the sweeps of the study")
        }
        self.tilt = tilt
        metrics = try RunRecord.text(at: RunFolder(path: path).metrics).map { MetricsHistory($0) }
        let measured = try GaussianEvaluation(tilt, loss: objective.loss)
        couplingError = measured.couplingError
        singularValues = measured.singularValues
        firstGram = measured.firstGram
        secondGram = measured.secondGram
        let theory = try GaussianTheory(
            covariance, rank: run.configuration.encoders.embedding, batch: run.configuration.batch.size,
            objectives: [(objective.similarity, objective.loss)])
        answer = theory.answers[0]
        truncationError = theory.truncationError
        let first = try tilt.firstGivenSecond(), second = try tilt.secondGivenFirst(), pair = tilt.pair
        firstMeanError = Self.meanError(first, pair.first, pair.second, pair.whitenedCrossCovariance)
        secondMeanError = Self.meanError(second, pair.second, pair.first, pair.whitenedCrossCovariance.transposed)
        firstCovarianceError = Self.covarianceError(first, pair.firstGivenSecond)
        secondCovarianceError = Self.covarianceError(second, pair.secondGivenFirst)
    }

    /// √(E |m - m*|²_{C⁻¹} / E |m*|²_{C⁻¹}), for encoders without bias.
    private static func meanError(
        _ learned: GaussianConditional?, _ target: Whitening, _ given: Whitening, _ cross: Matrix
    ) -> Double? {
        let signal = cross.frobeniusNorm
        guard let learned, signal > 1e-12 else { return nil }
        return (target.inverseRoot * learned.meanMap * given.root - cross).frobeniusNorm / signal
    }

    /// |C - C*|_F / |C*|_F.
    private static func covarianceError(_ learned: GaussianConditional?, _ exact: GaussianConditional) -> Double? {
        let size = exact.covariance.frobeniusNorm
        return size > 0 ? learned.map { ($0.covariance - exact.covariance).frobeniusNorm / size } : nil
    }

    /// The mean of the loss over the last fifth of the training, with its standard error; every batch has new pairs.
    var finalLoss: SampleStatistics? {
        guard let losses = metrics?["loss"]?.filter(\.isFinite), !losses.isEmpty else { return nil }
        return SampleStatistics(Array(losses.suffix(max(1, losses.count / 5))))
    }

    /// The loss in tables: "conditional (0.5, 0.5)", "mmd, linear kernel".
    var lossTitle: String {
        let loss = configuration.objective.loss
        guard let dataKernel = loss.dataKernel else { return loss.title }
        let kernel =
            switch dataKernel {
            case .linear: "linear"
            case .polynomial(let degree): "polynomial (\(degree))"
            case .gaussian: "Gaussian"
            case .inverseMultiquadric: "inverse multiquadric"
            }
        return "mmd, \(kernel) kernel"
    }
}
