import CoupletEvaluation
import CoupletLosses
import CoupletTensors
import Foundation
import TestSupport
import Testing

@Suite struct EncodingIndexTests {
    private static let origin = EncodingIndex.Origin(checkpoint: "c0ffee", step: 12, modality: "second", gallery: "abc")

    /// An index of 3,101 rows of 7 numbers, whose data do not end at a multiple of 8 bytes or at the end of a block.
    private struct Fixture {
        let folder: URL
        let encodings: GalleryFixture
        var path: String { folder.appendingPathComponent("g.index").path }

        init() throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("couplet-index-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            encodings = GalleryFixture(count: 3_101, dimension: 7)
        }

        func write(_ similarity: Similarity, workers: Int = 1) throws {
            let rows = Tensor(rows: encodings.second), path = path
            let gallery = Gallery(count: rows.rows, dimension: 7, similarity: similarity) {
                { $1.copy(from: rows.rows($0)) }
            }
            _ = try runWorkers(workers) { communicator in
                try EncodingIndex.write(
                    path, of: gallery, isNormalized: similarity == .cosine, origin: EncodingIndexTests.origin,
                    communicator: communicator)
                return 0
            }
        }

        func search(_ gallery: Gallery, _ similarity: Similarity, workers: Int = 1) throws -> SearchResult {
            let search = try GallerySearch(similarity: similarity, temperature: 0.2, top: 5)
            let queries = Tensor(rows: Array(encodings.first.prefix(10)))
            return try runWorkers(workers) { try search.run(queries: queries, gallery: gallery, communicator: $0) }
        }

        func refusal(_ change: (inout Data) -> Void) throws -> String {
            var data = try Data(contentsOf: URL(fileURLWithPath: path))
            change(&data)
            try data.write(to: URL(fileURLWithPath: path + ".changed"))
            do {
                _ = try search(try EncodingIndex(path + ".changed").gallery, .cosine, workers: 2)
                return "nothing"
            } catch {
                return "\(error)"
            }
        }
    }

    @Test(arguments: Similarity.allCases)
    func searchOfAnIndexMatchesItsGallery(_ similarity: Similarity) throws {
        let fixture = try Fixture()
        defer { try? FileManager.default.removeItem(at: fixture.folder) }
        try fixture.write(similarity)
        let index = try EncodingIndex(fixture.path)
        #expect(
            index.count == 3_101 && index.dimension == 7 && index.origin == Self.origin
                && index.isNormalized == (similarity == .cosine))
        let expected = try fixture.search(
            Gallery(Tensor(rows: fixture.encodings.second), similarity: similarity), similarity)
        for workers in [1, 2, 3, 4] {
            #expect(try fixture.search(index.gallery, similarity, workers: workers) == expected)
        }
        // The bytes do not depend on the number of workers.
        let alone = try Data(contentsOf: URL(fileURLWithPath: fixture.path))
        try fixture.write(similarity, workers: 4)
        #expect(try Data(contentsOf: URL(fileURLWithPath: fixture.path)) == alone)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path) == ["g.index"])
    }

    @Test func damageIsDetected() throws {
        let fixture = try Fixture()
        defer { try? FileManager.default.removeItem(at: fixture.folder) }
        try fixture.write(.cosine)
        #expect(try fixture.refusal { _ in } == "nothing")
        // A flipped bit in row 2,500; swapped words; a truncated file; a longer file; a damaged header or table.
        #expect(
            try fixture.refusal { $0[4_096 + 2_500 * 28 + 3] ^= 1 }.contains(
                "the checksum of rows 2048 to 3071 is wrong; delete it"))
        #expect(
            try fixture.refusal { data in
                let (a, b) = (data.startIndex + 4_096 + 28, data.startIndex + 4_096 + 28 + 64)
                let words = (data.subdata(in: a..<(a + 4)), data.subdata(in: b..<(b + 4)))
                data.replaceSubrange(a..<(a + 4), with: words.1)
                data.replaceSubrange(b..<(b + 4), with: words.0)
            }.contains("the checksum of rows 0 to 1023 is wrong"))
        #expect(try fixture.refusal { $0.removeLast(100) }.contains("it was cut off"))
        #expect(try fixture.refusal { $0.append(0) }.contains("it was cut off or added to"))
        #expect(try fixture.refusal { $0.removeLast($0.count - 3_000) }.contains("cut off in its header"))
        #expect(try fixture.refusal { $0[20] ^= 4 }.contains("the checksum of its header is wrong"))
        #expect(try fixture.refusal { $0[$0.count - 3] ^= 4 }.contains("the checksum of its table is wrong"))
        #expect(try fixture.refusal { $0[8] = 9 }.contains("an index of version 9"))
        #expect(try fixture.refusal { $0[0] = 0 }.contains("is not an index of encodings; name another file"))
        #expect(try fixture.refusal { $0.removeAll() }.contains("is empty"))
    }

    @Test func indexOfOtherEncodingsIsRefused() throws {
        let fixture = try Fixture()
        defer { try? FileManager.default.removeItem(at: fixture.folder) }
        try fixture.write(.cosine)
        let index = try EncodingIndex(fixture.path)
        func refusal(
            checkpoint: String = "c0ffee", modality: String = "second", isNormalized: Bool = true, dimension: Int = 7,
            gallery: String? = "abc"
        ) -> String {
            do {
                try index.require(
                    checkpoint: checkpoint, step: 20, modality: modality, isNormalized: isNormalized,
                    dimension: dimension, gallery: gallery)
                return "nothing"
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal() == "nothing" && refusal(gallery: nil) == "nothing")
        let message = refusal(checkpoint: "decaf")
        #expect(
            message.contains("another checkpoint, of step 12 with digest c0ffee")
                && message.contains("of step 20 with digest decaf"))
        #expect(message.contains("delete it, and it is made again from --gallery"))
        #expect(
            refusal(modality: "first").contains(
                "encodings of the second modality, and encodings of the first modality are searched"))
        #expect(
            refusal(isNormalized: false).contains(
                "7 numbers and length 1, where the run's similarity wants 7 numbers as the encoder"))
        #expect(refusal(dimension: 9).contains("wants 9 numbers"))
        #expect(refusal(gallery: "abd").contains("the gallery has changed since"))
    }

    /// If a row cannot be encoded, no file remains.
    @Test(arguments: [1, 2])
    func failureLeavesNoFile(workers: Int) throws {
        let fixture = try Fixture()
        defer { try? FileManager.default.removeItem(at: fixture.folder) }
        let path = fixture.path
        let gallery = Gallery(count: 3_000, dimension: 7, similarity: .cosine) {
            { rows, target in if rows.contains(2_900) { target.fill(.nan) } }
        }
        #expect {
            try runWorkers(workers) { communicator in
                try EncodingIndex.write(
                    path, of: gallery, isNormalized: true, origin: Self.origin, communicator: communicator)
                return 0
            }
        } throws: { "\($0)".contains("holds nan") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path).isEmpty)
    }
}
