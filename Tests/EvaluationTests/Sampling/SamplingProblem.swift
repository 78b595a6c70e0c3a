import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Testing

/// A random Gaussian pair with random linear encoders, with biases, and query rows. The conditional has a closed form.
struct SamplingProblem {
    let pair: GaussianPair
    let tilt: GaussianTilt
    let conditional: GaussianConditional
    let score: PairScore
    /// Values of v. `encodedQueries` holds their encodings.
    let queries: [[Double]]
    let encodedQueries: Tensor
    private let number: Int

    /// Alternates between the similarities whose conditionals are Gaussian.
    static func similarity(_ number: Int) -> Similarity { number % 2 == 0 ? .innerProduct : .quadratic }

    /// - Parameter strength: the approximate length of Ã ṽ for a whitened v of length √n.
    init(number: Int, similarity: Similarity, queries count: Int = 2, strength: Double) throws {
        self.number = number
        let philox = Philox(seed: 77)
        var next = UInt64(number) << 8
        func random(_ rows: Int, _ columns: Int) -> Matrix {
            next += 1
            return Matrix(
                rows: rows, columns: columns,
                elements: philox.normals(rows * columns, .source, number: next).map(Double.init))
        }
        func integer(_ range: ClosedRange<Int>) -> Int {
            next += 1
            return range.lowerBound + Int(philox.words(.source, number: next).x) % range.count
        }
        let n = integer(2...8), m = integer(2...8), e = integer(1...4), mixing = random(n + m, n + m)
        let joint = (1 / Double(n + m)) * (mixing * mixing.transposed) + 0.2 * .identity(n + m)
        func block(_ rows: Range<Int>, _ columns: Range<Int>) -> Matrix {
            Matrix(
                rows: rows.count, columns: columns.count, elements: rows.flatMap { i in columns.map { joint[i, $0] } })
        }
        pair = try GaussianPair(
            GaussianCovariance(uu: block(0..<n, 0..<n), uv: block(0..<n, n..<n + m), vv: block(n..<n + m, n..<n + m)))
        let temperature = 0.3 + 0.1 * Double(integer(1...9))
        let g = random(e, n), h = random(e, m)
        let gScale = (g * pair.first.root).frobeniusNorm / (strength * temperature).squareRoot()
        let hScale = (h * pair.second.root).frobeniusNorm / (strength * temperature).squareRoot()
        let firstBias = random(1, e).elements.map { 0.3 * $0 }, secondBias = random(1, e).elements.map { 0.3 * $0 }
        // The parameters are exact in Float, as in a checkpoint.
        func rounded(_ matrix: Matrix) -> Matrix {
            Matrix(rows: matrix.rows, columns: matrix.columns, elements: matrix.elements.map { Double(Float($0)) })
        }
        tilt = GaussianTilt(
            pair, similarity: similarity, first: rounded(1 / gScale * g), second: rounded(1 / hScale * h),
            firstBias: firstBias, secondBias: secondBias, temperature: temperature)
        conditional = try tilt.firstGivenSecond()!
        score = PairScore(similarity: similarity, temperature: temperature)
        let root = pair.second.root
        queries = (0..<count).map { _ in
            (root * random(m, 1)).elements.map { Double(Float($0)) }
        }
        encodedQueries = Self.encode(
            Tensor([count, m], queries.flatMap { $0 }.map(Float.init)), tilt.second, secondBias)
    }

    /// Returns G u + b of each row u.
    static func encode(_ rows: Tensor, _ map: Matrix, _ bias: [Double]) -> Tensor {
        let product = Matrix(rows) * map.transposed
        return Tensor(
            [rows.rows, map.rows], product.elements.enumerated().map { Float($0.element + bias[$0.offset % map.rows]) })
    }

    func encode(first rows: Tensor) -> Tensor { Self.encode(rows, tilt.first, tilt.firstBias) }

    /// Returns independent draws of u.
    func gallery(_ count: Int) -> Tensor {
        let n = pair.covariance.uu.rows
        let white = Philox(seed: 78).normals(count * n, .source, number: UInt64(number)).map(Double.init)
        return Tensor(
            [count, n], (Matrix(rows: count, columns: n, elements: white) * pair.first.root).elements.map(Float.init))
    }

    /// Returns the draws of the chains of all queries.
    func chains(count: Int, seed: UInt64 = 3, adjust: (inout PreconditionedCrankNicolson) -> Void = { _ in }) throws
        -> [ChainDraws]
    {
        var sampler = PreconditionedCrankNicolson(try GaussianMarginal(covariance: pair.covariance.uu), seed: seed)
        sampler.burnIn = 400
        adjust(&sampler)
        let chains = sampler.chains, e = encodedQueries.columns
        let given = Tensor([queries.count * chains, e])
        for row in 0..<given.rows {
            given.rows(row..<row + 1).copy(from: encodedQueries.rows(row / chains..<row / chains + 1))
        }
        return try sampler.draws(queries: Array(queries.indices), count: count) {
            score.scores(encode(first: $0), given)
        }
    }

    /// Compares the moments of each query with the closed form.
    func comparisons(_ moments: [ConditionalMoments]) -> [MomentComparison] {
        moments.enumerated().map { MomentComparison($0.element, conditional, given: queries[$0.offset]) }
    }
}

extension MomentComparison {
    /// Expects that the moments of several problems agree with their closed forms.
    ///
    /// Some of hundreds of deviations exceed 3 standard errors by chance. So the largest must stay below the bound that
    /// normal deviations exceed with a probability of 1/1,000 (Bonferroni, which holds for dependent ones), 98 % must
    /// lie within 3, and their spread must be near 1: standard errors that are too large would hide everything.
    static func expectAgreement(_ comparisons: [MomentComparison], at location: SourceLocation = #_sourceLocation) {
        let deviations = comparisons.flatMap(\.deviations), largest = deviations.map { abs($0) }.max()!
        #expect(
            deviations.allSatisfy { abs($0) <= MomentComparison.bound(count: deviations.count, probability: 1e-3) },
            sourceLocation: location)
        #expect(MomentComparison.shareWithinThree(deviations) >= 0.98, sourceLocation: location)
        let spread = (deviations.reduce(0) { $0 + $1 * $1 } / Double(deviations.count)).squareRoot()
        #expect(
            spread >= 0.75 && spread <= 1.25, "\(deviations.count) moments, spread \(spread), largest \(largest)",
            sourceLocation: location)
    }
}
