import CoupletPairs
import CoupletStorage
import CoupletTensors
import Testing

/// The digest of a source's data: the same for the same data however they lie there, another for others.
@Suite struct DataDigestTests {
    private static let count = 1_000

    /// 1,000 pairs of three floats and a label, with one change or none.
    private func digest(
        heldOut: Double = 0, seed: UInt64 = 1, memoryLimit: Int = HDF5Source.memoryLimit,
        _ change: (inout [Float], inout [Int]) -> Void = { _, _ in }
    ) throws -> String {
        var numbers = (0..<Self.count * 3).map { Float($0 * 7 % 1_001) / 8 },
            labels = (0..<Self.count).map { $0 * 3 % 7 }
        change(&numbers, &labels)
        let file = try PairFile {
            try $0.write("/first", Tensor([numbers.count / 3, 3], numbers))
            try $0.write("/second", labels, shape: [labels.count])
        }
        return try withExtendedLifetime(file) {
            try #require(try file.source(heldOut: heldOut, seed: seed, memoryLimit: memoryLimit).dataDigest())
        }
    }

    @Test func ofAUsersFile() throws {
        let plain = try digest()
        #expect(plain.count == 64)
        #expect(try digest() == plain)
        #expect(try digest(memoryLimit: 0) == plain, "read row by row")
        // The first and last rows are among those looked at; every label is.
        #expect(try digest { numbers, _ in numbers[0] += 1 } != plain)
        #expect(try digest { numbers, _ in numbers[numbers.count - 1] += 1 } != plain)
        #expect(try digest { _, labels in labels[501] = 6 - labels[501] } != plain)
        #expect(try digest { numbers, labels in (numbers, labels) = (numbers.dropLast(3), labels.dropLast()) } != plain)
        // Numbers all changed a little, as by another normalisation.
        #expect(try digest { numbers, _ in numbers = numbers.map { $0 * 1.0001 } } != plain)
        // Which pairs are held out.
        let split = try digest(heldOut: 0.1)
        #expect(try split != plain && digest(heldOut: 0.1) == split && digest(heldOut: 0.1, seed: 2) != split)
    }

    @Test func ofTheTypeAndShape() throws {
        func digest(_ fill: (HDF5File) throws -> Void) throws -> String? {
            let file = try PairFile(fill)
            return try withExtendedLifetime(file) { try file.source().dataDigest() }
        }
        let numbers = (0..<24).map(Float.init)
        let flat = try digest {
            try $0.write("/first", Tensor([4, 6], numbers))
            try $0.write("/second", Tensor([4, 1], [1, 2, 3, 4]))
        }
        let image = try digest {
            try $0.write("/first", Tensor([4, 2, 3], numbers))
            try $0.write("/second", Tensor([4, 1], [1, 2, 3, 4]))
        }
        let doubles = try digest {
            try $0.write("/first", numbers.map(Double.init), shape: [4, 6])
            try $0.write("/second", Tensor([4, 1], [1, 2, 3, 4]))
        }
        #expect(Set([flat, image, doubles]).count == 3)
    }

    @Test func ofMNIST() throws {
        func digest(_ small: SmallMNIST) throws -> String? {
            try withExtendedLifetime(small) { try small.source().dataDigest() }
        }
        let plain = try #require(try digest(SmallMNIST()))
        #expect(try digest(SmallMNIST(compressed: [0, 1, 2, 3])) == plain, "packed or not")
        for file in 0..<4 {
            let other = SmallMNIST()
            var bytes = SmallMNIST.contents[file]
            bytes[bytes.count - 1] = (bytes[bytes.count - 1] + 1) % 10
            other.folder.remove(SmallMNIST.names[file])
            other.folder.write(SmallMNIST.names[file], bytes)
            #expect(try digest(other) != plain, "\(SmallMNIST.names[file])")
        }
    }

    @Test func ofAGaussian() throws {
        // The config says all.
        #expect(try GaussianSource(dimensions: [4, 3], correlations: [0.9, 0.5], seed: 8).dataDigest() == nil)
        let covariance = try #require(
            GaussianSource(dimensions: [4, 3], correlations: [0.9, 0.5], seed: 8).gaussianCovariance)
        let file = try #require(
            try GaussianCovarianceFileTests.source(covariance.uu, covariance.uv, covariance.vv).dataDigest())
        #expect(
            try GaussianCovarianceFileTests.source(covariance.uu, covariance.uv, covariance.vv).dataDigest() == file)
        #expect(
            try GaussianCovarianceFileTests.source(covariance.uu, 0.999 * covariance.uv, covariance.vv).dataDigest()
                != file)
    }

    @Test func ofAProgramsOwn() throws {
        struct Own: PairSource {
            func description(of modality: Modality) -> ModalityDescription { ModalityDescription(shape: [1]) }
            func count(of split: Split) -> Int? { nil }
            func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {}
        }
        #expect(try Own().dataDigest() == nil)
    }
}
