import CoupletTensors

extension OceanSource {
    /// The fields are linear in z.
    public func gaussianMarginal(of modality: Modality) throws -> GaussianMarginal? {
        guard modality == .first else { return nil }
        let factor = prior.map(to: specification.field, side: specification.grid)
        return GaussianMarginal(mean: [Double](repeating: 0, count: factor.rows), factor: factor)
    }
}
