import CoupletFiles
import CoupletPairs
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct SceneSourceTests {
    /// A rendered set of few scenes.
    private static func set(_ folder: TemporaryFolder) throws -> (path: String, request: SceneFolder.Request) {
        let request = SceneFolder.Request(training: 5, validation: 2, test: 3, size: 9, seed: 4)
        let path = folder.file("scenes"), scenes = SceneFolder(path: path)
        try scenes.prepare(request)
        try scenes.render(request, worker: 0, workers: 1)
        return (path, request)
    }

    /// Pictures reach the encoders as (x/255 - m) / s of the bytes x, channel by channel, and rows of a user too.
    @Test func picturesAreScaledByChannel() throws {
        let folder = TemporaryFolder(), source = try SceneSource(path: Self.set(folder).path)
        let numbers: [UInt64] = [4, 0, 2], rows = Tensor([3, 3, 9, 9])
        try source.read(.training, numbers, first: rows, second: nil)
        let raw = try source.readRaw(.training, numbers, .first)
        for (index, value) in rows.values.enumerated() {
            let channel = index / 81 % 3, byte = Double(raw.values[index])
            #expect(byte == byte.rounded() && (0...255).contains(byte))
            let wanted =
                (byte / 255 - Double(SceneSource.mean[channel])) / Double(SceneSource.standardDeviation[channel])
            #expect(abs(Double(value) - wanted) <= 4e-6)
        }
        #expect(Set(raw.values).count > 20)
        #expect(try source.prepare(.first, raw: raw).values == rows.values)
        // The same as a scaling, for exports.
        let scaled = Tensor(raw.shape)
        scaled.copy(from: raw)
        try #require(source.preparationScaling(of: .first)).apply(to: scaled)
        #expect(zip(scaled.values, rows.values).allSatisfy { abs($0 - $1) <= 4e-6 })
        #expect(source.preparationScaling(of: .second) == nil)
        // The rows of one sample alone.
        let one = Tensor([1, 3, 9, 9])
        try source.read(.training, [0], first: one, second: nil)
        #expect(one.values == rows.rows(1..<2).values)
    }

    /// The vocabulary has the words of all sentences, those for training first, in the order of their occurrence.
    @Test func theVocabularyIsThatOfAllSentences() throws {
        let folder = TemporaryFolder(), (path, request) = try Self.set(folder)
        var sentences: [String] = []
        for (number, part) in [(0, SceneFolder.Part.training), (1, .validation), (2, .test)] {
            let count = request.counts[part]!
            let drawn = (0..<count).map {
                SceneFactors(seed: 4, part: UInt64(number), number: UInt64($0)).sentence
            }
            let file = try String(contentsOfFile: "\(path)/\(part.rawValue)/text/text_raw.txt", encoding: .utf8)
            #expect(file == drawn.joined(separator: "\n") + "\n")
            sentences += drawn
        }
        let words = SceneSentences.vocabulary(of: sentences)
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: "\(path)/vocab.json")))
                as? [String: [String: Any]])
        #expect(json["w2i"] as? [String: Int] == Dictionary(uniqueKeysWithValues: zip(words, 0...)))
        #expect(try SceneSource(path: path).vocabulary == words.count)
    }
}
