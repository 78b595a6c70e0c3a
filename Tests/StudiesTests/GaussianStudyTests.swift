import CoupletFiles
import CoupletReports
import CoupletStudies
import CoupletTensors
import TestSupport
import Testing

@Suite struct GaussianStudyTests {
    /// The page of an unfinished sweep says so, for each part.
    @Test func unfinishedSweeps() throws {
        for part in GaussianStudy.Part.allCases {
            let folder = TemporaryFolder()
            try folder.write(
                "\(part.rawValue)/base.yaml", "data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}\n"
            )
            try folder.write(
                "\(part.rawValue)/sweep.yaml",
                "base: base.yaml\nvary: {seed: [1, 2]}\nmetric: gaussian.coupling_error\ngoal: minimize\n")
            try folder.write(
                "\(part.rawValue)/sweep.csv",
                "trial,status,seed,gaussian.coupling_error,digest,steps,seconds,reason\n"
                    + "1_seed=1,waiting,1,,,,,\n2_seed=2,failed,2,,,,1,no memory\n"
            )
            let study = try GaussianStudy(reading: folder.path)
            #expect(study.parts == [part])
            let page = ParsedMarkup(study.page.html)
            #expect(page.problem == nil, "\(page.problem ?? "")")
            #expect(page.all("p", class: "warning").map(\.text) == ["2 of 2 trials are not done, 1 of them failed."])
        }
    }

    /// The decomposition of the theory gives the correlations, the eigenvalues give the condition number.
    @Test func illConditionedGaussianHasItsCorrelationsAndCondition() throws {
        let covariance = IllConditionedGaussian.covariance, pair = try GaussianPair(covariance)
        #expect(pair.correlations.count == 6)
        for (found, wanted) in zip(pair.correlations, IllConditionedGaussian.correlations + [0]) {
            #expect(abs(found - wanted) < 1e-7)
        }
        for block in [covariance.uu, covariance.vv] {
            let values = try block.symmetricEigenvalues().values
            let ratio = try #require(values.last) / values[0]
            #expect(abs(ratio / IllConditionedGaussian.condition - 1) < 1e-6)
            // No axis is a direction of small variance.
            #expect(block.diagonal.allSatisfy { $0 > 1e-3 })
        }
    }

    @Test func aFolderWithoutSweepsIsAnError() throws {
        let folder = TemporaryFolder()
        #expect(throws: FileError.self) { try GaussianStudy(reading: folder.path) }
    }
}
