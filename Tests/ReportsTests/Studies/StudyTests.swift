import CoupletFiles
import CoupletReports
import CoupletStudies
import CoupletTensors
import Testing

@Suite struct StudyTests {
    @Test func meansByHand() {
        let three = SampleStatistics([1, 2, 6])
        #expect(three.mean == 3 && abs(three.deviation - 7.0.squareRoot()) < 1e-12)  // (4 + 1 + 9) / 2
        #expect(abs(three.pair.error - (7.0 / 3).squareRoot()) < 1e-12)
        let one = SampleStatistics([4])
        #expect(one.mean == 4 && one.deviation == 0 && one.pair.error == 0)
        #expect(SampleStatistics([]).mean.isNaN)
    }

    /// A page made while its sweep still runs says so, whatever part it is.
    @Test func unfinishedSweeps() throws {
        for part in GaussianStudy.Part.allCases {
            let folder = try FixtureFolder()
            try folder.write(
                "\(part.rawValue)/base.yaml", "data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}\n"
            )
            try folder.write(
                "\(part.rawValue)/sweep.yaml",
                "base: base.yaml\nvary: {seed: [1, 2]}\nmetric: gaussian.coupling_error\ngoal: minimize\n")
            try folder.write(
                "\(part.rawValue)/sweep.csv",
                "trial,status,seed,gaussian.coupling_error,digest,steps,seconds,reason\n1_seed=1,waiting,1,,,,,\n2_seed=2,failed,2,,,,1,no memory\n"
            )
            let study = try GaussianStudy(reading: folder.path)
            #expect(study.parts == [part])
            let page = ParsedMarkup(study.page.html)
            #expect(page.problem == nil, "\(page.problem ?? "")")
            #expect(page.all("p", class: "warning").map(\.text) == ["2 of 2 trials are not done, 1 of them failed."])
        }
    }

    /// The correlations by theory's own decomposition, the condition by the eigenvalues.
    @Test func nearlySingularPairIsAsItSays() throws {
        let covariance = IllConditionedGaussian.covariance, pair = try GaussianPair(covariance)
        #expect(pair.correlations.count == 6)
        for (found, wanted) in zip(pair.correlations, IllConditionedGaussian.correlations + [0]) {
            #expect(abs(found - wanted) < 1e-7)
        }
        for block in [covariance.uu, covariance.vv] {
            let values = try block.symmetricEigenvalues().values
            let ratio = try #require(values.last) / values[0]
            #expect(abs(ratio / IllConditionedGaussian.condition - 1) < 1e-6)
            // No direction of small variance is an axis.
            #expect(block.diagonal.allSatisfy { $0 > 1e-3 })
        }
    }

    @Test func noStudy() throws {
        let folder = try FixtureFolder()
        #expect(throws: FileError.self) { try GaussianStudy(reading: folder.path) }
    }
}
