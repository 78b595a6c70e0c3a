import CoupletFiles
import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct CheckpointStoreTests {
    let folder = TemporaryFolder()
    let store: CheckpointStore

    init() { store = CheckpointStore(folder: folder.file("run/checkpoints")) }

    @Test func writtenCheckpointsReadBack() throws {
        let content = CheckpointExample.make(step: 1500)
        let path = try store.write(content, keep: 3).path
        #expect(path == store.folder + "/step-00001500.h5")
        let read = try store.read(path)
        #expect(CheckpointExample.isSame(read, content))
        #expect(read.digest == content.digest)
        #expect(read.parameter("first/10/weight")?.shape == [3, 2, 5, 5])
        #expect(read.moment("objective/log_inverse_temperature/first_moment")?.doubles == [2.659260036932778 / 3])
        #expect(read.cpuKernels == InstructionSet.current.rawValue && read.formatVersion == 3)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder) == ["step-00001500.h5"])

        let summary = try CheckpointStore.summary(path)
        #expect(summary.step == 1500 && summary.seed == content.seed && summary.shards == 16)
        #expect(summary.digest == content.digest && summary.writtenBy == "couplet 0.1.0")
        #expect(
            summary.parameterCount == 40 * 8 + 40 + 150 + 1 + 240 + 0 + 1
                && content.parameterCount == summary.parameterCount)
        #expect(summary.arrays.count == 7 + 14 + 2)
        #expect(summary.scalars.map(\.name) == ["schedule_steps", "loss", "note"])
    }

    @Test func aCheckpointMayHaveNoArrays() throws {
        let content = Checkpoint(step: 0, seed: 1, shards: 1, configuration: "", writtenBy: "", parameters: [])
        let read = try store.read(try store.write(content, keep: 1).path)
        #expect(CheckpointExample.isSame(read, content))
    }

    /// hashlib computes the same digest from what h5py reads, in the documented order.
    @Test(.enabled(if: Python.isAvailable)) func h5pyAndHashlibGiveTheSameDigest() throws {
        let content = CheckpointExample.make(step: 7)
        let path = try store.write(content, keep: 3).path
        let printed = try Python.run(
            """
            import h5py, hashlib, struct, sys
            f = h5py.File(sys.argv[1])
            assert f["parameters/first/10/weight"].shape == (3, 2, 5, 5)
            assert f["parameters/first/0/weight"].fletcher32
            assert f["optimizer/first/0/weight/first_moment"].dtype == "<f4"
            assert f["parameters/objective/log_inverse_temperature"][()] == 2.659260036932778
            assert f.attrs["step"] == 7 and f.attrs["seed"] == 18446744073709551557 and f.attrs["shards"] == 16
            assert f.attrs["format_version"] == 3 and f.attrs["schedule_steps"] == 1500 and f.attrs["loss"] == 0.25
            assert f.attrs["config"].decode().startswith("name: größer\\nseed: 1\\n")
            h = hashlib.sha256(b"couplet state 1\\n" + struct.pack("<QQ", f.attrs["step"], f.attrs["seed"]))
            for group in ["parameters", "optimizer", "statistics"]:
                arrays = {}
                def add(name, item):
                    if isinstance(item, h5py.Dataset): arrays[(group + "/" + name).encode()] = item
                f[group].visititems(add)
                for path in sorted(arrays):
                    a = arrays[path][()]
                    kind = {4: b"f4", 8: b"f8"}[a.dtype.itemsize]
                    h.update(path + b"\\0" + kind + struct.pack("<%dQ" % (a.ndim + 1), a.ndim, *a.shape))
                    h.update(a.astype("<" + kind.decode()).tobytes())
            assert h.hexdigest() == f.attrs["digest"].decode()
            print(h.hexdigest())
            """, path)
        #expect(printed == content.digest + "\n")
    }

    @Test func onlyTheNewestAreKept() throws {
        for step in [0, 500, 1000, 1500, 123_456_789] { try store.write(CheckpointExample.make(step: step), keep: 3) }
        #expect(try store.list() == [1000, 1500, 123_456_789])
        try store.write(CheckpointExample.make(step: 700), keep: 2)
        #expect(try store.list() == [700, 123_456_789])
        try store.write(CheckpointExample.make(step: 600), keep: 1)
        #expect(try store.list() == [600])
        #expect(try store.newestVerified().found?.content.step == 600)
    }

    @Test func aMissingFolderHasNoCheckpoints() throws {
        #expect(try store.list() == [])
        let newest = try store.newestVerified()
        #expect(newest.found == nil && newest.damagedCheckpoints.isEmpty)
    }

    /// Each damaged checkpoint is renamed and reported with the reason, and the newest good one is returned.
    @Test func damagedCheckpointsAreRenamed() throws {
        for step in 1...7 { try store.write(CheckpointExample.make(step: step), keep: 10) }
        let file = { step in store.path(ofStep: step) }
        try Data().write(to: URL(fileURLWithPath: file(7)))
        let whole = try Data(contentsOf: URL(fileURLWithPath: file(6)))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: file(6)))
        try altered(whole, by: CheckpointExample.make(step: 6)).write(to: URL(fileURLWithPath: file(5)))
        try FileManager.default.removeItem(atPath: file(4))
        try FileManager.default.copyItem(atPath: file(2), toPath: file(4))
        let foreign = try HDF5File(modifying: file(3))
        try foreign.setAttribute("format_version", 99)
        try foreign.close()
        try Data("earlier".utf8).write(to: URL(fileURLWithPath: file(3) + ".damaged"))

        let newest = try store.newestVerified()
        #expect(newest.found?.content.step == 2 && newest.found?.path == file(2))
        #expect(newest.damagedCheckpoints.map(\.path) == [7, 6, 5, 4, 3].map(file))
        let reasons = newest.damagedCheckpoints.map(\.reason)
        for (reason, part) in zip(reasons, ["is empty", "truncated", "checksum", "of step 2", "format version 99"]) {
            #expect(reason.contains(part), "\(reason)")
        }
        for damaged in newest.damagedCheckpoints {
            #expect(FileManager.default.fileExists(atPath: damaged.movedTo))
        }
        #expect(newest.damagedCheckpoints.last?.movedTo == file(3) + ".damaged-2")
        #expect(try store.list() == [1, 2])
    }

    /// The bytes of a file with one bit of the first weight matrix flipped.
    private func altered(_ file: Data, by content: Checkpoint) throws -> Data {
        let numbers = content.parameters[0].array.tensor!.values.withUnsafeBytes { Data($0.prefix(64)) }
        let range = try #require(file.range(of: numbers))
        var altered = file
        altered[range.lowerBound + 20] ^= 0x10
        return altered
    }

    /// h5py updates the checksums of HDF5, so only the digest detects its changes.
    @Test(.enabled(if: Python.isAvailable)) func theDigestDetectsChangesByOtherPrograms() throws {
        let path = try store.write(CheckpointExample.make(step: 3), keep: 1).path
        for change in [
            "f['parameters/first/0/weight'][0, 0] += 1", "f.attrs['step'] = 4", "del f['statistics/first']",
            "f['parameters/first/0/extra'] = 1.5", "f['parameters/first/text'] = 'text'", "del f.attrs['digest']",
            "del f.attrs['seed']",
        ] {
            let copy = folder.file("copy.h5")
            try? FileManager.default.removeItem(atPath: copy)
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            try Python.run("import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); \(change)", copy)
            let error = #expect(throws: FileError.self, "\(change)") { try store.read(copy) }
            #expect(error?.kind == .badData)
        }
        #expect(try store.read(path).step == 3)
    }

    /// The temporary file of a killed writer does not count as a checkpoint, and the next write deletes it.
    @Test func temporaryFilesOfKilledWritersAreDeleted() throws {
        try store.write(CheckpointExample.make(step: 1), keep: 3)
        let endedProcess = try CompletedProcess(["true"]).processIdentifier
        let dead = ".step-00000002.h5.\(HostName.current).\(endedProcess).partial"
        let old = ".step-00000002.h5.elsewhere.example.1.partial"
        let fresh = ".step-00000003.h5.elsewhere.example.1.partial"
        let living = ".step-00000003.h5.\(HostName.current).\(getppid()).partial"
        let foreign = ".notes"
        for file in [dead, old, fresh, living, foreign] {
            try Data("half".utf8).write(to: URL(fileURLWithPath: store.folder + "/" + file))
        }
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -3600)], ofItemAtPath: store.folder + "/" + old)
        #expect(try store.list() == [1])
        #expect(try store.newestVerified().found?.content.step == 1)
        try store.write(CheckpointExample.make(step: 2), keep: 3)
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: store.folder))
        #expect(names == [fresh, living, foreign, "step-00000001.h5", "step-00000002.h5"])
    }

    /// A killed writer keeps its process number until its parent waits for it.
    @Test func temporaryFilesOfZombiesAreDeleted() throws {
        try store.write(CheckpointExample.make(step: 1), keep: 3)
        var zombie = pid_t(), program: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
        defer { free(program[0]) }
        try #require(posix_spawn(&zombie, "/bin/true", nil, nil, &program, environ) == 0)
        defer { waitpid(zombie, nil, 0) }
        var ended = siginfo_t()
        try #require(waitid(P_PID, id_t(zombie), &ended, WEXITED | WNOWAIT) == 0 && kill(zombie, 0) == 0)
        let left = ".step-00000002.h5.\(HostName.current).\(zombie).partial"
        try Data("half".utf8).write(to: URL(fileURLWithPath: store.folder + "/" + left))
        #expect(try store.removeAbandonedFiles() == [left])
    }

    @Test(.enabled(if: getuid() != 0)) func anUnreadableCheckpointIsNotRenamed() throws {
        let path = try store.write(CheckpointExample.make(step: 1), keep: 3).path
        chmod(path, 0)
        let error = #expect(throws: FileError.self) { try store.newestVerified() }
        #expect(error?.kind == .inputOutput)
        #expect(try store.list() == [1])
    }

    // MARK: - The best checkpoint

    /// Checkpoints of steps, each with the step of the best one at that time.
    private func write(_ steps: [(step: Int, best: Int)], keep: Int) throws {
        for (step, best) in steps {
            var content = CheckpointExample.make(step: step)
            content.scalars.append((CheckpointStore.bestStepName, .integer(best)))
            try store.write(content, keep: keep)
        }
    }

    @Test func theBestCheckpointOutlastsNewerOnes() throws {
        try write([(10, 10), (20, 20), (30, 20), (40, 20), (50, 20)], keep: 2)
        #expect(try store.list() == [20, 40, 50])
        #expect(try store.step(of: .best) == 20 && store.step(of: .latest) == 50 && store.step(of: .step(40)) == 40)
        // A better one replaces it when no kept checkpoint names it any more.
        try write([(60, 60)], keep: 2)
        #expect(try store.list() == [20, 50, 60] && store.step(of: .best) == 60)
        try write([(70, 60)], keep: 2)
        #expect(try store.list() == [60, 70] && store.step(of: .best) == 60)
    }

    /// If the newest checkpoint is lost, the one before still has the best one that it names.
    @Test func aLostCheckpointDoesNotLoseTheBestOfTheOneBefore() throws {
        try write([(10, 10), (20, 10), (30, 10), (40, 40)], keep: 2)
        #expect(try store.list() == [10, 30, 40])
        try FileManager.default.removeItem(atPath: store.path(ofStep: 40))
        #expect(try store.step(of: .best) == 10)
    }

    @Test func aMissingChoiceSaysWhatThereIs() throws {
        try store.write(CheckpointExample.make(step: 10), keep: 2)
        let none = try #require(thrownError(FileError.self) { _ = try store.step(of: .best) })
        #expect(none.description.contains("no best checkpoint") && none.description.contains("train.best"))
        let missing = try #require(thrownError(FileError.self) { _ = try store.step(of: .step(7)) })
        #expect(missing.description.contains("no checkpoint of step 7") && missing.description.contains("10"))
        #expect(CheckpointChoice("best") == .best && CheckpointChoice("latest") == .latest)
        #expect(
            CheckpointChoice("12") == .step(12) && CheckpointChoice("-1") == nil && CheckpointChoice("bests") == nil)
    }
}
