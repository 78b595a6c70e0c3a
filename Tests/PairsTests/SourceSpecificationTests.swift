import CoupletPairs
import CoupletSchema
import CoupletTensors
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
                    == GaussianSource(dimensions: .init(first: 3, second: 2), correlations: [0.5], seed: 7)
                    .gaussianCovariance)
            let latent = try SourceSpecification.latent(.init(content: 2, style: 1, modality: 0)).makeSource(seed: 7)
            #expect(latent.description(of: .first).shape == [3])
            let fewShot = SourceSpecification.fewShot(.mnist(path: small.folder.path), perClass: 1)
            #expect(try fewShot.makeSource(seed: 1) is FewShotSource)
        }
        let error = try #require(throws: DataError.self) {
            try SourceSpecification.program(name: "circle").makeSource(seed: 1)
        }
        #expect(error.description.contains("'circle' is part of the program"))
    }

    @Test func traitsOfTheKinds() {
        #expect(SourceSpecification.latent(.init()).hasLatentFactors == true)
        #expect(SourceSpecification.gaussian(dimensions: [2, 2], correlations: [0.5]).hasLatentFactors == false)
        #expect(SourceSpecification.program(name: "a").hasLatentFactors == nil)
        #expect(SourceSpecification.fewShot(.program(name: "a"), perClass: 1).hasLatentFactors == false)
        #expect(!MNISTSpecification(path: "a").dependsOnSeed && !HDF5Specification(path: "a").dependsOnSeed)
        #expect(
            HDF5Specification(path: "a", heldOut: 0.1, splitSeed: nil).dependsOnSeed
                && LatentSpecification().dependsOnSeed)
    }

    @Test func equality() {
        #expect(SourceSpecification.mnist(path: "a") == .mnist(path: "a"))
        #expect(SourceSpecification.mnist(path: "a") != .mnist(path: "b"))
        #expect(SourceSpecification.mnist(path: "a") != .hdf5(path: "a", heldOut: 0))
        #expect(SourceSpecification.mnist(path: "a") != .fewShot(.mnist(path: "a"), perClass: 3))
    }

    // MARK: - The block `data`

    /// Reads a block, and returns it with the problems.
    private func read(
        _ text: String, _ registry: Registry = Registry(sourceKinds)
    ) throws -> (source: SourceSpecification, problems: [String]) {
        let node = try ConfigurationNode(yaml: text) { .file(name: "c", line: $0, column: $1) }
        let problems = ConfigurationBlock.Problems()
        let block = ConfigurationBlock(
            node, path: "data", location: .file(name: "c", line: 1, column: 1), problems: problems, registry: registry)
        return (SourceSpecification.table.read(block), problems.all.map(\.description))
    }

    private static let latentText = """
        source: latent
        content: 4
        style: 0
        modality: 2
        style_change: 0.75
        statistical_dependence: true
        causal_dependence: true
        mixing_layers: 2
        shared_mixing: true

        """

    /// The written block has today's keys in today's order, and is read back as an equal value.
    @Test(
        arguments: [
            (
                .gaussian(dimensions: [8, 6], correlations: [0.9, 0.5]),
                "source: gaussian\ndimensions: [8, 6]\ncorrelations: [0.9, 0.5]\n"
            ), (.gaussianFromFile(path: "c.h5"), "source: gaussian\ncovariance: c.h5\n"),
            (
                .latent(
                    .init(
                        content: 4, style: 0, modality: 2, styleChange: 0.75, statisticalDependence: true,
                        causalDependence: true, mixingLayers: 2, sharedMixing: true)), latentText
            ),
            (
                SourceSpecification(OceanSpecification(field: .velocity, inverseLength: 6, noise: 0.1)),
                "source: ocean\ngrid: 32\nfield: velocity\nlargest_wavenumber: 3\nsmoothness: 3\ninverse_length: 6\n"
                    + "speed: 0.3\ndrifters: 8\ntimes: 8\nnoise: 0.1\nsteps_per_time: 2\n"
            ), (.mnist(path: "data/mnist"), "source: mnist\npath: data/mnist\nfirst: image\nsecond: label\nshift: 0\n"),
            (
                .fewShot(.mnist(path: "m"), perClass: 10),
                "source: mnist\npath: m\nfirst: image\nsecond: label\nshift: 0\nper_class: 10\n"
            ),
            (
                .hdf5(path: "p.h5", heldOut: 0.1),
                "source: hdf5\npath: p.h5\nheld_out: 0.1\nsplit_seed: 0\nscale_pictures: true\ncache_memory: 1 GiB\n"
            ),
            (.program(name: "circle"), "source: program\nname: circle\n"),
        ] as [(SourceSpecification, String)]) func writesAndReads(source: SourceSpecification, text: String) throws
    {
        #expect(YAMLValue.text(of: SourceSpecification.table.entries(of: source)) == text)
        let (read, problems) = try read(text)
        #expect(problems.isEmpty && read == source)
    }

    @Test func absentKeysHaveDefaults() throws {
        #expect(try read("{source: latent}").source == .latent(.init()))
        #expect(try read("{source: hdf5, path: p.h5}").source == .hdf5(path: "p.h5", heldOut: 0))
        #expect(try read("{source: mnist, path: m, per_class: null}").source == .mnist(path: "m"))
        let null = try read("{source: gaussian, covariance: null, dimensions: [1, 1], correlations: [0.1]}")
        #expect(null.problems.isEmpty && null.source == .gaussian(dimensions: [1, 1], correlations: [0.1]))
    }

    @Test(arguments: [
        ("{path: a}", "data.source: is missing; for example source: gaussian"),
        (
            "{source: mnits, path: a, per_class: 3}",
            "data.source: no source is called \"mnits\"; did you mean mnist? There are gaussian, latent, ocean, mnist, "
                + "hdf5, multimodal3dident, program"
        ), ("{source: mnist}", "data.path: is missing; for example path: data/mnist"),
        ("{source: program}", "data.name: is missing; for example name: circle"),
        (
            "{source: latent, per_class: 3}",
            "data.per_class: is of no use here: the source latent has no labels; mnist, hdf5 and multimodal3dident "
                + "may have them"
        ),
        (
            "{source: latent, dimensions: [3, 3]}",
            "data.dimensions: is of no use here: the source latent does not have it; only gaussian has it"
        ),
        (
            "{source: gaussian, covariance: c.h5, correlations: [0.5]}",
            "data.correlations: is of no use here: the file of covariance determines it"
        ),
        (
            "{source: gaussian, dimensions: [8, 6, 4], correlations: [0.5]}",
            "data.dimensions: wanted two whole numbers, for the first and the second modality, such as [8, 6]; found 3"
        ),
        (
            "{source: gaussian, dimensions: [8, 0], correlations: [0.5]}",
            "data.dimensions: wanted a whole number from 1 to 1000000, such as 8; found 0"
        ),
        (
            "{source: gaussian, dimensions: [2, 3], correlations: [0.5, 0.4, 0.3]}",
            "data.correlations: wanted 1 to 2 numbers, at most as many as the smaller dimension; found 3"
        ),
        (
            "{source: gaussian, dimensions: [2, 3], correlations: [1.0]}",
            "data.correlations: wanted a number from 0 to below 1, such as 0.9; found 1.0"
        ),
        (
            "{source: latent, content: 122, style: 4, modality: 3}",
            "data.content: content, style and modality together may have at most 128 components, because a view mixes "
                + "all of them; found 129"
        ), ("{source: latent, stile: 4}", "data.stile: no such key; did you mean style?"),
        (
            "{source: hdf5, path: a, held_out: 1}",
            "data.held_out: wanted a number from 0 to below 1, such as 0.1; found 1"
        ),
        (
            "{source: hdf5, path: a, per_class: 0}",
            "data.per_class: wanted a whole number from 1 to 1000000, such as 10"
        ),
    ]) func reportsOneProblem(text: String, problem: String) throws {
        let problems = try read(text).problems
        #expect(problems.count == 1 && problems.first?.contains(problem) == true, "\(problems)")
    }

    // MARK: - A kind of another program

    /// Sample n is (angle n, 2 · angle n).
    private struct Circle: PairSourceKind {
        static let name = "circle"
        static let hasLabels = true
        static let table = ConfigurationTable(
            Circle(), help: "Points of a circle.",
            [.key("step", \.step, .number(.positive, example: 0.1), "Angle between samples.")])
        var step = 0.1

        func makeSource(seed: UInt64) throws -> any PairSource { Source(step: Float(step)) }

        struct Source: PairSource {
            let step: Float
            func description(of modality: Modality) -> ModalityDescription { ModalityDescription(shape: [1]) }
            func count(of split: Split) -> Int? { 6 }
            func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
                for (row, number) in numbers.enumerated() {
                    first?[row] = step * Float(number)
                    second?[row] = 2 * step * Float(number)
                }
            }
            func labels(_ split: Split, _ numbers: [UInt64]) -> [Int]? { numbers.map { Int($0 % 2) } }
        }
    }

    @Test func readsAKindOfTheProgram() throws {
        let registry = Registry(sourceKinds).adding(Circle.self)
        let (specification, problems) = try read("{source: circle, step: 0.5, per_class: 2}", registry)
        #expect(problems.isEmpty && specification == SourceSpecification(Circle(step: 0.5), perClass: 2))
        #expect(
            YAMLValue.text(of: SourceSpecification.table.entries(of: specification))
                == "source: circle\nstep: 0.5\nper_class: 2\n")
        let source = try #require(try specification.makeSource(seed: 1) as? FewShotSource)
        #expect(try source.readRaw(.training, [3], .second).values == [Float(source.numbers[3])])
        #expect(try read("{source: circel}", registry).problems[0].contains("did you mean circle?"))
    }
}
