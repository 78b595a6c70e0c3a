import CoupletPairs
import CoupletTensors
import Testing

@Suite struct StreamFunctionPriorTests {
    @Test(arguments: oceanSpecifications) func fieldsAreSumsOfModes(specification: OceanSpecification) throws {
        let source = OceanSource(specification, seed: 5), prior = source.prior, side = specification.grid
        let z = source.flows(.training, Array(0..<9)), fields = source.fields(of: z)
        let channels = specification.field == .velocity ? 2 : 1
        #expect(fields.shape == [9, channels, side, side])
        let energy = prior.deviations.reduce(0) { $0 + $1 * $1 }
        let unit = channels == 2 ? specification.speed / 2.0.squareRoot() : energy.squareRoot()
        for (row, flow) in naiveFlows(z, prior).enumerated() {
            for i in 0..<side {
                for j in 0..<side {
                    let (x, y) = (Double(j) / Double(side), Double(i) / Double(side))
                    let velocity = flow.differencedVelocity(x, y)
                    let values = channels == 2 ? [velocity.x, velocity.y] : [flow.streamFunction(x, y)]
                    for (channel, value) in values.enumerated() {
                        let found = Double(fields[((row * channels + channel) * side + i) * side + j])
                        #expect(abs(found - value / unit) <= 1e-5 * (1 + abs(value / unit)))
                    }
                }
            }
        }
        // The fields are the marginal's points: factor · z.
        let marginal = try #require(try source.gaussianMarginal(of: .first))
        let points = marginal.factor * Matrix(z).transposed
        for row in 0..<9 {
            for k in 0..<fields.columns {
                #expect(abs(points[k, row] - Double(fields[row * fields.columns + k])) <= 1e-5)
            }
        }
        #expect(try marginal.mean.allSatisfy { $0 == 0 } && source.gaussianMarginal(of: .second) == nil)
    }

    @Test(arguments: oceanSpecifications) func deviationsFollowTheSpectrum(specification: OceanSpecification) {
        let prior = specification.prior, largest = specification.largestWavenumber
        // Each k with 0 < |k| ≤ K, or -k, but not both.
        for x in -largest...largest {
            for y in -largest...largest {
                let present = prior.wavenumbers.count { ($0.x, $0.y) == (x, y) || ($0.x, $0.y) == (-x, -y) }
                let square = x * x + y * y
                #expect(present == (square > 0 && square <= largest * largest ? 1 : 0), "\(x), \(y)")
            }
        }
        #expect(prior.deviations.count == prior.wavenumbers.count && prior.dimension == 2 * prior.deviations.count)
        func symbol(_ mode: Int) -> Double {
            let k = prior.wavenumbers[mode]
            let square = 4 * Double.pi * Double.pi * Double(k.x * k.x + k.y * k.y)
            return square + specification.inverseLength * specification.inverseLength
        }
        var energy = 0.0
        for mode in prior.deviations.indices {
            let ratio = prior.deviations[mode] / prior.deviations[0]
            let expected = pow(symbol(mode) / symbol(0), -(specification.smoothness + 1))
            #expect(abs(ratio * ratio / expected - 1) <= 1e-12)
            let k = prior.wavenumbers[mode]
            energy +=
                4 * Double.pi * Double.pi * Double(k.x * k.x + k.y * k.y) * prior.deviations[mode]
                * prior.deviations[mode]
        }
        #expect(abs(energy.squareRoot() / specification.speed - 1) <= 1e-12)
        #expect(abs(prior.speed / specification.speed - 1) <= 1e-12)
    }

    @Test func dimensions() {
        func dimension(_ largest: Int) -> Int {
            StreamFunctionPrior(largestWavenumber: largest, smoothness: 300, inverseLength: 0, speed: 1).dimension
        }
        #expect(dimension(1) == 4 && dimension(3) == 28)
        #expect(dimension(StreamFunctionPrior.largestWavenumber) == 796)
    }

    /// z is standard normal, and the velocities have the mean square speed².
    @Test(arguments: oceanSpecifications) func samplesHaveTheMomentsOfThePrior(specification: OceanSpecification) {
        let source = OceanSource(specification, seed: 3), prior = source.prior, count = 20_000
        for split in Split.allCases {
            let z = Matrix(source.flows(split, Array(0..<UInt64(count))))
            let covariance = (1 / Double(count)) * (z.transposed * z)
            for i in 0..<prior.dimension {
                for j in 0...i {
                    let error = ((i == j ? 2 : 1) / Double(count)).squareRoot()
                    #expect(abs(covariance[i, j] - (i == j ? 1 : 0)) <= 5 * error, "\(i), \(j)")
                }
            }
        }
        // |u|² and ψ² at a point of each flow.
        let z = source.flows(.training, Array(0..<2000))
        func expectMean(_ values: [Double], _ expected: Double) {
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            #expect(abs(mean - expected) <= 5 * (variance / Double(values.count)).squareRoot())
        }
        let flows = naiveFlows(z, prior)
        expectMean(
            flows.map { flow in
                let u = flow.velocity(SIMD2(0.3, 0.8))
                return u.x * u.x + u.y * u.y
            }, specification.speed * specification.speed)
        expectMean(
            flows.map { flow in
                let value = flow.streamFunction(0.3, 0.8)
                return value * value
            }, prior.streamFunctionDeviation * prior.streamFunctionDeviation)
        // The mean of the squares over the grid is 1 in the units of the field.
        let fields = source.fields(of: z)
        expectMean(
            (0..<z.rows).map { row in
                let own = fields.rows(row..<row + 1)
                return own.values.reduce(0) { $0 + Double($1) * Double($1) } / Double(own.count)
            }, 1)
    }
}
