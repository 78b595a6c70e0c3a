import CoupletLosses
import CoupletNetworks
import CoupletPairs
import CoupletTensors

extension Model {
    /// The coupling that the encoders make of their source, in closed form; nil but for encoders of a single linear layer on a Gaussian source.
    package func gaussianTilt(of source: any PairSource, similarity: Similarity, temperature: Double) throws
        -> GaussianTilt?
    {
        guard let covariance = source.gaussianCovariance, let first = linearMap(.first), let second = linearMap(.second)
        else { return nil }
        return GaussianTilt(
            try GaussianPair(covariance), similarity: similarity, first: first.weight, second: second.weight,
            firstBias: first.bias,
            secondBias: second.bias, temperature: temperature)
    }

    /// An encoder of a single linear layer, as a matrix; nil for any other.
    private func linearMap(_ modality: Modality) -> (weight: Matrix, bias: [Double]?)? {
        let encoder = encoder(modality), flat = parameters(modality)
        guard encoder.layers.count == 1, encoder.layers[0] is Linear else { return nil }
        let entries = encoder.layout.entries
        guard let weight = entries.first(where: { $0.path == "0/weight" }) else { return nil }
        let bias = entries.first { $0.path == "0/bias" }
        return (
            Matrix(flat.flat(weight.range).reshaped(weight.shape)),
            bias.map { flat.flat($0.range).values.map(Double.init) }
        )
    }
}
