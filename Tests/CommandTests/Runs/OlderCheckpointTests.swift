import CoupletStorage
import CoupletText
import Foundation
import TestSupport
import Testing

/// Runs whose checkpoints have an older format version: every command reads their parameters, but a resume and a
/// replay, whose bits would differ, are refused. The fixtures are runs of the program that wrote the format, with its
/// evaluation.
@Suite struct OlderCheckpointTests {
    /// A format version with its fixtures.
    struct Format: CustomTestStringConvertible {
        let version: Int
        /// The program that wrote it.
        let writer: String
        /// The digest of the run gaussian.
        let digest: String
        /// Why a resume has other bits.
        let reason: String

        var testDescription: String { "format \(version)" }
        var fixtures: String { "\(packageFolder)/Tests/CommandTests/Fixtures/format-\(version)" }
    }

    static let formats = [
        Format(
            version: 1, writer: "couplet 0.1.0",
            digest: "6c96f5345a9cdb31c653d1b31df81b2a3250974519cfbee106e32991a97fbd7f",
            reason: "since format 2 matrix products"),
        Format(
            version: 2, writer: "couplet 0.2.0",
            digest: "3db2d22294d2046122874b18e47765f84aa037921360837b5ccd0324f77e43ac",
            reason: "since format 3 the loss"),
    ]

    /// Copies of the runs, because `evaluate` writes into a run.
    private let folder = TemporaryFolder()

    private func copyRuns(_ format: Format) throws {
        for run in ["gaussian", "labels", "latent"] {
            try FileManager.default.copyItem(atPath: "\(format.fixtures)/\(run)", toPath: folder.file(run))
        }
        try FileManager.default.copyItem(
            atPath: "\(format.fixtures)/labels/rows.h5", toPath: folder.file("rows.h5"))
    }

    private func couplet(_ arguments: String...) throws -> CoupletInvocation {
        try CoupletInvocation(arguments: arguments, in: folder.path)
    }

    /// The names and contents of all files under the folder.
    private func files() throws -> [String: Data] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        return try Dictionary(
            uniqueKeysWithValues: paths.map { path in
                let isFolder = (try? FileManager.default.contentsOfDirectory(atPath: folder.file(path))) != nil
                return (path, isFolder ? Data() : try Data(contentsOf: URL(fileURLWithPath: folder.file(path))))
            })
    }

    /// All numbers in a JSON value, by path.
    private static func numbers(_ json: JSONValue, _ path: String = "") -> [String: Double] {
        switch json {
        case .object(let members):
            members.reduce(into: [:]) { $0.merge(numbers($1.1, "\(path)/\($1.0)")) { $1 } }
        case .integer(let number): [path: Double(number)]
        case .number(let number): [path: number]
        default: [:]
        }
    }

    /// The figures that the writer printed. They are of other samples and scores by their rounding only; a rank may
    /// move by one place where two scores are nearly equal.
    @Test(arguments: formats, ["gaussian", "labels", "latent"])
    func evaluateGivesTheFiguresOfItsWriter(format: Format, run: String) throws {
        try copyRuns(format)
        let expected = Self.numbers(
            try #require(
                JSONValue(text: try String(contentsOfFile: folder.file("\(run)/evaluation.json"), encoding: .utf8))))
        #expect(expected.count >= 14)
        let evaluated = try couplet("evaluate", run, "--json")
        #expect(evaluated.exitCode == 0, "\(evaluated.errors)")
        let found = Self.numbers(try #require(JSONValue(text: evaluated.output)))
        // Later versions have more figures.
        #expect(Set(found.keys).isSuperset(of: expected.keys))
        for (path, number) in expected {
            let tolerance =
                path.contains("median_rank") ? 0.51 : path.contains("recall") || path.contains("top1") ? 0.0079 : 1e-4
            let difference = abs((found[path] ?? .nan) - number)
            #expect(difference <= tolerance, "\(path): \(found[path] ?? .nan), not \(number)")
        }
    }

    @Test(arguments: formats) func otherCommandsReadIt(format: Format) throws {
        try copyRuns(format)
        let shown = try couplet("inspect", "gaussian", "--json").json()
        #expect(shown["format_version"] as? Int == format.version && shown["written_by"] as? String == format.writer)
        #expect(shown["digest"] as? String == format.digest)
        let queries = try couplet("data", "export", "gaussian/config.yaml", "--output", "pairs.h5", "--count", "8")
        #expect(queries.exitCode == 0, "\(queries.errors)")
        for arguments in [
            ["encode", "gaussian", "--modality", "first", "--input", "pairs.h5:/first", "--output", "codes.h5:/first"],
            ["retrieve", "gaussian", "--query", "pairs.h5:/first", "--gallery", "pairs.h5:/second", "--top", "2"],
            ["retrieve", "labels", "--query", "rows.h5:/first", "--gallery", "rows.h5:/second", "--top", "2"],
            ["sample", "gaussian", "--given", "second", "--query", "pairs.h5", "--count", "3", "--gallery-size", "64"],
            ["report", "gaussian", "--output", "report.html"],
        ] {
            let result = try CoupletInvocation(arguments: arguments, in: folder.path)
            #expect(result.exitCode == 0 && !result.output.contains("error"), "\(arguments): \(result.errors)")
        }
        // The label that the checkpoint names for a row of its class.
        let found = try couplet(
            "retrieve", "labels", "--query", "rows.h5:/first", "--gallery", "rows.h5:/second", "--top", "1", "--json")
        #expect(found.exitCode == 0 && found.output.contains("1000000"), "\(found.output.prefix(400))")
    }

    @Test(arguments: formats) func aNewRunStartsFromItsEncoders(format: Format) throws {
        try copyRuns(format)
        let text = try String(contentsOfFile: folder.file("latent/config.yaml"), encoding: .utf8)
        try folder.write("new.yaml", text + "initialize: {from: latent, freeze: [first]}\n")
        let trained = try couplet("train", "new.yaml", "--output", "new", "--progress", "none")
        #expect(trained.exitCode == 0, "\(trained.errors)")
        let store = CheckpointStore(folder: folder.file("new/checkpoints"))
        let old = CheckpointStore(folder: folder.file("latent/checkpoints"))
        let (after, before) = (try store.read(store.path(ofStep: 40)), try old.read(old.path(ofStep: 40)))
        #expect(after.formatVersion == 3 && before.formatVersion == format.version)
        let path = "first/0/weight"
        #expect(after.parameter(path)?.tensor?.values == before.parameter(path)?.tensor?.values)
        // The new run's own checkpoint can be resumed and replayed.
        let replayed = try couplet("replay", "new", "--step", "40", "--json")
        #expect(replayed.exitCode == 0 && replayed.output.contains("\"same_bits\""), "\(replayed.errors)")
    }

    /// Says what wrote the checkpoint, in which version, why the bits differ, and what to do.
    private static func expectReason(_ result: CoupletInvocation, _ action: String, _ format: Format) {
        #expect(result.exitCode == 65, "\(result.output)\(result.errors)")
        for part in [
            "step-", "\(format.writer) wrote it in checkpoint format \(format.version)", "writes format 3",
            "cannot \(action) it with", format.reason, "since format 3 the loss", "with the release that wrote it",
        ] {
            #expect(result.errors.contains(part), "\(part): \(result.errors)")
        }
    }

    @Test(arguments: formats) func resumeAndReplayAreRefused(format: Format) throws {
        try copyRuns(format)
        let before = try files()
        for run in ["gaussian", "labels", "latent"] {
            let resumed = try couplet(
                "train", "\(run)/config.yaml", "--output", run, "--resume", "--set", "train.steps=200")
            Self.expectReason(resumed, "resume", format)
            #expect(resumed.errors.contains("initialize.from"), "\(resumed.errors)")
            // Also from the initial parameters, which have no version.
            Self.expectReason(try couplet("replay", run, "--step", "5"), "replay", format)
        }
        if BackgroundJob.hasMPI {
            let config = folder.file("gaussian/config.yaml")
            let ranks = try BackgroundJob(["train", config, "--output", folder.file("gaussian"), "--resume"], ranks: 2)
            #expect(
                ranks.end(within: 30) == 65 && ranks.errors.contains("checkpoint format \(format.version)"),
                "\(ranks.errors)")
        }
        let after = try files()
        #expect(Set(after.keys) == Set(before.keys))
        for (path, content) in before { #expect(after[path] == content, "\(path) has changed") }
    }

    /// A damaged checkpoint in front of it does not hide it.
    @Test(arguments: formats) func anOlderCheckpointIsNeverRenamed(format: Format) throws {
        try copyRuns(format)
        let checkpoints = folder.file("gaussian/checkpoints"), store = CheckpointStore(folder: checkpoints)
        try folder.write("gaussian/checkpoints/step-00000150.h5", "no checkpoint")
        let refused = try couplet("train", "gaussian/config.yaml", "--output", "gaussian", "--resume")
        Self.expectReason(refused, "resume", format)
        #expect(try store.list() == [100, 150])
        #expect(throws: (any Error).self) { try store.newestVerified() }
        #expect(FileManager.default.fileExists(atPath: store.path(ofStep: 100)))
    }

    @Test(arguments: formats) func overwriteStartsAnew(format: Format) throws {
        try copyRuns(format)
        let result = try couplet(
            "train", "gaussian/config.yaml", "--output", "gaussian", "--overwrite", "--progress", "none")
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(try couplet("inspect", "gaussian", "--json").json()["format_version"] as? Int == 3)
        let replayed = try couplet("replay", "gaussian", "--step", "100", "--json")
        #expect(try replayed.json()["verdict"] as? String == "same_bits")
    }

    /// The results of a sweep are of one arithmetic.
    @Test(arguments: formats) func aSweepWithATrialOfItIsNotResumed(format: Format) throws {
        try copyRuns(format)
        try folder.write(
            "sweep.yaml",
            """
            base: gaussian/config.yaml
            goal: maximize
            metric: retrieval.first_to_second.recall_at_1
            vary: {seed: [1, 2]}

            """)
        let done = try couplet("sweep", "sweep.yaml", "--output", "s")
        #expect(done.exitCode == 0, "\(done.errors)")
        let trials = folder.file("s/trials")
        let trial = try #require(try FileManager.default.contentsOfDirectory(atPath: trials).sorted().first)
        let checkpoint = "\(trials)/\(trial)/checkpoints/step-00000100.h5"
        try FileManager.default.removeItem(atPath: checkpoint)
        try FileManager.default.copyItem(
            atPath: folder.file("gaussian/checkpoints/step-00000100.h5"), toPath: checkpoint)
        let before = try files()
        Self.expectReason(try couplet("sweep", "sweep.yaml", "--output", "s", "--resume"), "resume", format)
        #expect(try files() == before)
    }
}
