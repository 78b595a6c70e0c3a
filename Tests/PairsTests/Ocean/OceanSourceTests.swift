import CoupletPairs
import CoupletTensors
import Testing

@Suite struct OceanSourceTests {
    /// A sample has the same bits read alone, with the other modality, in any batch and order, and at any alignment.
    @Test(arguments: oceanSpecifications) func bitsDoNotDependOnTheBatch(specification: OceanSpecification) throws {
        let source = OceanSource(specification, seed: 2), count = 150
        let numbers = (0..<count).map { UInt64($0) &* 0xDEAD_BEEF_1234_5679 }
        let columns = Modality.allCases.map { source.description(of: $0).shape.reduce(1, *) }
        func read(_ numbers: [UInt64], shift: Int) throws -> [[Float]] {
            let views = columns.map { Tensor([numbers.count * $0 + shift]) }
            let shifted = zip(views, columns).map { $0.flat(shift..<$0.count).reshaped([numbers.count, $1]) }
            try source.read(.heldOut, numbers, first: shifted[0], second: shifted[1])
            return shifted.map(\.values)
        }
        /// Returns both modalities, z and the raw tracks.
        func everything(_ numbers: [UInt64], shift: Int) throws -> [[Float]] {
            try read(numbers, shift: shift)
                + [source.flows(.heldOut, numbers).values, source.tracks(.heldOut, numbers).values]
        }
        let whole = try everything(numbers, shift: 0)
        for size in [1, 2, 7, 63, 64, 65, 128] {
            var grouped = [[Float]](repeating: [], count: 4)
            for start in stride(from: 0, to: count, by: size) {
                let batch = Array(numbers[start..<min(start + size, count)])
                for (index, values) in try everything(batch, shift: size % 5).enumerated() { grouped[index] += values }
            }
            #expect((grouped == whole) as Bool, "\(size)")
        }
        // In the reverse order.
        for (values, backward) in zip(whole, try everything(numbers.reversed(), shift: 0)) {
            let width = values.count / count
            let expected = (0..<count).reversed().flatMap { values[$0 * width..<($0 + 1) * width] }
            #expect((backward == expected) as Bool)
        }
        // One modality alone.
        for (modality, values) in zip(Modality.allCases, whole) {
            let alone = Tensor([count] + source.description(of: modality).shape)
            try source.read(
                .heldOut, numbers, first: modality == .first ? alone : nil, second: modality == .second ? alone : nil)
            #expect((alone.values == values) as Bool)
        }
        // Seed and split determine the samples.
        #expect((OceanSource(specification, seed: 2).tracks(.heldOut, numbers).values == whole[3]) as Bool)
        #expect((OceanSource(specification, seed: 4).flows(.heldOut, numbers).values != whole[2]) as Bool)
        #expect((source.flows(.training, numbers).values != whole[2]) as Bool)
    }

    /// The flow of a sample does not depend on what is seen of it; neither do the starts on noise and grid.
    @Test func flowsDoNotDependOnTheObservations() {
        let numbers: [UInt64] = [0, 1, 77, 1 << 40, .max], seed: UInt64 = 9
        let source = OceanSource(.init(), seed: seed), z = source.flows(.training, numbers)
        for specification in [
            OceanSpecification(drifters: 3), .init(times: 5), .init(noise: 0.01), .init(grid: 7),
            .init(field: .velocity), .init(stepsPerTime: 5), .init(speed: 0.1), .init(drifters: 1, times: 1),
        ] {
            let other = OceanSource(specification, seed: seed).flows(.training, numbers)
            #expect((other.values == z.values) as Bool, "\(specification)")
        }
        for (row, number) in numbers.enumerated() {
            let normals = Philox(seed: seed).normals(28, .training, number: number)
            #expect((z.rows(row..<row + 1).values == normals) as Bool)
        }
        let own = starts(of: source.tracks(.training, numbers)).values
        for specification in [OceanSpecification(noise: 0.01), .init(grid: 7), .init(speed: 0.1)] {
            let other = OceanSource(specification, seed: seed).tracks(.training, numbers)
            #expect((starts(of: other).values == own) as Bool)
        }
    }

    @Test(arguments: oceanSpecifications) func preparedRowsHaveTheBitsOfRead(specification: OceanSpecification) throws {
        let source = OceanSource(specification, seed: 6), numbers = (0..<70).map { UInt64($0) * 3 }
        let read = Modality.allCases.map { Tensor([numbers.count] + source.description(of: $0).shape) }
        try source.read(.training, numbers, first: read[0], second: read[1])
        for (modality, values) in zip(Modality.allCases, read) {
            let raw = try source.readRaw(.training, numbers, modality)
            let prepared = try source.prepare(modality, raw: raw)
            #expect(prepared.shape == values.shape)
            #expect((prepared.values == values.values) as Bool)
        }
        let z = source.flows(.training, numbers), tracks = source.tracks(.training, numbers)
        #expect((source.fields(of: z).values == read[0].values) as Bool)
        #expect(tracks.shape == [70, specification.drifters, specification.times + 1, 2])

        // The inputs of the encoder, in Double.
        let (speed, noise) = (specification.speed, specification.noise)
        let unit = (0.5 * speed * speed + noise * noise).squareRoot()
        let numbersPerTrack = 2 * (specification.times + 1)
        let width = 4 * specification.largestWavenumber + 2 * specification.times
        #expect(source.description(of: .second).shape == [specification.drifters, width])
        var largest = 0.0
        for drifter in 0..<70 * specification.drifters {
            let track = (0..<numbersPerTrack).map { Double(tracks[drifter * numbersPerTrack + $0]) }
            var expected: [Double] = []
            for h in 1...specification.largestWavenumber {
                for axis in 0..<2 {
                    let angle = 2 * Double.pi * Double(h) * track[axis]
                    expected += [cos(angle), sin(angle)]
                }
            }
            for k in 2..<numbersPerTrack { expected.append((track[k] - track[k % 2]) / unit) }
            for (k, value) in expected.enumerated() {
                largest = max(largest, abs(Double(read[1][drifter * width + k]) - value))
            }
        }
        #expect(largest <= 1e-5)
    }

    /// Starts are exact, and the noise of the other positions is Gaussian with deviation σ, independent of its
    /// neighbours.
    @Test(arguments: oceanSpecifications) func noiseHasItsDeviation(specification: OceanSpecification) {
        let source = OceanSource(specification, seed: 4), count = 4000
        let numbers = Array(0..<UInt64(count))
        let z = source.flows(.heldOut, numbers), tracks = source.tracks(.heldOut, numbers)
        let firsts = starts(of: tracks), exact = source.drifterModel.positions(flows: z, starts: firsts)
        #expect(firsts.values.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect((starts(of: exact).values == firsts.values) as Bool)
        // Uniform starts have the mean 1/2 and the variance 1/12.
        let mean = firsts.values.reduce(0) { $0 + Double($1) } / Double(firsts.count)
        #expect(abs(mean - 0.5) <= 5 * (1 / (12 * Double(firsts.count))).squareRoot())

        let numbersPerTrack = 2 * (specification.times + 1)
        var sum = 0.0, squares = 0.0, neighbours = 0.0, samples = 0.0, pairs = 0.0
        for track in 0..<count * specification.drifters {
            let noise = (2..<numbersPerTrack).map { k in
                let index = track * numbersPerTrack + k
                return (Double(tracks[index]) - Double(exact[index])) / specification.noise
            }
            for k in noise.indices {
                (sum, squares, samples) = (sum + noise[k], squares + noise[k] * noise[k], samples + 1)
                if k > 0 { (neighbours, pairs) = (neighbours + noise[k] * noise[k - 1], pairs + 1) }
            }
        }
        #expect(abs(sum / samples) <= 5 / samples.squareRoot())
        #expect(abs(squares / samples - 1) <= 5 * (2 / samples).squareRoot())
        #expect(abs(neighbours / pairs) <= 5 / pairs.squareRoot())
    }

    @Test func wrongRowsAreErrors() throws {
        let source = OceanSource(.init(grid: 4), seed: 1)
        func expect(_ message: String, _ modality: Modality, _ raw: Tensor) throws {
            let error = try #require(throws: DataError.self) { try source.prepare(modality, raw: raw) }
            #expect(error.description.contains(message), "\(error)")
        }
        let wanted = "8 drifters at a start and 8 times have 144; give the shape [N, 8, 9, 2]"
        try expect("tracks have 128 numbers a set, where \(wanted)", .second, Tensor([2, 8, 8, 2]))
        try expect("tracks have 1 numbers a set, where \(wanted)", .second, Tensor([144]))
        try expect("tracks have 0 numbers a set, where \(wanted)", .second, Tensor([]))
        try expect("its rows have 9 numbers each, where the first modality has 16", .first, Tensor([2, 3, 3]))
        let tracks = source.tracks(.training, [0, 1, 2])
        for value in [Float.nan, .infinity] {
            let wrong = Tensor(tracks.shape, tracks.values)
            wrong[144 + 17] = value
            try expect("row 1 of the tracks holds \(value)", .second, wrong)
            let field = Tensor([2, 1, 4, 4])
            field[16] = value
            try expect("row 1 of the first modality holds \(value)", .first, field)
        }
        // Any shape with the right numbers, far from the square too.
        let flat = try source.prepare(.second, raw: tracks.reshaped([3, 144]))
        #expect(try flat.values == source.prepare(.second, raw: tracks).values)
        // No samples are valid.
        try source.read(.training, [], first: Tensor([0, 1, 4, 4]), second: Tensor([0, 8, 28]))
        #expect(source.flows(.training, []).shape == [0, 28] && source.tracks(.training, []).count == 0)
        #expect(try source.prepare(.second, raw: Tensor([0, 8, 9, 2])).shape == [0, 8, 28])
        #expect(source.count(of: .training) == nil && source.count(of: .heldOut) == nil)
        #expect(try source.labels(.training, [1]) == nil && source.dataDigest() == nil)
    }
}
