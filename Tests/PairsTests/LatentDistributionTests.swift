import CoupletPairs
import CoupletTensors
import Testing

@Suite struct LatentDistributionTests {
    /// A draw of Wishart(I, n) in n dimensions has E[Σ_ij] = n δ_ij, Var(Σ_ii) = 2 n and Var(Σ_ij) = n.
    @Test func covariancesAreWishartDraws() throws {
        let size = 3, seeds = 2_000
        var blocks: [[Matrix]] = [[], [], [], [], []]
        for seed in 0..<UInt64(seeds) {
            let distribution = try LatentDistribution(
                .init(content: size, style: size, modality: size, statisticalDependence: true), seed: seed)
            for (index, covariance) in [
                distribution.contentCovariance, distribution.styleCovariance, distribution.perturbationCovariance,
                distribution.firstModalityCovariance, distribution.secondModalityCovariance,
            ].enumerated() {
                blocks[index].append(covariance)
                #expect(covariance == covariance.transposed)
                #expect(try covariance.symmetricEigenvalues().values[0] > -1e-12)
            }
            #expect(Set(blocks.map { $0[Int(seed)].elements[0] }).count == 5, "the blocks' draws are independent")
            #expect(
                distribution.styleFromContent.elements == [Double](repeating: 0, count: 9)
                    && distribution.styleMean == [0, 0, 0])
        }
        let n = Double(size), count = Double(seeds)
        for draws in blocks {
            for i in 0..<size {
                for j in 0...i {
                    let values = draws.map { $0[i, j] }, expected = i == j ? n : 0, variance = i == j ? 2 * n : n
                    let mean = values.reduce(0, +) / count,
                        spread = values.reduce(0) { $0 + ($1 - expected) * ($1 - expected) } / count
                    #expect(abs(mean - expected) <= 4.5 * (variance / count).squareRoot())
                    // The kurtosis of the entries is below 9, so the squared standard error of the variance is below
                    // 8 variance² / count.
                    #expect(abs(spread - variance) <= 4.5 * variance * (8 / count).squareRoot())
                }
            }
        }
        // The blocks are independent, so their first entries are uncorrelated.
        let products = (0..<seeds).map { (blocks[0][$0][0, 0] - n) * (blocks[1][$0][0, 0] - n) }
        #expect(abs(products.reduce(0, +) / count) <= 4.5 * 2 * n / count.squareRoot())
    }

    @Test func conditionNumbersOfTheCovariances() throws {
        let distribution = try LatentDistribution(
            .init(content: 4, style: 2, modality: 0, statisticalDependence: true), seed: 3)
        #expect(distribution.conditionNumbers.map(\.name) == ["c", "s", "s_perturbed"])
        for (covariance, number) in zip(
            [distribution.contentCovariance, distribution.styleCovariance, distribution.perturbationCovariance],
            distribution.conditionNumbers)
        {
            let values = try covariance.symmetricEigenvalues().values
            #expect(abs(number.value - values[values.count - 1] / values[0]) <= 1e-6 * number.value)
        }
        let plain = try LatentDistribution(.init(), seed: 3)
        #expect(plain.conditionNumbers.map(\.value) == [1, 1, 1, 1, 1] && plain.styleCovariance == .identity(5))
    }

    /// The entries of a and B are standard normal.
    @Test func causalParametersAreStandardNormal() throws {
        var numbers: [Double] = []
        for seed in 0..<1_000 {
            let distribution = try LatentDistribution(
                .init(content: 3, style: 2, causalDependence: true), seed: UInt64(seed))
            numbers += distribution.styleMean + distribution.styleFromContent.elements
            #expect(distribution.contentCovariance == .identity(3), "without statistical dependence")
        }
        let count = Double(numbers.count)
        #expect(numbers.count == 8_000 && Set(numbers).count > 7_990)
        #expect(abs(numbers.reduce(0, +) / count) <= 4.5 / count.squareRoot())
        #expect(abs(numbers.reduce(0) { $0 + $1 * $1 } / count - 1) <= 4.5 * (2 / count).squareRoot())
        #expect(abs(numbers.reduce(0) { $0 + $1 * $1 * $1 * $1 } / count - 3) <= 4.5 * (96 / count).squareRoot())
    }
}
