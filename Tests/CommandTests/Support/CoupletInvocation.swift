import CoupletText
import Foundation
import TestSupport
import Testing

/// One invocation of the program, from start to end, as a user runs it.
struct CoupletInvocation {
    /// The exit code; -signal if a signal ended the process.
    let exitCode: Int32
    let output: String
    let errors: String

    /// The program, which the build puts into the folder of the tests' bundle.
    static let path: String = {
        let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let candidates = [folder, folder.deletingLastPathComponent(), Bundle.main.bundleURL]
        return candidates.map { $0.appendingPathComponent("couplet").path }
            .first { FileManager.default.isExecutableFile(atPath: $0) } ?? ".build/release/couplet"
    }()

    init(_ arguments: String..., environment: [String: String] = [:], in folder: String? = nil) throws {
        try self.init(arguments: arguments, environment: environment, in: folder)
    }

    init(arguments: [String], environment: [String: String] = [:], in folder: String? = nil) throws {
        let result = try CompletedProcess([Self.path] + arguments, environment: environment, in: folder)
        (exitCode, output, errors) = (result.exitCode, result.output, result.errors)
    }

    /// The JSON object on standard output. Expects an exit code of 0.
    func json(at location: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        #expect(exitCode == 0, "\(errors)", sourceLocation: location)
        return try jsonObject(output)
    }
}

/// A shell script, from start to end, with the program in PATH.
struct ShellScript {
    let exitCode: Int32
    /// Standard output and standard error in one text.
    let output: String

    /// Runs a script by bash, for at most `seconds`.
    init(_ script: String, in folder: String, seconds: Int = 120) throws {
        let programs = URL(fileURLWithPath: CoupletInvocation.path).deletingLastPathComponent().path
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let result = try CompletedProcess(
            ["timeout", "\(seconds)", "bash", "-euc", "exec 2>&1\n" + script],
            environment: ["PATH": "\(programs):\(path)"], in: folder)
        exitCode = result.exitCode
        output = result.output + result.errors
    }
}

/// A JSON object with the types that `JSONSerialization` gives, but with every number read exactly: `JSONSerialization`
/// misreads some decimals by one unit in the last place.
func jsonObject(_ text: String) throws -> [String: Any] {
    func value(_ json: JSONValue) -> Any {
        switch json {
        case .object(let members): Dictionary(uniqueKeysWithValues: members.map { ($0.0, value($0.1)) })
        case .array(let elements): elements.map(value)
        case .string(let text): text
        case .integer(let number): NSNumber(value: number)
        case .number(let number): NSNumber(value: number)
        case .boolean(let flag): NSNumber(value: flag)
        case .null: NSNull()
        }
    }
    return try #require(JSONValue(text: text).flatMap { value($0) as? [String: Any] }, "no JSON object: \(text)")
}

/// The folder of the package.
let packageFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .path
