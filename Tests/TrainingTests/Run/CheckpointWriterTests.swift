import CoupletFiles
import CoupletStorage
import CoupletTensors
import CoupletTraining
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct CheckpointWriterTests {
    private func content(step: Int, _ number: Float) -> Checkpoint {
        let tensor = Tensor([100, 100])
        tensor.fill(number)
        return Checkpoint(
            step: step, seed: 1, shards: 1, configuration: "", writtenBy: "test",
            parameters: [("first/0/weight", CheckpointArray(tensor))])
    }

    @Test func checkpointsAreWrittenInOrderAndReported() throws {
        let folder = TemporaryFolder(), store = CheckpointStore(folder: "\(folder.path)/checkpoints")
        let reports = TextLog()
        let writer = CheckpointWriter(store, keep: 2, newest: "before", saved: { reports.add("\($0) \($1)") })
        #expect(writer.newest == "before")
        for step in 1...5 {
            try writer.wait()
            writer.begin(content(step: step, Float(step)))
        }
        try writer.wait()
        #expect(try store.list() == [4, 5])
        #expect(writer.newest == store.path(ofStep: 5))
        #expect(reports.lines == (1...5).map { "\(store.path(ofStep: $0)) \(content(step: $0, Float($0)).digest)" })
        #expect(try store.newestVerified().found?.content.digest == content(step: 5, 5).digest)
    }

    @Test func aFailureIsRethrownOnceAndThePreviousCheckpointStays() throws {
        let folder = TemporaryFolder(), store = CheckpointStore(folder: "\(folder.path)/checkpoints")
        let writer = CheckpointWriter(store, keep: 2, newest: nil, saved: { _, _ in })
        writer.begin(content(step: 1, 1))
        try writer.wait()
        // A folder at the path of the checkpoint: the checkpoint cannot be renamed to it.
        try FileManager.default.createDirectory(
            atPath: store.path(ofStep: 2) + "/in", withIntermediateDirectories: true)
        writer.begin(content(step: 2, 2))
        writer.finish()
        #expect(throws: FileError.self) { try writer.check() }
        try writer.check()
        try writer.wait()
        #expect(writer.newest == store.path(ofStep: 1))
        #expect(try store.read(store.path(ofStep: 1)).digest == content(step: 1, 1).digest)
    }

    private final class TextLog: Sendable {
        private let state = Mutex<[String]>([])
        func add(_ line: String) { state.withLock { $0.append(line) } }
        var lines: [String] { state.withLock { $0 } }
    }
}
