import CoupletStorage
import CoupletTensors
import Foundation
import TestSupport
import Testing

/// `couplet retrieve` on a small run.
@Suite struct RetrieveCommandTests {
    private struct Found {
        let rows: [Int]
        let scores: [Double], probabilities: [Double], logNormalizers: [Double], effectiveCandidates: [Double]

        init(_ path: String) throws {
            let file = try HDF5File(reading: path)
            rows = try file.readIntegers("/indices")
            scores = try file.readDoubles("/scores")
            probabilities = try file.readDoubles("/probabilities")
            logNormalizers = try file.readDoubles("/log_normalizer")
            effectiveCandidates = try file.readDoubles("/effective_candidates")
        }
    }

    /// A folder with a run, and a file with 300 rows of the second modality and 40 of the first.
    private static func run(objective: String) throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        try folder.write("c.yaml", TrainingFolder.tinyGaussian(objective: objective))
        let rows = try HDF5File(creating: "\(folder.path)/rows.h5")
        func normals(_ count: Int, _ number: UInt64) -> [Double] {
            Philox(seed: 3).normals(count, .source, number: number).map(Double.init)
        }
        try rows.write("/first", normals(40 * 4, 0), shape: [40, 4])
        try rows.write("/second", normals(300 * 3, 1), shape: [300, 3])
        try rows.write("/prior", (0..<300).map { Double($0 % 4) }, shape: [300])
        var bad = normals(300 * 3, 1)
        bad[281 * 3 + 1] = .nan
        try rows.write("/bad", bad, shape: [300, 3])
        try rows.close()
        let trained = try CoupletInvocation("train", "c.yaml", "--output", "run", "--progress", "none", in: folder.path)
        #expect(trained.exitCode == 0, "\(trained.errors)")
        return folder
    }

    private static func retrieve(_ folder: TemporaryFolder, _ arguments: String..., query: String = "first") throws
        -> CoupletInvocation
    {
        try CoupletInvocation(
            arguments: ["retrieve", "run", "--query", "rows.h5:/\(query)"] + arguments, in: folder.path)
    }

    /// Compares with the definition in Double, on the encodings that `couplet encode` writes.
    @Test(arguments: ["inner_product", "cosine", "quadratic"])
    func probabilitiesMatchTheEncodings(similarity: String) throws {
        let temperature = 0.2, top = 4
        let folder = try Self.run(
            objective: "{similarity: \(similarity), loss: conditional, temperature: \(temperature)}")
        for modality in ["first", "second"] {
            let encoded = try CoupletInvocation(
                "encode", "run", "--modality", modality, "--input", "rows.h5:/\(modality)", "--output",
                "codes.h5:/\(modality)", in: folder.path)
            #expect(encoded.exitCode == 0, "\(encoded.errors)")
        }
        let result = try Self.retrieve(
            folder, "--gallery", "rows.h5:/second", "--prior", "rows.h5:/prior", "--top", "\(top)", "--output",
            "found.h5")
        #expect(result.exitCode == 0 && result.output.isEmpty, "\(result.errors)")
        let found = try Found("\(folder.path)/found.h5"), codes = try HDF5File(reading: "\(folder.path)/codes.h5")
        let u = try codes.readDoubles("/first"), v = try codes.readDoubles("/second")
        for query in 0..<40 {
            let scores = (0..<300).map { row -> Double in
                let (a, b) = (u[(2 * query)..<(2 * query + 2)], v[(2 * row)..<(2 * row + 2)])
                let product = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
                let (aa, bb) = (a.reduce(0) { $0 + $1 * $1 }, b.reduce(0) { $0 + $1 * $1 })
                switch similarity {
                case "inner_product": return product / temperature
                case "cosine": return product / (aa * bb).squareRoot() / temperature
                default: return -0.5 * (aa + bb - 2 * product) / temperature
                }
            }
            let terms = scores.enumerated().map { Double($0.offset % 4) * exp($0.element) }, sum = terms.reduce(0, +)
            let order = terms.indices.sorted { terms[$0] > terms[$1] }.prefix(top)
            #expect(Array(found.rows[(top * query)..<(top * query + top)]) == Array(order))
            for (place, row) in order.enumerated() {
                #expect(abs(found.probabilities[top * query + place] * sum / terms[row] - 1) <= 1e-5)
                #expect(abs(found.scores[top * query + place] - scores[row]) <= 1e-5)
            }
            #expect(abs(found.logNormalizers[query] - log(sum)) <= 1e-5)
            #expect(abs(found.effectiveCandidates[query] * terms.reduce(0) { $0 + $1 * $1 } / (sum * sum) - 1) <= 1e-5)
        }
        // Encodings as input; the table and the JSON.
        let encoded = try CoupletInvocation(
            "retrieve", "run", "--query", "codes.h5:/first", "--gallery", "codes.h5:/second", "--encoded", "--prior",
            "rows.h5:/prior", "--top",
            "\(top)", "--json", in: folder.path)
        let json = try encoded.json()
        #expect(json["gallery"] as? Int == 300 && json["similarity"] as? String == similarity)
        let objects = try #require(json["queries"] as? [[String: Any]])
        #expect(objects.count == 40 && objects.flatMap { $0["rows"] as? [Int] ?? [] } == found.rows)
        let probabilities = objects.flatMap { $0["probabilities"] as? [Double] ?? [] }
        #expect(probabilities.count == 40 * top && probabilities == found.probabilities)
    }

    /// The first call makes the index, later calls use it, without and with the gallery; with the same bits as without
    /// an index, on any number of threads.
    @Test func anIndexIsMadeOnceAndChecked() throws {
        let folder = try Self.run(objective: "{similarity: cosine, temperature: 0.1}")
        func output(_ name: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(name)"))
        }
        let calls: [[String]] = [
            ["--gallery", "rows.h5:/second"], ["--gallery", "rows.h5:/second", "--index", "g.index"],
            ["--index", "g.index", "--threads", "3"],
            ["--gallery", "rows.h5:/second", "--index", "g.index", "--threads", "1"],
        ]
        for (number, call) in calls.enumerated() {
            let result = try CoupletInvocation(
                arguments: ["retrieve", "run", "--query", "rows.h5:/first", "--output", "\(number).h5"] + call,
                in: folder.path)
            #expect(result.exitCode == 0, "\(result.errors)")
            #expect(try output("\(number).h5") == output("0.h5"), "\(call)")
        }
        // A number in the middle of the gallery changes: the index is refused, with and without the gallery.
        let whole = "\(folder.path)/rows.h5"
        try FileManager.default.copyItem(atPath: whole, toPath: "\(folder.path)/kept.h5")
        let rows = try HDF5File(reading: whole), other = try HDF5File(creating: "\(folder.path)/other.h5")
        for name in try rows.datasetNames {
            let values = try rows.readFloats(name)
            if name == "/second" { values.pointer[3 * 177 + 1] += 1 }
            try other.write(name, values)
        }
        try other.close()
        try rows.close()
        for (path, code) in [("other", Int32(65)), ("kept", 0)] {
            try FileManager.default.removeItem(atPath: "\(folder.path)/rows.h5")
            try FileManager.default.copyItem(
                atPath: "\(folder.path)/\(path).h5", toPath: "\(folder.path)/rows.h5")
            for call in [["--gallery", "rows.h5:/second", "--index", "g.index"], ["--index", "g.index"]] {
                let found = try CoupletInvocation(
                    arguments: ["retrieve", "run", "--query", "rows.h5:/first"] + call, in: folder.path)
                #expect(found.exitCode == code, "\(path) \(call): \(found.errors)")
                #expect(code == 0 || found.errors.contains("the gallery has changed since"), "\(found.errors)")
            }
        }
        let table = try Self.retrieve(folder, "--index", "g.index", "--top", "2")
        #expect(
            table.output.hasPrefix("query 0: ")
                && table.output.contains("… and 20 more queries: ask for --json or --output"))
        #expect(table.output.split(separator: "\n").filter { $0.hasPrefix("query") }.count == 20)

        let changed = try Self.retrieve(folder, "--gallery", "rows.h5:/bad", "--index", "g.index")
        #expect(
            changed.exitCode == 65 && changed.errors.contains("g.index: was made of another gallery"),
            "\(changed.errors)")
        let older = try Self.retrieve(folder, "--index", "g.index", "--checkpoint", "2")
        #expect(
            older.exitCode == 65 && older.errors.contains("was made by another checkpoint, of step 3"),
            "\(older.errors)")
        let missing = try Self.retrieve(folder, "--index", "h.index")
        #expect(
            missing.exitCode == 65 && missing.errors.contains("h.index: there is no such index yet; give --gallery"),
            "\(missing.errors)")
        let bad = try Self.retrieve(folder, "--gallery", "rows.h5:/bad", "--index", "bad.index", "--threads", "2")
        #expect(
            bad.exitCode == 65 && bad.errors.contains("rows.h5:/bad: row 281 (counted from 0) holds nan"),
            "\(bad.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.contains("bad") })
    }

    @Test func errors() throws {
        let folder = try Self.run(objective: "{similarity: inner_product}")
        let wide = try Self.retrieve(folder, "--gallery", "rows.h5:/second", query: "second")
        #expect(
            wide.exitCode == 65 && wide.errors.contains("rows.h5:/second: its rows have 3 numbers each"),
            "\(wide.errors)")
        let swapped = try Self.retrieve(
            folder, "--gallery", "rows.h5:/first", "--query-modality", "second", "--top", "1", "--json", query: "second"
        )
        #expect(swapped.exitCode == 0 && swapped.output.contains("\"gallery\": 40"), "\(swapped.errors)")
        let many = try Self.retrieve(folder, "--gallery", "rows.h5:/second", "--top", "301", "--json")
        #expect(many.exitCode == 0 && many.output.contains("\"top\": 300"), "\(many.errors)")
        // A quarter of the rows have the weight 0 and are no candidates.
        let weighted = try Self.retrieve(
            folder, "--gallery", "rows.h5:/second", "--prior", "rows.h5:/prior", "--top", "301", "--json")
        #expect(weighted.exitCode == 0 && weighted.output.contains("\"top\": 225"), "\(weighted.errors)")
        let none = try Self.retrieve(folder)
        #expect(none.exitCode == 64 && none.errors.contains("give --gallery, or the --index of one"), "\(none.errors)")
        let raw = try Self.retrieve(folder, "--gallery", "rows.h5:/second", "--encoded")
        #expect(
            raw.exitCode == 65
                && raw.errors.contains("rows.h5:/first: has the shape [40, 4], but encodings of this run are N × 2"),
            "\(raw.errors)")
        let prior = try Self.retrieve(folder, "--gallery", "rows.h5:/second", "--prior", "rows.h5:/first")
        #expect(
            prior.exitCode == 65
                && prior.errors.contains("rows.h5:/first: has 160 weights, but the gallery has 300 rows"),
            "\(prior.errors)")
        let name = try Self.retrieve(folder, "--gallery", "rows.h5:/secnd")
        #expect(name.exitCode == 65 && name.errors.contains("the file has /second, "), "\(name.errors)")
        try folder.write("there.h5", "")
        let taken = try Self.retrieve(folder, "--gallery", "rows.h5:/second", "--output", "there.h5")
        #expect(taken.exitCode == 74 && taken.errors.contains("there.h5: exists already"), "\(taken.errors)")
    }

    @Test func benchReportsSpeed() throws {
        let result = try CoupletInvocation(
            "bench", "retrieve", "--queries", "60", "--gallery", "3000", "--dim", "8", "--top", "5", "--repeat", "2",
            "--threads", "2", "--json")
        let object = try result.json()
        let (seconds, speed) = (object["median_seconds"] as? Double ?? 0, object["gflops"] as? Double ?? 0)
        #expect(abs(speed * seconds * 1e9 - 2 * 60 * 3_000 * 8) <= 1)
        #expect(
            object["gallery"] as? Int == 3_000 && object["workers"] as? Int == 2
                && object["peak_share"] as? Double ?? 0 > 0)
    }
}
