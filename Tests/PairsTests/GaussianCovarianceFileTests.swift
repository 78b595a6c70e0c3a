import CoupletFiles
import CoupletPairs
import CoupletTensors
import Testing

@Suite struct GaussianCovarianceFileTests {
    static func write(_ uu: Matrix, _ uv: Matrix, _ vv: Matrix, under group: String = "") throws -> PairFile {
        try PairFile {
            try $0.write("\(group)/uu", uu)
            try $0.write("\(group)/uv", uv)
            try $0.write("\(group)/vv", vv)
        }
    }

    static func source(_ uu: Matrix, _ uv: Matrix, _ vv: Matrix, under group: String = "") throws -> GaussianSource {
        let file = try write(uu, uv, vv, under: group)
        return try withExtendedLifetime(file) { try GaussianSource(covarianceFile: file.path, seed: 3) }
    }

    @Test(arguments: ["", "/covariance"]) func samplesHaveTheGivenCovariance(group: String) throws {
        let exact = try #require(
            GaussianSource(dimensions: [4, 3], correlations: [0.9, 0.5], seed: 8).gaussianCovariance)
        // Units far apart: u in thousands, v in thousandths.
        let scaled = GaussianCovariance(uu: 1e6 * exact.uu, uv: exact.uv, vv: 1e-6 * exact.vv)
        for covariance in [exact, scaled] {
            let source = try Self.source(covariance.uu, covariance.uv, covariance.vv, under: group)
            #expect(source.dimensions == [4, 3])
            #expect(source.gaussianCovariance == covariance)
            let sample = try jointSample(source, .training, Array(0..<100_000))
            #expect(largestDeviation(sample, jointCovariance(covariance)) <= 4.5)
        }
    }

    /// u = v exactly, and a component that never varies.
    @Test func singularCovariancesWork() throws {
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

        // Kept in Float32, a correlation of almost 1 may come out a little above it.
        let nearly = try Self.source(.diagonal([1]), .diagonal([1 + 1e-7]), .diagonal([1]))
        #expect(try jointSample(nearly, .training, [1, 2, 3]).elements.allSatisfy(\.isFinite))
    }

    @Test func whatIsNoCovarianceIsAClearError() throws {
        let one = Matrix.identity(2)
        func expect(_ part: String, _ uu: Matrix, _ uv: Matrix, _ vv: Matrix) throws {
            let error = try #require(throws: DataError.self) { try Self.source(uu, uv, vv) }
            #expect(error.description.contains(part), "\(error)")
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
}
