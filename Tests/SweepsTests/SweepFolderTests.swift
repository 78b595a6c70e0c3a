import Sweeps
import Testing

@Test func aTrialIsARunFolderInsideTheSweep() {
    #expect(SweepFolder(path: "sweeps/a").trial("001") == "sweeps/a/trials/001")
}
