import CoupletCommunication
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining
import Foundation
import TestSupport
import Testing

/// Wraps a source, and delays each read as a disk does.
private struct SlowSource: PairSource {
    let base: any PairSource
    /// The first sample whose read fails.
    var failsFrom = UInt64.max

    func description(of modality: Modality) -> ModalityDescription { base.description(of: modality) }
    func count(of split: Split) -> Int? { base.count(of: split) }
    var waitsForStorage: Bool { true }

    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        usleep(2000)
        if numbers.contains(where: { $0 >= failsFrom }) { throw DataError(at: "slow", reason: "gone") }
        try base.read(split, numbers, first: first, second: second)
    }
}

@Suite struct BatchReaderTests {
    private func losses(_ source: any PairSource, workers: Int) throws -> [Double] {
        let configuration = TrainingExample.gaussian { $0.batch = .init(size: 256, shards: 4) }
        let model = try Model(configuration, source: source)
        return try WorkerGroup.launch().run(threads: workers) { communicator in
            let step = try TrainingStep(
                configuration, model: model, source: source, communicator: communicator, tileMemory: 0)
            // The third step comes again, out of order, as in a resumed run.
            return try [0, 1, 2, 3, 2].map { try step.run($0).loss }
        }
    }

    @Test("reading ahead gives every step its own samples")
    func sameSamples() throws {
        let source = try SourceSpecification.gaussian(dimensions: [8, 6], correlations: [0.9, 0.5]).makeSource(seed: 3)
        let plain = try losses(source, workers: 1)
        #expect(try losses(SlowSource(base: source), workers: 1) == plain)
        #expect(try losses(SlowSource(base: source), workers: 4) == plain)
    }

    @Test("an error of reading ahead is thrown in the step that needs the samples, not before")
    func failure() throws {
        let source = try SourceSpecification.gaussian(dimensions: [8, 6], correlations: [0.9, 0.5]).makeSource(seed: 3)
        let slow = SlowSource(base: source, failsFrom: 2 * 256)
        let configuration = TrainingExample.gaussian { $0.batch = .init(size: 256, shards: 4) }
        let model = try Model(configuration, source: slow)
        try WorkerGroup.launch().run(threads: 1) { communicator in
            let step = try TrainingStep(
                configuration, model: model, source: slow, communicator: communicator, tileMemory: 0)
            for number in 0..<2 { _ = try step.run(number) }
            #expect(throws: DataError.self) { try step.run(2) }
        }
    }
}

@Suite struct VanishedDataTests {
    @Test("a data file that vanishes while it is read ends the step with its name, on all workers", arguments: [1, 4])
    func vanishedFile(workers: Int) throws {
        let folder = TemporaryFolder(), path = "\(folder.path)/pairs.h5"
        let count = 4_096
        let file = try HDF5File(creating: path)
        try file.write("/first", Tensor([count, 8]))
        try file.write("/second", Tensor([count, 6]))
        try file.close()
        let source = try HDF5Source(path: path, heldOut: 0, seed: 1, memoryLimit: 0)
        let configuration = TrainingExample.gaussian {
            $0.batch = .init(size: 256, shards: 4)
            $0.source = .hdf5(path: path, heldOut: 0)
        }
        let model = try Model(configuration, source: source)
        let error = #expect(throws: (any Error).self) {
            try WorkerGroup.launch().run(threads: workers) { communicator in
                let step = try TrainingStep(
                    configuration, model: model, source: source, communicator: communicator, tileMemory: 0)
                _ = try step.run(0)
                try communicator.barrier()
                // As if another program overwrote it.
                if communicator.rank == 0 { truncate(path, 3_000) }
                try communicator.barrier()
                for number in 1..<4 { _ = try step.run(number) }
            }
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains(path), "\(String(describing: error))")
    }
}
