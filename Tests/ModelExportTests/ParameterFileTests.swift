import CoupletFiles
import CoupletInference
import CoupletModelExport
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining
import TestSupport
import Testing

/// Parameters leave a run as safetensors and HDF5, and come back by `initialize.from`.
@Suite struct ParameterFileTests {
    @Test func aFileHasTheArraysOfTheCheckpoint() throws {
        let run = try ExportedRun(), checkpoint = try run.checkpoint("base", 5)
        let wanted = checkpoint.parameters.sorted { $0.path < $1.path }
        let found = try run.tensors().sorted { $0.name < $1.name }
        #expect(found.map(\.name) == wanted.map(\.path))
        for (found, wanted) in zip(found, wanted) {
            #expect(found.array.shape == wanted.array.shape)
            #expect(found.array.tensor?.bytes == wanted.array.tensor?.bytes)
            #expect(found.array.doubles == wanted.array.doubles)
        }
        let file = try SafetensorsFile(reading: run.path("base.safetensors"))
        #expect(file.metadata("step") == "5" && file.metadata("run") == run.path("base"))
        #expect(file.metadata("digest") == checkpoint.digest)
        #expect(file.metadata("parameters_digest") == checkpoint.parametersDigest)
        #expect(file.metadata("config") == checkpoint.configuration)
        #expect(file.metadata("second_labels") == "[2, 3, 7]")
    }

    @Test func theDigestOfTheParametersComesBack() throws {
        let run = try ExportedRun()
        try run.train(
            "again",
            run.configuration {
                $0.seed = 9
                $0.initialization = .init(from: run.path("base.safetensors"), objective: true)
                $0.train.steps = 0
            })
        let base = try run.checkpoint("base", 5), again = try run.checkpoint("again", 0)
        #expect(again.parametersDigest == base.parametersDigest && again.digest != base.digest)
        // Without the scalars of the loss, the temperature of the config begins the run.
        try run.train(
            "fresh",
            run.configuration {
                $0.initialization = .init(from: run.path("base.safetensors"))
                $0.train.steps = 0
            })
        #expect(try run.checkpoint("fresh", 0).parametersDigest != base.parametersDigest)
    }

    /// The next steps are those of a run that begins with the other run itself.
    @Test func aFileIsAsGoodAsTheRun() throws {
        let run = try ExportedRun()
        for (name, from) in [("run", "base"), ("file", "base.safetensors")] {
            try run.train(name, run.configuration { $0.initialization = .init(from: run.path(from), objective: true) })
        }
        #expect(try run.checkpoint("run", 5).digest == run.checkpoint("file", 5).digest)
    }

    /// The parameters of another program have PyTorch's names, other types, and no metadata.
    @Test func foreignFilesAreRead() throws {
        let run = try ExportedRun(), base = try run.checkpoint("base", 5)
        let renamed = try run.tensors().filter { $0.name.hasPrefix("first/") }.map {
            (name: String($0.name.map { $0 == "/" ? "." : $0 }), array: $0.array)
        }
        try run.write("torch.safetensors", renamed)
        #expect(run.error(from: "torch.safetensors") == "")
        let taken = try run.checkpoint("wrong", 0)
        for (path, array) in base.parameters where path.hasPrefix("first/") {
            #expect(taken.parameter(path)?.tensor?.values == array.tensor?.values)
        }
        let doubles = renamed.map { name, array in
            (name: name, array: CheckpointArray(array.tensor!.values.map(Double.init), shape: array.shape))
        }
        try run.write("double.safetensors", doubles)
        let notices = try ParameterFile(reading: run.path("double.safetensors")).notices
        #expect(notices.count == 1 && notices[0].contains("4 tensors of") && notices[0].contains("are F64"))
    }

    @Test func whatDoesNotFitIsNamed() throws {
        let run = try ExportedRun()
        let tensors = try run.tensors().filter { $0.name.hasPrefix("first/") }
        func expect(_ part: String, _ change: (inout [(name: String, array: CheckpointArray)]) -> Void) throws {
            var changed = tensors
            change(&changed)
            try run.write("changed.safetensors", changed)
            let error = run.error(from: "changed.safetensors")
            #expect(error.contains(part), "\(error)")
            #expect(!run.folder.exists("wrong/checkpoints/step-00000000.h5"))
        }
        let weight = try #require(tensors.firstIndex { $0.name == "first/0/weight" })
        try expect("it has no first/0/weight") { $0.remove(at: weight) }
        try expect("first/0/weight has the shape [4, 6] there and [6, 4] here") {
            $0[weight].array = CheckpointArray($0[weight].array.tensor!.reshaped([4, 6]))
        }
        try expect("it has first/7/bias, which is of no layer") {
            $0.append(("first/7/bias", CheckpointArray(Tensor([2]))))
        }
        try expect("layer1.weight is the tensor of no encoder") {
            $0.append(("layer1.weight", CheckpointArray(Tensor([2]))))
        }
        try expect("first/0/weight holds nan at number 5") {
            let values = (0..<24).map { $0 == 5 ? Float.nan : 1 }
            $0[weight].array = CheckpointArray(Tensor([6, 4], values))
        }
        try expect("first/0/weight holds inf at number 2") {
            // Finite in Float64, but beyond Float32.
            $0[weight].array = CheckpointArray((0..<24).map { $0 == 2 ? 1e39 : 0 }, shape: [6, 4])
        }
        try expect("the file has no tensor of it") { $0 = [("second/0/weight", CheckpointArray(Tensor([3, 3])))] }
        try expect("first.0.bias and first/0/bias are the same tensor here") {
            $0.insert(("first.0.bias", CheckpointArray(Tensor([6]))), at: 0)
        }
        #expect(run.error(from: "missing.safetensors").contains("No such file"))
        // The config in the metadata tells what shapes do not.
        #expect(
            run.error(from: "base.safetensors") {
                $0.encoders.first = .multilayerPerceptron(widths: [6], activation: .relu, bias: true)
            }.contains("encoders.first.activation is tanh there and relu here"))
    }

    @Test func hdf5HasTheSameArrays() throws {
        let run = try ExportedRun(), checkpoint = try run.checkpoint("base", 5)
        try ExportedModel(TrainedRun(run.path("base")), modalities: [.first]).write(.hdf5, to: run.path("first.h5"))
        let file = try HDF5File(reading: run.path("first.h5"))
        let wanted = checkpoint.parameters.filter { $0.path.hasPrefix("first/") }
        #expect(Set(try file.datasetNames) == Set(wanted.map { "/\($0.path)" }))
        for (path, array) in wanted { #expect(try file.readFloats("/\(path)").bytes == array.tensor?.bytes) }
        #expect(try file.attribute("step") == .integer(5))
        #expect(try file.attribute("digest") == .string(checkpoint.digest))
    }

    @Test(.enabled(if: SmallDisk.isAvailable)) func aFullDiskLeavesNoFile() throws {
        let disk = try SmallDisk(kibibytes: 64), path = "\(disk.path)/a.safetensors"
        let error = #expect(throws: FileError.self) {
            try SafetensorsFile.write(path, [("x", CheckpointArray(Tensor([100_000])))], metadata: [])
        }
        #expect(error?.description.contains("No space left") == true)
        #expect(FileSystem.names(in: disk.path).isEmpty)
    }
}
