import Foundation
import TestSupport
import Testing

/// launch/install, and what it installs: completions that the shells load, and pages that man shows.
@Suite struct InstallTests {
    private static func install(_ arguments: String..., in folder: String? = nil) throws -> CompletedProcess {
        try CompletedProcess(
            ["\(packageFolder)/launch/install", "--program", CoupletInvocation.path] + arguments, in: folder)
    }

    private static func has(_ program: String) -> Bool {
        (try? CompletedProcess(["which", program]).exitCode) == 0
    }

    private static func files(_ folder: TemporaryFolder) -> [String] {
        ((try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []).filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: folder.file(path), isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }

    /// An uninstall leaves nothing, and files of others as they were.
    @Test func installsAndUninstalls() throws {
        let folder = TemporaryFolder()
        try folder.write("share/man/man1/other.1", "other")
        let installed = try Self.install("--prefix", folder.path)
        #expect(installed.exitCode == 0, "\(installed.errors)")
        let files = Self.files(folder)
        for file in [
            "bin/couplet", "share/man/man1/couplet.1", "share/man/man1/couplet-data-import.1",
            "share/bash-completion/completions/couplet", "share/zsh/site-functions/_couplet",
            "share/fish/vendor_completions.d/couplet.fish",
        ] {
            #expect(files.contains(file), "\(file)")
        }
        let version = try CompletedProcess([folder.file("bin/couplet"), "--version"])
        #expect(version.exitCode == 0 && !version.output.isEmpty)
        // A second install replaces the first one.
        #expect(try Self.install("--prefix", folder.path).exitCode == 0 && Self.files(folder) == files)
        let uninstalled = try Self.install("--prefix", folder.path, "--uninstall")
        #expect(uninstalled.exitCode == 0 && Self.files(folder) == ["share/man/man1/other.1"], "\(uninstalled.errors)")
        let again = try Self.install("--prefix", folder.path, "--uninstall")
        #expect(again.exitCode == 74 && again.errors.contains("installed-files: no such file"))
    }

    @Test func anUnwritablePrefixAndWrongOptionsAreErrors() throws {
        let prefix = try Self.install("--prefix", "/proc/couplet")
        #expect(prefix.exitCode == 74 && prefix.errors.contains("cannot write to /proc/couplet; name another folder"))
        let folder = TemporaryFolder()
        try folder.write("file", "")
        #expect(try Self.install("--prefix", folder.file("file")).exitCode == 74)
        #expect(try Self.install("--prefx", "/tmp").exitCode == 64)
        #expect(try Self.install("--prefix").exitCode == 64)
    }

    /// groff warns about nothing, and each page has the options of --help.
    @Test func thePagesRenderWithoutWarnings() throws {
        let folder = TemporaryFolder()
        let written = try CoupletInvocation("manual", "--output", folder.file("man1"))
        #expect(written.exitCode == 0, "\(written.errors)")
        let pages = Self.files(folder)
        #expect(pages.count > 30 && pages.contains("man1/couplet-bench-loss.1"))
        guard Self.has("groff") else { return }
        for page in pages {
            let shown = try CompletedProcess(["groff", "-man", "-Tutf8", "-ww", "-P-cbou", folder.file(page)])
            #expect(shown.exitCode == 0 && shown.errors.isEmpty, "\(page): \(shown.errors)")
            #expect(shown.output.contains("NAME") && shown.output.contains("OPTIONS"), "\(page)")
        }
        let train = try CompletedProcess(
            ["groff", "-man", "-Tutf8", "-P-cbou", folder.file("man1/couplet-train.1")]
        ).output
        let help = try CoupletInvocation("train", "--help").output
        for option in ["--set", "--output", "--resume", "--overwrite", "--threads", "--progress", "--timeout"] {
            #expect(help.contains(option) && train.contains("       \(option)"), "\(option)\n\(train)")
        }
        let refused = try CoupletInvocation("manual", "--output", "/proc/x/man1")
        #expect(refused.exitCode == 74 && refused.errors.contains("cannot make the folder"))
    }

    /// What a shell offers after `couplet swe` and `couplet train --over`; nil if it is not on this machine.
    private static func offers(_ shell: String, _ words: [String], _ folder: TemporaryFolder) throws -> String? {
        guard has(shell) else { return nil }
        let script = folder.file(
            [
                "bash": "share/bash-completion/completions/couplet", "zsh": "share/zsh/site-functions/_couplet",
                "fish": "share/fish/vendor_completions.d/couplet.fish",
            ][shell]!)
        let line = words.joined(separator: " ")
        let program =
            switch shell {
            case "bash":
                """
                source '\(script)'; COMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1); COMP_LINE='\(line)'
                COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_KEY=9
                function=$(complete -p couplet | sed 's/.*-F \\([^ ]*\\).*/\\1/')
                $function couplet '\(words.last!)' '\(words[words.count - 2])'
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            case "fish": "source '\(script)'; complete -C '\(line)'"
            default:
                // The completion system works in an interactive shell only: the script must load and define it.
                "autoload -Uz compinit; compinit -D -u; source '\(script)' 2>/dev/null; whence -w _couplet"
            }
        let result = try CompletedProcess(
            shell == "zsh" ? ["zsh", "-fc", program] : [shell, "-c", program],
            environment: ["HOME": folder.path, "PATH": "\(folder.file("bin")):/usr/bin:/bin"])
        #expect(result.errors.isEmpty, "\(shell): \(result.errors)")
        return result.output
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func completionsLoadAndComplete(_ shell: String) throws {
        let folder = TemporaryFolder()
        #expect(try Self.install("--prefix", folder.path).exitCode == 0)
        guard let command = try Self.offers(shell, ["couplet", "swe"], folder),
            let option = try Self.offers(shell, ["couplet", "train", "--over"], folder)
        else { return }
        if shell == "zsh" {
            #expect(command.contains("_couplet: function"))
        } else {
            #expect(command.contains("sweep") && !command.contains("train"), "\(command)")
            #expect(option.contains("--overwrite") && !option.contains("--threads"), "\(option)")
        }
    }
}
