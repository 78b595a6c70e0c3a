import Couplet
import Foundation
import TestSupport
import Testing

/// `couplet config --keys`, and the command's errors.
@Suite struct ConfigCommandTests {
    /// A key as the command lists it, in two lines.
    private struct ListedKey {
        let name: String, description: String, help: String
    }

    private static func listedKeys() throws -> [ListedKey] {
        let result = try CoupletInvocation("config", "--keys")
        #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        #expect(lines.count.isMultiple(of: 2))
        return stride(from: 0, to: lines.count - 1, by: 2).map { i in
            let parts = lines[i].split(separator: ":", maxSplits: 1).map(String.init)
            return ListedKey(name: parts[0], description: parts.count > 1 ? parts[1] : "", help: lines[i + 1])
        }
    }

    @Test func everyKeyHasATypeADefaultAndHelp() throws {
        let keys = try Self.listedKeys()
        #expect(keys.count > 80)
        for key in keys {
            let parts = key.description.components(separatedBy: "; ")
            #expect(key.name.allSatisfy { $0.isLowercase || "._[]".contains($0) || $0.isNumber }, "\(key)")
            #expect(parts[0].hasPrefix(" ") && parts[0].count > 3, "\(key)")
            // A block has the defaults of its keys.
            let isBlock = parts[0].hasSuffix("block") || [" metric", " layer"].contains(parts[0])
            #expect(
                isBlock || parts.contains("required") || parts.contains { $0.hasPrefix("default ") && $0.count > 8 },
                "\(key)")
            #expect(!parts.contains("default null") || parts[0].hasSuffix("or null"), "\(key)")
            #expect(key.help.hasPrefix("    ") && key.help.hasSuffix("."), "\(key)")
        }
        // The defaults are those of a config without the key.
        let minimal = """
            data: {source: gaussian, dimensions: [4, 3], correlations: [0.8, 0.5]}
            encoders: {embedding: 2, first: {kind: mlp, widths: [4]}, second: {kind: linear}}
            batch: {size: 64}
            train: {steps: 10}

            """
        let resolved = try ConfigurationSettings(
            yaml: try Configuration.parse(text: minimal, name: "c").resolvedYAML, name: "resolved")
        let given = ["data.source", "data.dimensions", "data.correlations", "encoders.embedding", "batch.size"]
        var compared = 0
        for (key, value) in resolved.settings.map({ ($0.key, $0.value) }) where !given.contains(key) {
            let listed = keys.filter { $0.name == key }.flatMap { $0.description.components(separatedBy: "; ") }
            let defaults = listed.filter { $0.hasPrefix("default ") }.map { $0.dropFirst(8) }
            // A default in words depends on other keys.
            guard !defaults.isEmpty, !defaults.contains(where: { $0.contains(" ") && !$0.contains("MiB") }) else {
                continue
            }
            let isDefault = defaults.contains { normalised($0) == normalised(value) }
            #expect(isDefault || key.hasPrefix("encoders.first"), "\(key): \(value), listed \(defaults)")
            compared += isDefault ? 1 : 0
        }
        #expect(compared > 25, "\(compared)")
    }

    private func normalised(_ value: some StringProtocol) -> String {
        value.replacingOccurrences(of: " ", with: "").replacingOccurrences(of: "\"", with: "")
    }

    /// The keys that the configs of the package have after their defaults are filled in.
    @Test func everyKeyOfTheConfigsIsListed() throws {
        let listed = Set(try Self.listedKeys().map(\.name))
        var found = 0
        for folder in ["configs", "configs/studies"] {
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(packageFolder)/\(folder)").sorted()
            for file in files where file.hasSuffix(".yaml") {
                let path = "\(packageFolder)/\(folder)/\(file)"
                let text = try String(contentsOfFile: path, encoding: .utf8)
                // A sweep has keys of its own.
                if text.contains("\nvary:") { continue }
                let resolved = try Configuration.load(path: path).resolvedYAML
                let settings = try ConfigurationSettings(yaml: resolved, name: file).settings
                for setting in settings { #expect(listed.contains(setting.key), "\(file): \(setting.key)") }
                found += settings.count
            }
        }
        #expect(found > 200, "\(found)")
    }

    @Test func theConfigOrTheKeysButNotBoth() throws {
        let neither = try CoupletInvocation("config")
        #expect(neither.exitCode == 64 && neither.output.isEmpty)
        #expect(
            neither.errors.hasPrefix(
                "Error: name a config, list the keys of every config by --keys, or name a --template\n"),
            "\(neither.errors)")
        let both = try CoupletInvocation("config", "--keys", "c.yaml")
        #expect(both.exitCode == 64 && both.output.isEmpty)
        #expect(
            both.errors.hasPrefix(
                "Error: --keys lists the keys of every config; leave out 'c.yaml', or name a key or block\n"),
            "\(both.errors)")
        let help = try CoupletInvocation("config", "--help")
        #expect(help.output.contains("\n  couplet config --keys\n") && help.output.contains("\n  --keys "))
    }

    @Test func aBlockListsItsOwnKeys() throws {
        let all = try CoupletInvocation("config", "--keys").output
        let part = try CoupletInvocation("config", "--keys", "objective")
        let names = part.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map { $0.prefix { $0 != ":" } }
        #expect(part.exitCode == 0 && all.contains(part.output))
        #expect(names.first == "objective" && names.dropFirst().allSatisfy { $0.hasPrefix("objective.") })
        #expect(names.contains("objective.bias.initial"))
        let wrong = try CoupletInvocation("config", "--keys", "objectve")
        #expect(wrong.exitCode == 64 && wrong.errors.contains("did you mean objective? There are name, seed, data,"))
        let inner = try CoupletInvocation("config", "--keys", "learning_rate")
        #expect(inner.exitCode == 64 && inner.errors.contains("did you mean optimizer.learning_rate?"))
    }

    /// `couplet config --keys --markdown > Sources/Couplet/Couplet.docc/ConfigurationKeys.md` writes the page again.
    @Test func thePageOfTheKeysIsCurrent() throws {
        let page = try String(
            contentsOfFile: "\(packageFolder)/Sources/Couplet/Couplet.docc/ConfigurationKeys.md", encoding: .utf8)
        let printed = try CoupletInvocation("config", "--keys", "--markdown")
        #expect(printed.exitCode == 0 && printed.output == page)
        // Each key of the list is an element of the page's lists.
        let elements = page.split(separator: "\n").filter { $0.hasPrefix("- `") }.map {
            $0.dropFirst(3).prefix { $0 != "`" }
        }
        #expect(elements.map(String.init) == (try Self.listedKeys().map(\.name)))
    }

    /// Options of a config that has no part in the list would be without effect.
    @Test(arguments: [["--set", "seed=2"], ["--threads", "2"], ["--ranks", "2"]])
    func optionsOfAConfigNeedOne(_ options: [String]) throws {
        let result = try CoupletInvocation(arguments: ["config", "--keys"] + options)
        #expect(result.exitCode == 64 && result.errors.contains(options[0]), "\(result.output.prefix(80))")
    }
}
