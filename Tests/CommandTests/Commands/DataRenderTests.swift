import CoupletPairs
import CoupletTensors
import Foundation
import TestSupport
import Testing

extension ProcessTests {
    /// `couplet data render`, and the source that reads what it writes.
    @Suite(.serialized) struct DataRenderTests {
        private static let counts = [
            "--training", "30", "--validation", "7", "--test", "11", "--size", "24", "--seed", "2",
        ]

        /// All files of a folder with their bytes, but for the lock.
        private static func files(_ folder: String) throws -> [String: Data] {
            var files: [String: Data] = [:]
            for case let name as String in FileManager.default.enumerator(atPath: folder)! {
                var isFolder: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
                if isFolder.boolValue || name == ".lock" { continue }
                files[name] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            return files
        }

        private static func render(_ folder: String, ranks: Int = 1, _ extra: [String] = []) throws -> BackgroundJob {
            let job = try BackgroundJob(["data", "render", folder] + counts + extra, ranks: ranks)
            _ = job.end(within: 60)
            return job
        }

        /// Any number of threads and ranks writes the same files, also after an interruption.
        @Test func theFilesDoNotDependOnTheWorkers() throws {
            let folder = TemporaryFolder()
            #expect(try Self.render("\(folder.path)/a", ["--threads", "1"]).end(within: 1) == 0)
            let files = try Self.files("\(folder.path)/a")
            #expect(files.count == 30 + 7 + 11 + 3 * 3 + 2)
            for (name, ranks) in [("b", 2), ("c", 3)] {
                #expect(try Self.render("\(folder.path)/\(name)", ranks: ranks).end(within: 1) == 0)
                #expect(try Self.files("\(folder.path)/\(name)") == files)
            }
            let a = "\(folder.path)/a"
            for name in ["train/images/07.png", "test/images/10.png"] {
                try FileManager.default.removeItem(atPath: "\(a)/\(name)")
            }
            try Data([1, 2]).write(to: URL(fileURLWithPath: "\(a)/train/images/.07.png.123.partial"))
            #expect(try Self.render(a).end(within: 1) == 0)
            #expect(try Self.files(a) == files)
            // Another request, and a folder with other files.
            let other = try Self.render(a, ["--size", "25"])
            #expect(
                other.end(within: 1) == 65 && other.errors.contains("holds a set of other scenes"), "\(other.errors)")
            let foreign = try Self.render(folder.path)
            #expect(foreign.end(within: 1) == 65 && foreign.errors.contains("is not empty"), "\(foreign.errors)")
        }

        /// Training on the set has the same digest on one and on two workers.
        @Test func aRunTrainsOnTheSet() throws {
            let folder = try TrainingFolder(
                """
                name: scenes
                data: {source: multimodal3dident, path: FOLDER/s}
                encoders:
                  embedding: 4
                  first: {kind: cnn, channels: [4, 4], hidden: [8]}
                  second: {kind: text_cnn, vocabulary: 90, width: 8, channels: 4}
                objective: {similarity: cosine, temperature: 1}
                batch: {size: 8, shards: 2}
                train: {steps: 4, evaluate_every: null, checkpoint_every: null}
                """)
            #expect(try Self.render(folder.path("s")).end(within: 1) == 0)
            let one = try folder.digest("one", ["--threads", "1"]), two = try folder.digest("two", ["--threads", "2"])
            #expect(one == two)
            let json = try CoupletInvocation("evaluate", folder.path("one"), "--json").json()
            #expect(json["classification"] != nil && json["retrieval"] != nil)
        }

        /// Each damage has an error that names the file, and the line where there is one.
        @Test(arguments: [
            ("rm s/train/images/05.png", "05.png"),
            ("head -c 200 s/train/images/06.png > t && mv t s/train/images/06.png", "06.png"),
            ("sed -i '4s/,[^,]*$//' s/train/latents_image.csv", "latents_image.csv:4: has 10 columns"),
            ("sed -i '3s/^[0-9]*/x/' s/train/latents_text.csv", "latents_text.csv:3: object_shape is \"x\""),
            ("head -n 1 s/train/text/text_raw.txt >> s/train/text/text_raw.txt", "has 31 lines, but"),
            ("tail -n 1 s/val/text/text_raw.txt >> s/val/text/text_raw.txt", "has 8 lines, but"),
            ("sed -i '2s/[a-z]*\\.$/zebra./' s/test/text/text_raw.txt", "text_raw.txt:2: has the word zebra"),
            ("sed -i '1s/object_shape/shape/' s/test/latents_image.csv", "has no column object_shape"),
            ("echo '{}' > s/vocab.json", "vocab.json: has no object w2i"),
            ("sed -i '$d' s/train/latents_text.csv", "has 29 rows"),
        ])
        func damagedLayouts(damage: String, message: String) throws {
            let folder = TemporaryFolder()
            #expect(try Self.render("\(folder.path)/s").end(within: 1) == 0)
            let script = try ShellScript(damage, in: folder.path)
            #expect(script.exitCode == 0, "\(script.output)")
            do {
                _ = try SceneSource(path: "\(folder.path)/s")
                Issue.record("opened in spite of: \(damage)")
            } catch {
                #expect("\(error)".contains(message), "\(damage): \(error)")
            }
        }
    }
}
