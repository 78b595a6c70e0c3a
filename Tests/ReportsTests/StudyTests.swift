import Storage
import Testing

@testable import Reports

@Suite struct StudyTests {
    @Test func meansByHand() {
        let three = StudyMean([1, 2, 6])
        #expect(three.mean == 3 && abs(three.deviation - 7.0.squareRoot()) < 1e-12)  // (4 + 1 + 9) / 2
        #expect(abs(three.pair.error - (7.0 / 3).squareRoot()) < 1e-12)
        let one = StudyMean([4])
        #expect(one.mean == 4 && one.deviation == 0 && one.pair.error == 0)
        #expect(StudyMean([]).mean.isNaN)
    }

    /// A page made while its sweep still runs says so, whatever part it is.
    @Test func unfinishedSweeps() throws {
        for part in GaussianStudy.Part.allCases {
            let folder = try FixtureFolder()
            try folder.write("\(part.rawValue)/base.yaml", "data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}\n")
            try folder.write("\(part.rawValue)/sweep.yaml", "base: base.yaml\nvary: {seed: [1, 2]}\nmetric: gaussian.coupling_error\ngoal: minimize\n")
            try folder.write(
                "\(part.rawValue)/sweep.csv",
                "trial,status,seed,gaussian.coupling_error,digest,steps,seconds,reason\n1_seed=1,waiting,1,,,,,\n2_seed=2,failed,2,,,,1,no memory\n")
            let study = try GaussianStudy(reading: folder.path)
            #expect(study.parts == [part])
            let page = ParsedMarkup(study.page.html)
            #expect(page.problem == nil, "\(page.problem ?? "")")
            #expect(page.all("p", class: "warning").map(\.text) == ["2 of 2 trials are not done, 1 of them failed."])
        }
    }

    @Test func noStudy() throws {
        let folder = try FixtureFolder()
        #expect(throws: StorageError.self) { try GaussianStudy(reading: folder.path) }
    }
}
