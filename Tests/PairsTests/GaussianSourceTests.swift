import CoupletFiles
import CoupletPairs
import CoupletTensors
import TestSupport
import Testing

/// Reads samples (u, v) as the rows of one matrix.
private func jointSample(_ source: GaussianSource, _ split: Split, _ numbers: [UInt64]) throws -> Matrix {
    let (du, dv) = (source.dimensions.first, source.dimensions.second)
    let first = Tensor([numbers.count, du]), second = Tensor([numbers.count, dv])
    try source.read(split, numbers, first: first, second: second)
    var joint = Matrix(rows: numbers.count, columns: du + dv)
    for i in 0..<numbers.count {
        for j in 0..<du { joint[i, j] = Double(first[i * du + j]) }
        for j in 0..<dv { joint[i, du + j] = Double(second[i * dv + j]) }
    }
    return joint
}

/// Returns the joint covariance of (u, v).
private func jointCovariance(_ covariance: GaussianCovariance) -> Matrix {
    let (du, dv) = (covariance.uu.rows, covariance.vv.rows)
    var joint = Matrix(rows: du + dv, columns: du + dv)
    for i in 0..<du { for j in 0..<du { joint[i, j] = covariance.uu[i, j] } }
    for i in 0..<dv { for j in 0..<dv { joint[du + i, du + j] = covariance.vv[i, j] } }
    for i in 0..<du {
        for j in 0..<dv { (joint[i, du + j], joint[du + j, i]) = (covariance.uv[i, j], covariance.uv[i, j]) }
    }
    return joint
}

/// Returns the largest deviation of the sample mean and covariance from the exact ones, in standard errors:
/// Var(x_i x_j) = C_ii C_jj + C_ij².
private func largestDeviation(_ sample: Matrix, _ exact: Matrix) -> Double {
    let count = Double(sample.rows), second = (1 / count) * (sample.transposed * sample)
    var largest = 0.0
    for i in 0..<exact.rows {
        let mean = (0..<sample.rows).reduce(0.0) { $0 + sample[$1, i] } / count
        largest = max(largest, abs(mean) / (exact[i, i] / count).squareRoot())
        for j in 0..<exact.rows {
            let error = ((exact[i, i] * exact[j, j] + exact[i, j] * exact[i, j]) / count).squareRoot()
            largest = max(largest, abs(second[i, j] - exact[i, j]) / error)
        }
    }
    return largest
}

private func pair(_ dimensions: [Int]) -> PerModality<Int> {
    PerModality(first: dimensions[0], second: dimensions[1])
}

@Suite struct GaussianSourceTests {
    static let correlations = [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]

    @Test(arguments: [
        ([8, 6], correlations), ([6, 8], correlations), ([5, 5], [0.99, -0.5]), ([1, 1], [0.3]), ([3, 17], []),
        ([40, 30], [0.8, 0.8]),
    ]) func canonicalCorrelationsAreExact(dimensions: [Int], correlations: [Double]) throws {
        let source = try GaussianSource(dimensions: pair(dimensions), correlations: correlations, seed: 11)
        let covariance = try #require(source.gaussianCovariance)
        let whitened = try covariance.uu.inverseSquareRoot() * covariance.uv * covariance.vv.inverseSquareRoot()
        let found = try whitened.singularValueDecomposition().singularValues
        let expected = (correlations.map(abs) + Array(repeating: 0, count: dimensions.min()! - correlations.count))
            .sorted(by: >)
        for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-13) }
        for block in [covariance.uu, covariance.vv] {
            #expect(block == block.transposed)
            let values = try block.symmetricEigenvalues().values
            #expect(values.first! >= 0.25 - 1e-12)
            #expect(values.last! <= 4 + 1e-12)
        }
        // The maps are not trivial: no block is the identity, and the cross-covariance is not diagonal.
        #expect((covariance.uu - .identity(dimensions[0])).frobeniusNorm > 0.01)
        if dimensions.min()! > 1, !correlations.isEmpty { #expect(abs(covariance.uv[0, 1]) > 1e-3) }
    }

    @Test func samplesHaveTheExactCovariance() throws {
        let source = try GaussianSource(
            dimensions: .init(first: 8, second: 6), correlations: Self.correlations, seed: 4)
        let exact = jointCovariance(try #require(source.gaussianCovariance))
        for split in Split.allCases {
            let sample = try jointSample(source, split, Array(0..<200_000))
            #expect(largestDeviation(sample, exact) <= 4.5)
        }
    }

    @Test func splitsAndSeedsAreIndependent() throws {
        let source = try GaussianSource(dimensions: .init(first: 2, second: 2), correlations: [0.5], seed: 4)
        let training = try jointSample(source, .training, Array(0..<50_000)),
            heldOut = try jointSample(source, .heldOut, Array(0..<50_000)),
            validation = try jointSample(source, .validation, Array(0..<50_000))
        #expect(source.hasValidation)
        for (a, b) in [(training, heldOut), (training, validation), (heldOut, validation)] {
            let cross = (1.0 / 50_000) * (a.transposed * b)
            #expect(cross.elements.allSatisfy { abs($0) <= 4.5 * 4 / Double(50_000).squareRoot() })
        }
        let reseeded = try GaussianSource(dimensions: .init(first: 2, second: 2), correlations: [0.5], seed: 5)
        #expect(reseeded.gaussianCovariance != source.gaussianCovariance)
        #expect(
            try GaussianSource(dimensions: .init(first: 2, second: 2), correlations: [0.5], seed: 4).gaussianCovariance
                == source.gaussianCovariance)
    }

    /// A sample has the same bits alone, in any batch, and at any alignment.
    @Test(arguments: [[8, 6], [1, 1], [3, 5], [50, 33]]) func bitsDoNotDependOnTheBatch(dimensions: [Int]) throws {
        let source = try GaussianSource(dimensions: pair(dimensions), correlations: [0.7], seed: 2)
        let numbers = (0..<333).map { UInt64($0) * 12_345_678_901 }
        for (index, modality) in Modality.allCases.enumerated() {
            let columns = dimensions[index]
            func read(_ numbers: [UInt64], shift: Int) throws -> [Float] {
                let buffer = Tensor([numbers.count * columns + shift])
                let rows = buffer.flat(shift..<buffer.count).reshaped([numbers.count, columns])
                try source.read(.training, numbers, first: index == 0 ? rows : nil, second: index == 1 ? rows : nil)
                return rows.values
            }
            let whole = try read(numbers, shift: 0)
            let single = try numbers.flatMap { try read([$0], shift: 1) }
            #expect((single == whole) as Bool)
            for size in [2, 7, 63, 64, 65, 128] {
                let grouped = try stride(from: 0, to: 333, by: size).flatMap { start in
                    try read(Array(numbers[start..<min(start + size, 333)]), shift: size % 5)
                }
                #expect((grouped == whole) as Bool)
            }
            let raw = try source.readRaw(.training, numbers, modality)
            #expect((raw.values == whole) as Bool)
        }
    }

    @Test func impossibleValuesAreErrors() {
        for (dimensions, correlations) in [
            ([8, 0], []), ([-1, 3], []), ([2, 3], [0.1, 0.2, 0.3]), ([2, 2], [1.0]), ([2, 2], [-1.5]),
            ([2, 2], [.nan]), ([1_000_000, 2], []),
        ] as [([Int], [Double])] {
            #expect(throws: DataError.self) {
                try GaussianSource(dimensions: pair(dimensions), correlations: correlations, seed: 1)
            }
        }
    }

    @Test func preparationKeepsValidRows() throws {
        let source = try GaussianSource(dimensions: .init(first: 3, second: 2), correlations: [0.5], seed: 1)
        let rows = Tensor([2, 3], [1, 2, 3, 4, 5, 6])
        #expect(try source.prepare(.first, raw: rows).values == rows.values)
        #expect(throws: DataError.self) { try source.prepare(.second, raw: rows) }
        #expect(throws: DataError.self) { try source.prepare(.first, raw: Tensor([1, 3], [1, .nan, 3])) }
        #expect(try source.labels(.training, [1]) == nil)
    }

    // MARK: - Covariances from a file

    private static func write(_ uu: Matrix, _ uv: Matrix, _ vv: Matrix, under group: String = "") throws -> PairFile {
        try PairFile {
            try $0.write("\(group)/uu", uu)
            try $0.write("\(group)/uv", uv)
            try $0.write("\(group)/vv", vv)
        }
    }

    private static func source(_ uu: Matrix, _ uv: Matrix, _ vv: Matrix, under group: String = "") throws
        -> GaussianSource
    {
        let file = try write(uu, uv, vv, under: group)
        return try withExtendedLifetime(file) { try GaussianSource(covarianceFile: file.path, seed: 3) }
    }

    @Test(arguments: ["", "/covariance"]) func samplesHaveTheCovarianceOfTheFile(group: String) throws {
        let exact = try #require(
            GaussianSource(dimensions: .init(first: 4, second: 3), correlations: [0.9, 0.5], seed: 8).gaussianCovariance
        )
        // Units of very different size: u in thousands, v in thousandths.
        let scaled = GaussianCovariance(uu: 1e6 * exact.uu, uv: exact.uv, vv: 1e-6 * exact.vv)
        for covariance in [exact, scaled] {
            let source = try Self.source(covariance.uu, covariance.uv, covariance.vv, under: group)
            #expect(source.dimensions == PerModality(first: 4, second: 3))
            #expect(source.gaussianCovariance == covariance)
            let sample = try jointSample(source, .training, Array(0..<100_000))
            #expect(largestDeviation(sample, jointCovariance(covariance)) <= 4.5)
        }
    }

    /// Tests u = v, and a component of variance 0.
    @Test func singularCovariancesAreValid() throws {
        let uu = Matrix(rows: 2, columns: 2, elements: [2, 1, 1, 3])
        let source = try Self.source(uu, uu, uu)
        let sample = try jointSample(source, .heldOut, Array(0..<20_000))
        var largest = 0.0
        for i in 0..<sample.rows { for j in 0..<2 { largest = max(largest, abs(sample[i, j] - sample[i, 2 + j])) } }
        #expect(largest <= 1e-6 * 10)
        #expect(largestDeviation(sample, jointCovariance(GaussianCovariance(uu: uu, uv: uu, vv: uu))) <= 4.5)

        let constant = try Self.source(
            .diagonal([1, 0]), Matrix(rows: 2, columns: 1, elements: [0.5, 0]), .diagonal([1]))
        let rows = try jointSample(constant, .training, Array(0..<1000))
        #expect((0..<1000).allSatisfy { rows[$0, 1] == 0 && rows[$0, 0] != 0 })

        // Rounding to Float32 may raise a correlation slightly above 1.
        let nearly = try Self.source(.diagonal([1]), .diagonal([1 + 1e-7]), .diagonal([1]))
        #expect(try jointSample(nearly, .training, [1, 2, 3]).elements.allSatisfy(\.isFinite))
    }

    @Test func invalidCovariancesAreErrors() throws {
        let one = Matrix.identity(2)
        func expect(_ message: String, _ uu: Matrix, _ uv: Matrix, _ vv: Matrix) throws {
            let error = try #require(throws: DataError.self) { try Self.source(uu, uv, vv) }
            #expect(error.description.contains(message), "\(error)")
        }
        try expect("not positive semidefinite", one, .diagonal([1.01, 0]), one)
        try expect("not positive semidefinite", Matrix(rows: 2, columns: 2, elements: [1, 2, 2, 1]), 0 * one, one)
        try expect(
            "not positive semidefinite", .diagonal([1, 0]), Matrix(rows: 2, columns: 2, elements: [0, 0, 0.1, 0]), one)
        try expect("/uu: is not symmetric", Matrix(rows: 2, columns: 2, elements: [1, 0.5, 0.4, 1]), 0 * one, one)
        try expect("/vv: the variance in row 1 is -1.0", one, 0 * one, .diagonal([1, -1]))
        try expect("/uu: is 2 × 3", Matrix(rows: 2, columns: 3), 0 * one, one)
        try expect("/uv: is 2 × 3, where uu is 2 × 2 and vv 2 × 2", one, Matrix(rows: 2, columns: 3), one)
        try expect(
            "/vv: row 0, column 1 holds nan", one, 0 * one, Matrix(rows: 2, columns: 2, elements: [1, .nan, 0, 1]))
        let empty = try PairFile { try $0.write("/uu", one) }
        let error = try #require(throws: FileError.self) {
            try withExtendedLifetime(empty) { try GaussianSource(covarianceFile: empty.path, seed: 1) }
        }
        #expect(error.description.contains("/vv"))
    }

    @Test func digestCoversCovariancesFromFiles() throws {
        // The config determines the data.
        #expect(
            try GaussianSource(dimensions: .init(first: 4, second: 3), correlations: [0.9, 0.5], seed: 8).dataDigest()
                == nil)
        let covariance = try #require(
            GaussianSource(dimensions: .init(first: 4, second: 3), correlations: [0.9, 0.5], seed: 8).gaussianCovariance
        )
        let digest = try #require(
            try Self.source(covariance.uu, covariance.uv, covariance.vv).dataDigest())
        #expect(
            try Self.source(covariance.uu, covariance.uv, covariance.vv).dataDigest() == digest)
        #expect(
            try Self.source(covariance.uu, 0.999 * covariance.uv, covariance.vv).dataDigest()
                != digest)
    }
}
