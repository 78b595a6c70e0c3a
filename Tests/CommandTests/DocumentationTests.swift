import Couplet
import Foundation
import TestSupport
import Testing

/// The commands, outputs and links in README.md and in the pages of the DocC catalogue are correct.
@Suite struct DocumentationTests {
    private static let catalogue = "Sources/Couplet/Couplet.docc"

    /// Paths of README.md and of the catalogue's pages, relative to the package.
    static let pages: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(packageFolder)/\(catalogue)")) ?? []
        return ["README.md"] + names.filter { $0.hasSuffix(".md") }.sorted().map { "\(catalogue)/\($0)" }
    }()

    /// Runs the marked blocks of a page in order in one folder, because later blocks use the results of earlier ones.
    @Test(arguments: pages) func quickCommandsRunAsTheyStand(page: String) throws {
        let folder = TemporaryFolder()
        for name in ["configs", "launch"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder.path)/\(name)", withDestinationPath: "\(packageFolder)/\(name)")
        }
        var last: ShellScript?
        for block in try PageBlock.blocks(of: page) {
            if block.marks.contains("literal") {
                #expect(last?.output == block.text + "\n", "\(page)")
            }
            guard block.language == "bash", block.marks.contains("quick") else { continue }
            if block.text.contains("python3"), !Python.isAvailable { return }
            let wanted: Int32 = block.marks.contains("exit 65") ? 65 : 0
            let result = try ShellScript(block.text, in: folder.path)
            #expect(result.exitCode == wanted, "\(page)\n\(block.text)\n\(result.output)")
            last = result
        }
    }

    @Test func theTestsRunTheMarkedBlocks() throws {
        let marked = try Self.pages.map { page in
            try PageBlock.blocks(of: page).filter { $0.marks.contains("quick") }.count
        }
        #expect(Self.pages.count >= 10 && marked.reduce(0, +) >= 14, "\(zip(Self.pages, marked).map { "\($0)" })")
    }

    /// A block of Swift is a file that a test compiles: this target has OwnSource.swift, and another test builds the
    /// package Tests/Extension.
    @Test(arguments: pages) func blocksAreFilesThatTestsCompile(page: String) throws {
        for block in try PageBlock.blocks(of: page) where block.language == "swift" || block.file != nil {
            let file = try #require(block.file, "\(page): no comment names the file of\n\(block.text)")
            #expect(try PageBlock.text(of: file) == block.text + "\n", "\(page) shows another text than \(file)")
        }
    }

    /// The pages show every kind of Tests/Extension, so that each has a tested example.
    @Test func everyKindOfTheExtensionIsOnAPage() throws {
        let shown = try Self.pages.flatMap { try PageBlock.blocks(of: $0) }.compactMap(\.file)
        let folder = "Tests/Extension/Sources/Extension"
        for file in try FileManager.default.contentsOfDirectory(atPath: "\(packageFolder)/\(folder)") {
            let isShown = shown.contains("\(folder)/\(file)")
            let isNamed = try Self.pages.contains { try PageBlock.text(of: $0).contains("`\(folder)/\(file)`") }
            #expect(isShown || isNamed, "\(file)")
        }
    }

    @Test func theExampleLearns() throws {
        let folder = TemporaryFolder()
        let run = try trainOnPoints(output: "\(folder.path)/points")
        let result = try WorkerGroup.launch(exitCode: ExitStatus.code).run(threads: 1) { try run.evaluate($0) }
        let retrieval = try #require(result.retrieval)
        // Chance gives half the gallery.
        #expect(retrieval.firstToSecond.medianRank <= Double(retrieval.gallery) / 50, "\(retrieval)")
        // The command cannot load a source that only this program has.
        let evaluated = try CoupletInvocation("evaluate", "points", in: folder.path)
        #expect(
            evaluated.exitCode == 65 && evaluated.errors.contains("is part of the program that uses it"),
            "\(evaluated.errors)")
    }

    /// Links to files lead to files, and `<doc:Page>` to pages.
    @Test(arguments: pages + ["CONTRIBUTING.md", "CHANGELOG.md"]) func linksLeadSomewhere(page: String) throws {
        let text = try PageBlock.text(of: page),
            folder = URL(fileURLWithPath: "\(packageFolder)/\(page)")
                .deletingLastPathComponent()
        for match in text.matches(of: /\]\(([^)#]+)\)/) where !match.1.hasPrefix("http") {
            let target = folder.appendingPathComponent(String(match.1)).path
            #expect(FileManager.default.fileExists(atPath: target), "\(page) links to \(match.1)")
        }
        for match in text.matches(of: /<doc:(\w+)>/) {
            #expect(Self.pages.contains("\(Self.catalogue)/\(match.1).md"), "\(page) links to \(match.1)")
        }
    }

    /// Paths of sources that a page names exist.
    @Test(arguments: pages + ["CONTRIBUTING.md"]) func namedSourcesExist(page: String) throws {
        for match in try PageBlock.text(of: page).matches(of: /`((?:Sources|Tests|configs|launch)\/[\w\/.+-]+)`/) {
            #expect(
                FileManager.default.fileExists(atPath: "\(packageFolder)/\(match.1)"), "\(page) names \(match.1)")
        }
    }

    @Test func everyModuleIsInTheArchitecture() throws {
        let modules = try FileManager.default.contentsOfDirectory(atPath: "\(packageFolder)/Sources")
        let architecture = try PageBlock.text(of: "\(Self.catalogue)/Architecture.md")
        for module in modules { #expect(architecture.contains("`\(module)`"), "\(module)") }
    }
}
