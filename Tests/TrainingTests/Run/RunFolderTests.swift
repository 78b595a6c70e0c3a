import CoupletFiles
import CoupletTraining
import TestSupport
import Testing

@Suite struct RunFolderTests {
    private func example() throws -> Configuration {
        try Configuration.parse(text: ConfigurationExample.text, name: "c.yaml")
    }

    @Test func makesTheFolderAndItsParents() throws {
        let folder = TemporaryFolder()
        let run = RunFolder(path: "\(folder.path)/a/b/")
        #expect(!run.holdsRun)
        try run.prepare(.refuse)
        #expect(run.path == "\(folder.path)/a/b")
        #expect(folder.exists("a/b/checkpoints"))
        // An empty folder is not a run: a start that failed early can be repeated.
        try run.prepare(.refuse)
        try run.store(try example())
        #expect(run.holdsRun)
        #expect(try run.storedConfiguration(registry: .builtIn) == example())
        #expect(RunFolder(path: nil, name: "x").path == "runs/x")
    }

    @Test func refusesAnExistingRunAndNamesBothOptions() throws {
        let folder = TemporaryFolder()
        let run = RunFolder(path: folder.path)
        try run.prepare(.refuse)
        try run.store(try example())
        let error = try #require(throws: FileError.self) { try run.prepare(.refuse) }
        #expect(error.description.contains("--resume") && error.description.contains("--overwrite"))
        try run.prepare(.resume)
        #expect(run.holdsRun)
    }

    @Test func overwritingRemovesTheFilesOfTheRunAndNothingElse() throws {
        let folder = TemporaryFolder()
        let run = RunFolder(path: folder.path)
        try run.prepare(.refuse)
        try run.store(try example())
        let runFiles = [
            "metrics.jsonl", "metrics.csv", "events.out.tfevents.1796067786.host.12", "log.txt", "evaluation.json",
            "checkpoints/step-00000500.h5",
            "checkpoints/step-00000400.h5.damaged",
            "checkpoints/.step-00000600.h5.host.12.partial", ".config.yaml.host.12.partial",
        ]
        let otherFiles = ["notes.txt", "checkpoints/mine.h5", "metrics.jsonl.old", ".hidden.partial"]
        for name in runFiles + otherFiles { try folder.write(name, "x") }
        try run.prepare(.overwrite)
        for name in runFiles + ["config.yaml"] { #expect(!folder.exists(name), "\(name)") }
        for name in otherFiles { #expect(folder.exists(name), "\(name)") }
        #expect(!run.holdsRun)
    }

    @Test func aPathThatIsNotAFolderOrNotARunThrowsAClearError() throws {
        let folder = TemporaryFolder()
        try folder.write("file", "x")
        #expect(
            try #require(throws: FileError.self) { try RunFolder(path: "\(folder.path)/file/run").prepare(.refuse) }
                .kind == .inputOutput)
        #expect(
            try #require(throws: FileError.self) {
                try RunFolder(path: "\(folder.path)/none").storedConfiguration(registry: .builtIn)
            }
            .reason == "no such run")
        #expect(
            try #require(throws: FileError.self) {
                try RunFolder(path: folder.path).storedConfiguration(registry: .builtIn)
            }.reason
                .contains("config.yaml"))
    }
}
