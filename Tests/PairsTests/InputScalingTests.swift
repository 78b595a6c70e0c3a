import CoupletPairs
import CoupletStorage
import CoupletTensors
import TestSupport
import Testing

/// `data.standardize` and `data.scale_pictures`.
@Suite struct InputScalingTests {
    private static let count = 700

    /// Numbers with a large mean, so that a sum of squares without care loses them.
    private static func number(_ row: Int, _ element: Int) -> Float {
        Float(1_000 * (element + 1)) + Float((row * 7_919 + element * 104_729) % 1_009) / 100
    }

    private static func file(shape: [Int], constant: Int? = nil) throws -> PairFile {
        let columns = shape.reduce(1, *)
        return try PairFile {
            try $0.write(
                "/first",
                Tensor(
                    [count] + shape,
                    (0..<count * columns).map {
                        $0 % columns == constant ? 5 : number($0 / columns, $0 % columns)
                    }))
            try $0.write("/second", (0..<count).map { $0 % 3 }, shape: [count])
            try $0.write("/split", (0..<count).map { $0 % 5 == 0 ? 1 : $0 % 7 == 0 ? 2 : 0 }, shape: [count])
        }
    }

    private static func rows(_ source: any PairSource, _ split: Split) throws -> Tensor {
        let count = try #require(source.count(of: split)), rows = Tensor([count] + source.description(of: .first).shape)
        try source.read(split, (0..<UInt64(count)).map { $0 }, first: rows, second: nil)
        return rows
    }

    private static func scaled(
        _ source: any PairSource, _ standardization: Standardization, unscaled: [Modality] = [],
        scalesPictures: Bool = true, isShared: Bool = false
    ) throws -> any PairSource {
        try source.scaled(
            by: standardization, unscaled: unscaled, scalesPictures: scalesPictures, isShared: isShared)
    }

    /// The group of an element, from the definition.
    private static func group(_ element: Int, _ standardization: Standardization, _ shape: [Int]) -> Int {
        switch (standardization, shape.count) {
        case (.feature, _): element
        case (_, 1): 0
        case (_, 2): element % shape[1]
        default: element / shape.dropFirst().reduce(1, *)
        }
    }

    /// Compared with means and standard deviations in two plain passes in Double, over the training rows only.
    @Test(
        arguments: [Standardization.feature, .channel],
        [[7], [4, 3], [3, 4, 5], [2, 2, 3, 2]])
    func trainingRowsGetMeanZeroAndVarianceOne(_ standardization: Standardization, _ shape: [Int]) throws {
        let pairs = try Self.file(shape: shape), base = try pairs.source(), columns = shape.reduce(1, *)
        let source = try Self.scaled(base, standardization)
        let raw = try Self.rows(base, .training), groups = (0..<columns).map { Self.group($0, standardization, shape) }
        var mean = [Double](repeating: 0, count: columns), squares = mean, counts = mean
        for index in 0..<raw.count {
            mean[groups[index % columns]] += Double(raw[index])
            counts[groups[index % columns]] += 1
        }
        for group in 0..<columns where counts[group] > 0 { mean[group] /= counts[group] }
        for index in 0..<raw.count {
            let deviation = Double(raw[index]) - mean[groups[index % columns]]
            squares[groups[index % columns]] += deviation * deviation
        }
        let scaling = try #require(source.inputScalings.first)
        #expect(scaling.mean.count == Set(groups).count && source.inputScalings.second == nil, "labels are not scaled")
        for group in Set(groups) {
            #expect(abs(Double(scaling.mean[group]) - mean[group]) <= 1e-7 * abs(mean[group]))
            let exact = 1 / (squares[group] / counts[group]).squareRoot()
            #expect(abs(Double(scaling.scale[group]) - exact) <= 1e-7 * exact)
        }
        // Every split, and rows of a user, with the numbers of the training rows.
        for split in Split.allCases {
            let raw = try Self.rows(base, split), inputs = try Self.rows(source, split)
            var worst = 0.0
            for index in 0..<raw.count {
                let group = groups[index % columns]
                let exact = (Double(raw[index]) - mean[group]) / (squares[group] / counts[group]).squareRoot()
                worst = max(worst, abs(Double(inputs[index]) - exact))
            }
            #expect(worst <= 1e-3, "Float32 has \(Float(1_000 * columns).ulp) at these numbers")
            #expect((try source.prepare(.first, raw: raw).values == inputs.values) as Bool)
            let numbers = (0..<UInt64(raw.rows)).map { $0 }
            #expect((try source.readRaw(split, numbers, .first).values == raw.values) as Bool)
        }
        let draws = Tensor([3] + shape), plain = Tensor([3] + shape)
        try source.read(training: [4, 4, 9], draws: [1, 2, 3], first: draws, second: nil)
        try source.read(.training, [4, 4, 9], first: plain, second: nil)
        #expect(draws.values == plain.values)
        #expect(
            try source.dataDigest() == base.dataDigest() && source.labels(.heldOut, [2]) == base.labels(.heldOut, [2]))
        #expect(source.hasValidation)
    }

    @Test func aConstantKeepsItsScale() throws {
        let pairs = try Self.file(shape: [3], constant: 1), source = try Self.scaled(pairs.source(), .feature)
        #expect(source.inputScalings.first?.mean[1] == 5 && source.inputScalings.first?.scale[1] == 1)
        #expect(try Self.rows(source, .heldOut)[1] == 0)
    }

    /// Token ids and labels are names. Modalities with one encoder have one scaling.
    @Test func namesAreNotScaled() throws {
        let pairs = try PairFile {
            try $0.write("/first", Tensor([300, 2], (0..<600).map { Float($0 % 17) }))
            try $0.write("/second", Tensor([300, 2], (0..<600).map { Float($0 % 23) + 40 }))
        }
        let base = try pairs.source()
        let one = try Self.scaled(base, .feature, unscaled: [.first])
        #expect(one.inputScalings.first == nil && one.inputScalings.second != nil)
        let both = try Self.scaled(base, .channel), shared = try Self.scaled(base, .channel, isShared: true)
        #expect(both.inputScalings.first != both.inputScalings.second)
        #expect(shared.inputScalings.first == shared.inputScalings.second)
        let all =
            (try base.readRaw(.training, (0..<300).map { $0 }, .first)).values
            + (try base.readRaw(.training, (0..<300).map { $0 }, .second)).values
        let mean = all.map(Double.init).reduce(0, +) / Double(all.count)
        #expect(abs(Double(try #require(shared.inputScalings.first).mean[0]) - mean) <= 1e-5)
        #expect(try Self.scaled(base, .none).inputScalings.first == nil)
    }

    /// Samples of a wrapper, of an endless source, and of one with latent factors.
    @Test func otherSourcesAreScaled() throws {
        let latent = try LatentSource(LatentSpecification(content: 2, style: 1, modality: 1), seed: 3)
        let source = try Self.scaled(latent, .feature)
        let factors = try #require(source as? any ContentSwappingSource)
        #expect(factors.latentFactors == latent.latentFactors)
        let swapped = Tensor([2, 4]), plain = Tensor([2, 4])
        try factors.readSwappingContent(.heldOut, [5, 6], contentOf: [5, 6], first: swapped, second: nil)
        try source.read(.heldOut, [5, 6], first: plain, second: nil)
        #expect(swapped.values == plain.values)
        let numbers = (0..<UInt64(16_384)).map { $0 }, inputs = Tensor([16_384, 4])
        try source.read(.training, numbers, first: inputs, second: nil)
        for column in 0..<4 {
            let values = (0..<16_384).map { Double(inputs[4 * $0 + column]) }
            let mean = values.reduce(0, +) / 16_384, variance = values.map { $0 * $0 }.reduce(0, +) / 16_384
            #expect(abs(mean) <= 1e-6 && abs(variance - 1) <= 1e-5)
        }
        let gaussian = try GaussianSource(dimensions: .init(first: 3, second: 2), correlations: [0.5], seed: 1)
        let scaled = try Self.scaled(gaussian, .feature)
        #expect(scaled.gaussianCovariance == nil && scaled.hasValidation)
        #expect(try scaled.gaussianMarginal(of: .first) != nil, "in the units of the source")
    }

    // MARK: - Pictures of bytes

    /// Row i holds the byte i.
    private static func pictures(_ shape: [Int]) throws -> (folder: TemporaryFolder, source: HDF5Source) {
        let folder = TemporaryFolder(), path = "\(folder.path)/pairs.h5"
        try Python.run(
            """
            import h5py, numpy
            with h5py.File("\(path)", "w") as f:
                shape = \(shape)
                rows = numpy.arange(256, dtype="u1").reshape([256] + [1] * len(shape))
                f["first"] = numpy.broadcast_to(rows, [256] + shape)
                f["second"] = numpy.arange(256, dtype="f4")
            """)
        return (folder, try HDF5Source(path: path, heldOut: 0, seed: 1))
    }

    /// x/255 of each byte; 0 and 255 become 0 and 1.
    @Test(.enabled(if: Python.isAvailable), arguments: [[2, 3], [3, 2, 2]])
    func picturesOfBytesReachFromZeroToOne(_ shape: [Int]) throws {
        let (_, base) = try Self.pictures(shape), source = try Self.scaled(base, .none)
        let inputs = try Self.rows(source, .training), columns = shape.reduce(1, *)
        for byte in 0..<256 {
            for column in 0..<columns {
                #expect(abs(Double(inputs[byte * columns + column]) - Double(byte) / 255) <= 1.2e-7, "two roundings")
            }
        }
        #expect(inputs[0] == 0 && inputs[255 * columns] == 1)
        let raw = try source.readRaw(.training, [200], .first)
        let prepared = try source.prepare(.first, raw: raw)
        #expect(raw[0] == 200 && prepared[0] == inputs[200 * columns])
        #expect(source.inputScalings.second == nil)
        // A run of an earlier version takes the bytes as they are; so does a list of bytes.
        #expect(try Self.rows(Self.scaled(base, .none, scalesPictures: false), .training)[255 * columns] == 255)
        #expect(try Self.rows(Self.scaled(Self.pictures([6]).source, .none), .training)[255 * 6] == 255)
        // Standardised pictures do not depend on the units.
        let standard = try #require(try Self.scaled(base, .channel).inputScalings.first)
        #expect(standard.mean.allSatisfy { $0 == 127.5 })
    }

    // MARK: - Names

    @Test func datasetsMayHaveOtherNames() throws {
        let usual = try PairFile {
            try HDF5SourceTests.writePairs($0)
            try $0.write("/labels", (0..<37).map { $0 % 4 }, shape: [37])
            try $0.write("/split", (0..<37).map { $0 % 3 }, shape: [37])
            try $0.write("/groups", (0..<37).map { $0 % 3 + 10 }, shape: [37])
        }
        let own = try PairFile {
            try $0.write(
                "/pictures", Tensor([37, 2, 3], (0..<(37 * 6)).map { HDF5SourceTests.firstValue($0 / 6, $0 % 6) }))
            try $0.write("/captions", Tensor([37], (0..<37).map(HDF5SourceTests.secondValue)))
            try $0.write("/classes", (0..<37).map { $0 % 4 }, shape: [37])
            try $0.write("/parts", (0..<37).map { $0 % 3 }, shape: [37])
            try $0.write("/same", (0..<37).map { $0 % 3 + 10 }, shape: [37])
        }
        let names = HDF5DatasetNames(
            first: "/pictures", second: "captions", labels: "classes", split: "/parts", groups: "/same")
        var kind = HDF5Specification(path: own.path)
        kind.names = names
        let a = try usual.source(), b = try kind.makeSource(seed: 1)
        #expect(try a.dataDigest() == b.dataDigest(), "the same data under other names")
        for split in Split.allCases {
            let count = try #require(a.count(of: split)), numbers = (0..<UInt64(count)).map { $0 }
            #expect(b.count(of: split) == count)
            #expect(try a.labels(split, numbers) == b.labels(split, numbers))
            #expect(try a.groups(split, numbers) == b.groups(split, numbers))
            #expect(
                (try a.readRaw(split, numbers, .second).values == b.readRaw(split, numbers, .second).values) as Bool)
        }
        #expect(try b.place(of: 0, .heldOut, .second)?.location == "\(own.path):/captions")
        #expect(try kind.withValidation().validation == nil, "/parts has validation pairs")
        kind.names.labels = "/clases"
        let error = try #require(throws: DataError.self) { try kind.makeSource(seed: 1) }
        #expect(error.description.contains("has no dataset /clases; it has /classes,"))
        #expect(error.remedy == "data.labels names the dataset")
    }
}
