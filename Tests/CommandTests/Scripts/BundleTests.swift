import Foundation
import TestSupport
import Testing

/// launch/bundle: a folder whose program runs without the libraries of Swift on the machine.
@Suite struct BundleTests {
    private static func bundle(_ arguments: String...) throws -> CompletedProcess {
        try CompletedProcess(["\(packageFolder)/launch/bundle", "--program", CoupletInvocation.path] + arguments)
    }

    @Test func theProgramUsesTheLibrariesOfTheBundle() throws {
        let folder = TemporaryFolder(), path = folder.file("bundle")
        let made = try Self.bundle("--output", path)
        #expect(made.exitCode == 0 && made.errors.contains("MPI is not in it"), "\(made.errors)")
        // The folder may move.
        let moved = folder.file("moved")
        try FileManager.default.moveItem(atPath: path, toPath: moved)
        func run(_ command: String) throws -> CompletedProcess {
            try CompletedProcess(["env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", command], in: moved)
        }
        // The loader's list of the libraries and their files.
        let list = try run("LD_TRACE_LOADED_OBJECTS=1 LD_LIBRARY_PATH=$PWD/lib lib/couplet").output
        let outside = list.split(separator: "\n").filter { $0.contains("=>") && !$0.contains(moved) }
        #expect(list.contains("\(moved)/lib/libhdf5") && !list.contains("not found"), "\(list)")
        #expect(
            !outside.isEmpty && !outside.contains { $0.contains("wift") || $0.contains("Foundation") }, "\(outside)")
        let trained = try run(
            "bin/couplet train configs/gaussian.yaml --set train.steps=2 --threads 1 --progress none --output run")
        #expect(trained.exitCode == 0, "\(trained.errors)")
        let digest = try run("bin/couplet inspect run | grep digest").output
        let own = try CoupletInvocation("inspect", "\(moved)/run").output
        #expect(!digest.isEmpty && own.contains(digest))
        for file in ["launch/local", "launch/slurm", "configs/hdf5.yaml", "documentation/Training.md", "LICENSE"] {
            #expect(folder.exists("moved/\(file)"), "\(file)")
        }
        // Nothing but a bundle is replaced, and that only when asked.
        #expect(try Self.bundle("--output", moved).errors.contains("--overwrite replaces it"))
        let other = try Self.bundle("--output", folder.path, "--overwrite")
        #expect(other.exitCode == 74 && other.errors.contains("is no bundle"), "\(other.errors)")
    }

    @Test func wrongOptionsAreErrors() throws {
        #expect(try Self.bundle("--outptu", "x").exitCode == 64)
        let missing = try CompletedProcess(["\(packageFolder)/launch/bundle", "--program", "/no/couplet"])
        #expect(missing.exitCode == 64 && missing.errors.contains("/no/couplet: no such program"))
        let unwritable = try Self.bundle("--output", "/proc/bundle")
        #expect(
            unwritable.exitCode == 74 && unwritable.errors.contains("cannot write to /proc"), "\(unwritable.errors)")
    }
}
