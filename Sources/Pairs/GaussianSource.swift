import CCoupletKernels
import CoupletFiles
import CoupletTensors

#if canImport(Glibc)
    import Glibc
#endif

/// Jointly Gaussian pairs (u, v) of mean zero: the case in which everything that contrastive learning can learn is known in
/// closed form (*A Mathematical Perspective On Contrastive Learning*, arXiv 2505.24134).
///
/// Sample n is `u = F w, v = H w`, where w are the standard normal numbers that Philox gives for (seed, stream of the split, n),
/// and F Fᵀ = Cuu, F Hᵀ = Cuv, H Hᵀ = Cvv. Endless in both splits.
public struct GaussianSource: PairSource {
    /// The extents of u and v.
    public let dimensions: [Int]
    public let gaussianCovariance: GaussianCovariance?
    /// F and H, dimension × normals.
    private let firstFactor: RowwiseLinearMap, secondFactor: RowwiseLinearMap
    /// How many normal numbers make a sample.
    private let normalCount: Int
    private let seed: UInt64
    /// Whether the covariance was read, and not made from correlations and seed. A made one's last bits are the machine's, so they tell nothing.
    private let isFromFile: Bool

    /// Samples made at a time: their normals stay in the cache.
    private static let pieceRows = 64
    /// The maps are dense matrices of Double, so larger extents are refused rather than run out of memory.
    static let largestDimension = 4096

    /// Pairs with these canonical correlations, hidden behind random maps.
    ///
    /// `u = A x, v = B y` with x, y standard normal, E[x_i y_i] = σ_i on the leading coordinates and 0 elsewhere. A (and B
    /// likewise) is `Q diag(s) Pᵀ` with Q, P random orthogonal (uniform, from the polar factor of a matrix of normals) and s =
    /// 2^t, t uniform on [-1, 1], so that Cuu = Q diag(s²) Qᵀ has a condition number of at most 16.
    /// - Parameters:
    ///   - dimensions: the extents of u and v, both from 1 to 4,096.
    ///   - correlations: σ, each |σ_i| < 1, at most min(dimensions) of them; missing ones are 0.
    /// - Throws: `DataError` where these do not hold.
    public init(dimensions: [Int], correlations: [Double], seed: UInt64) throws {
        guard dimensions.count == 2, dimensions.allSatisfy({ (1...Self.largestDimension).contains($0) }) else {
            throw DataError(
                place: "data.dimensions",
                reason: "two numbers from 1 to \(Self.largestDimension) are needed, not \(dimensions)",
                remedy: "give the extents of both modalities, such as [8, 6]")
        }
        guard correlations.count <= min(dimensions[0], dimensions[1]) else {
            throw DataError(
                place: "data.correlations",
                reason:
                    "\(correlations.count) correlations for dimensions \(dimensions), which have room for \(dimensions.min()!)",
                remedy: "leave some out or raise data.dimensions")
        }
        if let wrong = correlations.firstIndex(where: { !(abs($0) < 1) }) {
            throw DataError(
                place: "data.correlations", reason: "correlation \(wrong + 1) is \(correlations[wrong])",
                remedy: "a canonical correlation lies strictly between -1 and 1")
        }
        let (du, dv) = (dimensions[0], dimensions[1])
        let first = try Self.randomMap(du, seed: seed, number: 0),
            second = try Self.randomMap(dv, seed: seed, number: 1)
        // w = (x, ε): y = σ x + √(1 - σ²) ε.
        var x = Matrix(rows: du, columns: du + dv), y = Matrix(rows: dv, columns: du + dv)
        for i in 0..<du { x[i, i] = 1 }
        for i in 0..<dv {
            let correlation = i < correlations.count ? correlations[i] : 0
            if i < du { y[i, i] = correlation }
            y[i, du + i] = ((1 - correlation) * (1 + correlation)).squareRoot()
        }
        let cross = first * Matrix.diagonal(correlations, rows: du, columns: dv) * second.transposed
        self.init(
            covariance: GaussianCovariance(
                uu: Self.symmetric(first * first.transposed), uv: cross, vv: Self.symmetric(second * second.transposed)),
            firstFactor: first * x, secondFactor: second * y, seed: seed, isFromFile: false)
    }

    /// F and H are `firstFactor` and `secondFactor`: dimension × normals.
    init(covariance: GaussianCovariance, firstFactor: Matrix, secondFactor: Matrix, seed: UInt64, isFromFile: Bool) {
        self.isFromFile = isFromFile
        dimensions = [firstFactor.rows, secondFactor.rows]
        gaussianCovariance = covariance
        self.firstFactor = RowwiseLinearMap(firstFactor)
        self.secondFactor = RowwiseLinearMap(secondFactor)
        normalCount = firstFactor.columns
        self.seed = seed
    }

    public func description(of modality: Modality) -> ModalityDescription {
        ModalityDescription(shape: [dimensions[modality == .first ? 0 : 1]])
    }

    public func count(of split: Split) -> Int? { nil }

    /// Over the bits of the covariance, where a file gave it; otherwise the config says all.
    public func dataDigest() throws -> String? {
        guard isFromFile, let covariance = gaussianCovariance else { return nil }
        var digest = Digest()
        digest.update(dimensions)
        for block in [covariance.uu, covariance.uv, covariance.vv] { digest.update(block.elements) }
        return digest.hexadecimal
    }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        requireRows(first, numbers, .first)
        requireRows(second, numbers, .second)
        let stream: RandomStream = split == .training ? .training : .heldOut
        let blocks = (normalCount + 3) / 4, stride = 4 * blocks, rows = min(Self.pieceRows, numbers.count)
        let normals = Tensor([rows, stride])
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: rows * stride) { words in
            for start in Swift.stride(from: 0, to: numbers.count, by: Self.pieceRows) {
                let present = min(rows, numbers.count - start)
                for row in 0..<present {
                    couplet_philox(
                        seed, stream.rawValue, numbers[start + row], 0, blocks, words.baseAddress! + row * stride)
                }
                couplet_normals(words.baseAddress, present * stride, normals.pointer)
                for (output, factor) in [(first, firstFactor), (second, secondFactor)] {
                    guard let output else { continue }
                    factor.apply(
                        rows: present, normals.pointer, stride: stride, to: output.pointer + start * factor.outputs)
                }
            }
        }
    }

    public func labels(_ split: Split, _ numbers: [UInt64]) throws -> [Int]? { nil }

    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        try rawRows(raw, modality, of: "data.source gaussian")
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        let result = Tensor([numbers.count] + description(of: modality).shape)
        try read(split, numbers, first: modality == .first ? result : nil, second: modality == .second ? result : nil)
        return result
    }

    /// `Q diag(2^t) Pᵀ`, Q and P uniform among the orthogonal matrices, t uniform on [-1, 1].
    private static func randomMap(_ size: Int, seed: UInt64, number: UInt64) throws -> Matrix {
        let philox = Philox(seed: seed)
        func orthogonal(_ part: UInt64) throws -> Matrix {
            let normals = philox.normals(size * size, .source, number: 3 * number + part)
            let (u, _, v) = try Matrix(rows: size, columns: size, elements: normals.map(Double.init))
                .singularValueDecomposition()
            return u * v.transposed
        }
        let spread = (0..<size).map { i in
            exp2(Double(philox.words(.source, number: 3 * number + 2, block: UInt32(i)).x) * 0x1p-31 - 1)
        }
        return try orthogonal(0) * .diagonal(spread) * orthogonal(1).transposed
    }

    static func symmetric(_ matrix: Matrix) -> Matrix { 0.5 * (matrix + matrix.transposed) }
}
