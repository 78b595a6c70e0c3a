import CoupletPairs
import TestSupport
import Testing

@Suite struct SourceSpecificationTests {
    @Test func makesTheSource() throws {
        let pairs = try PairFile { try HDF5SourceTests.writePairs($0) }
        let small = try SmallMNIST()
        try withExtendedLifetime((pairs, small)) {
            #expect(
                try SourceSpecification.hdf5(path: pairs.path, heldOut: 0.5).makeSource(seed: 1).count(of: .heldOut)
                    == 19)
            #expect(try SourceSpecification.mnist(path: small.folder.path).makeSource(seed: 1).count(of: .heldOut) == 9)
            let gaussian = try SourceSpecification.gaussian(dimensions: [3, 2], correlations: [0.5]).makeSource(seed: 7)
            #expect(
                try gaussian.gaussianCovariance
                    == GaussianSource(dimensions: [3, 2], correlations: [0.5], seed: 7).gaussianCovariance)
        }
    }
}
