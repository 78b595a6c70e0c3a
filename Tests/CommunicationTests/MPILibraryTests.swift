import CoupletCommunication
import Testing

@Suite struct MPILibraryTests {
    @Test(arguments: [
        ("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4", MPILibrary.Family.openMPI),
        ("mpirun (Open MPI) 4.1.4", .openMPI), ("mpirun (OpenRTE) 2.1.1", .openMPI),
        ("MPICH Version:\t4.0.2\nMPICH Release date:\tThu Apr  7 12:34:45 CDT 2022", .mpich),
        ("HYDRA build details:\n    Version: 4.0.2", .mpich),
        ("Intel(R) MPI Library 2021.13 for Linux* OS", .mpich), ("MVAPICH2 Version: 2.3.7", .mpich), ("LAM", nil),
        ("MPI VERSION    : CRAY MPICH version 8.1.28.29 (ANL base 3.4a2)", .mpich),
    ]) func familiesByTheirTexts(text: String, family: MPILibrary.Family?) {
        #expect(MPILibrary.Family(naming: text) == family)
    }

    @Test func theRemedyNamesTheProgramsLaunchers() {
        let other: MPILibrary.Family = MPILibrary.family == .openMPI ? .mpich : .openMPI
        #expect(MPILibrary.remedy(forLauncher: nil).contains(MPILibrary.family.launchers))
        #expect(MPILibrary.remedy(forLauncher: other).contains("or build it for this launcher"))
        #expect(!MPILibrary.remedy(forLauncher: MPILibrary.family).contains("build"))
        #expect(MPILibrary.Family(naming: MPILibrary.header) == MPILibrary.Family(naming: MPILibrary.running))
        #expect(!MPILibrary.running.contains("\n"))
    }
}
