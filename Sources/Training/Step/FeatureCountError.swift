import CoupletLosses
import CoupletPairs

/// A kernel that would take more features than anybody can wait for.
public struct FeatureCountError: Error, CustomStringConvertible, Sendable {
    let modality: Modality
    let kernel: DataKernel

    public var description: String {
        """
        objective.kernel: on the \(modality) modality the polynomial kernel would take more than \(DataKernel.maximumFeatureCount) features; take a lower \
        degree, or the gaussian or inverse_multiquadric kernel, whose features are counted by objective.features
        """
    }
}
