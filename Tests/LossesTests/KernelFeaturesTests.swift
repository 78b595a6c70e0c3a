import CoupletLosses
import CoupletTensors
import Foundation
import Testing

/// Compares ⟨φ(x), φ(y)⟩ with the formula of the kernel.
@Suite struct KernelFeaturesTests {
    private static let count = 24, inputs = 5

    private static func samples() -> Tensor {
        let samples = Tensor([count, inputs])
        Philox(seed: 3).fillNormal(samples, .source, number: 8)
        return samples
    }

    private static func features(_ map: KernelFeatures, _ samples: Tensor) -> [[Double]] {
        let out = Tensor([samples.rows, map.count])
        map.evaluate(samples, into: out, scratch: Tensor([map.scratchCount(rows: samples.rows)]))
        return PairwiseEngineTests.rows(out)
    }

    private static func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
    private static func squaredDistance(_ x: [Double], _ y: [Double]) -> Double {
        zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }

    @Test(arguments: [1, 2, 3, 4]) func polynomialsAreExact(degree: Int) throws {
        let samples = Self.samples(), x = PairwiseEngineTests.rows(samples)
        let map = try #require(KernelFeatures(.polynomial(degree: degree), inputs: Self.inputs, seed: 1, modality: 0))
        let features = Self.features(map, samples)
        for i in 0..<Self.count {
            for j in 0..<Self.count {
                let exact = pow(1 + Self.dot(x[i], x[j]), Double(degree)),
                    size = pow(
                        1 + Self.dot(x[i], x[i]).squareRoot() * Self.dot(x[j], x[j]).squareRoot(), Double(degree))
                #expect(abs(Self.dot(features[i], features[j]) - exact) <= 1e-6 * size)
            }
        }
    }

    @Test func theLinearKernelHasTheDataAsFeatures() throws {
        let samples = Self.samples()
        let map = try #require(KernelFeatures(.linear, inputs: Self.inputs, seed: 1, modality: 0))
        #expect(Self.features(map, samples) == PairwiseEngineTests.rows(samples))
    }

    /// The mean over the frequencies is the kernel, its standard deviation at most 1/√(pairs of features). 4.5 standard
    /// deviations bound 276 values.
    @Test(arguments: [0.7, 2.5]) func fourierFeaturesApproximateTheirKernel(bandwidth: Double) throws {
        let samples = Self.samples(), x = PairwiseEngineTests.rows(samples), features = 8_192
        let kernels: [(DataKernel, (Double) -> Double)] = [
            (.gaussian(bandwidth: bandwidth, features: features), { exp(-$0 / (2 * bandwidth * bandwidth)) }),
            (
                .inverseMultiquadric(bandwidth: bandwidth, features: features),
                { 1 / (1 + $0 / (bandwidth * bandwidth)).squareRoot() }
            ),
        ]
        for (kernel, exact) in kernels {
            let map = try #require(KernelFeatures(kernel, inputs: Self.inputs, seed: 11, modality: 1))
            #expect(map.count == features)
            let phi = Self.features(map, samples)
            for i in 0..<Self.count {
                #expect(abs(Self.dot(phi[i], phi[i]) - 1) <= 1e-5)
                for j in 0..<i {
                    #expect(
                        abs(Self.dot(phi[i], phi[j]) - exact(Self.squaredDistance(x[i], x[j]))) <= 4.5
                            / Double(features / 2).squareRoot())
                }
            }
        }
    }

    @Test func labelsAreUnitVectors() throws {
        let labels = Tensor([4, 1], [2, 0, 2, 1])
        let linear = try #require(KernelFeatures(.linear, inputs: 1, classes: 3, seed: 1, modality: 1))
        #expect(Self.features(linear, labels) == [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]])
        let gaussian = try #require(
            KernelFeatures(.gaussian(bandwidth: 1, features: 4_096), inputs: 1, classes: 3, seed: 1, modality: 1))
        let phi = Self.features(gaussian, labels)
        #expect(phi[0] == phi[2])
        #expect(abs(Self.dot(phi[0], phi[1]) - exp(-1)) <= 4 / Double(2_048).squareRoot())
    }

    @Test func tooManyMonomialsGiveNil() {
        #expect(KernelFeatures(.polynomial(degree: 3), inputs: 784, seed: 1, modality: 0) == nil)
        #expect(DataKernel.polynomial(degree: 2).featureCount(inputs: 8) == 45)
    }
}
