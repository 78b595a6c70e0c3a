import Foundation
import Testing

/// What no C file and no build setting may have, because results would depend on the compiler or on the CPU.
@Suite struct ArithmeticSourceTests {
    private static let kernels = "\(packageFolder)/Sources/CCoupletKernels"

    /// What a C file may not have, and why.
    private static let forbidden: [(pattern: String, reason: String)] = [
        (#"fast-?math|-Ofast|\breassociate\b|clang\s+fp\b|FP_CONTRACT\s+(ON|DEFAULT)"#, "other sums than written"),
        (#"\b_mm\w*_(maskz?_)?r(cp|sqrt)\w*|\bv(rsqrte|recpe)\w*"#, "estimates differ between CPUs"),
        (#"\bf(max|min)f?\s*\(|__builtin_(elementwise_)?f?(max|min)\w*"#, "maximum and minimum are compare-and-select"),
        (
            #"__builtin_(elementwise_)?(exp([f2lm]\w*)?|(log|pow|sin|cos|tan|erf)\w*)\s*\("#,
            "elementary functions are those of Couplet"
        ),
        (
            #"__builtin_reduce_(f?add|f?mul|f?max|f?min)\w*|_mm\d*_reduce_(add|mul)_p\w+"#,
            "sums without a written order"
        ),
    ]

    private static func withoutComments(_ code: String) -> String {
        code.replacing(/\/\/[^\n]*/, with: "").replacing(/\/\*[\s\S]*?\*\//, with: "")
    }

    private static func findings(in code: String) throws -> [String] {
        let code = withoutComments(code)
        return try forbidden.compactMap { pattern, reason in
            try code.firstMatch(of: Regex(pattern)).map { "\(code[$0.range]): \(reason)" }
        }
    }

    private static func sources() throws -> [String: String] {
        let paths = try #require(FileManager.default.enumerator(atPath: kernels))
        var sources: [String: String] = [:]
        for case let path as String in paths where path.hasSuffix(".c") || path.hasSuffix(".h") {
            sources[path] = try String(contentsOfFile: "\(kernels)/\(path)", encoding: .utf8)
        }
        return sources
    }

    @Test func noKernelLeavesArithmeticToTheCompiler() throws {
        let sources = try Self.sources()
        #expect(sources.count > 20)
        for (path, code) in sources { #expect(try Self.findings(in: code) == [], "\(path)") }
    }

    @Test(arguments: [
        "#pragma clang fp contract(fast)", "#pragma STDC FP_CONTRACT ON",
        "x = _mm256_rsqrt_ps(x);", "x = _mm512_maskz_rcp14_ps(m, x);", "y = vrsqrteq_f32(x);", "y = fmaxf(a, b);",
        "y = __builtin_elementwise_max(a, b);", "y = __builtin_expf(x);", "y = __builtin_elementwise_exp(x);",
        "s = __builtin_reduce_add(v);", "s = _mm512_reduce_add_ps(v);", "#pragma clang fp reassociate(on)",
    ])
    func theForbiddenIsFound(code: String) throws {
        #expect(try Self.findings(in: code).count >= 1)
        #expect(try Self.findings(in: "// \(code)\nint f(void);") == [])
    }

    /// Every C file that computes with floating-point numbers turns contraction off, itself or by a header.
    @Test func noExpressionIsContracted() throws {
        let sources = try Self.sources()
        func turnsContractionOff(_ path: String, _ seen: Set<String> = []) -> Bool {
            guard !seen.contains(path), let code = sources[path].map(Self.withoutComments) else { return false }
            if code.contains(/#pragma STDC FP_CONTRACT OFF/) { return true }
            return code.matches(of: /#\s*include\s*"([^"]+)"/).contains { match in
                let name = String(match.1)
                return turnsContractionOff(name, seen.union([path])) || turnsContractionOff("include/\(name)", [path])
            }
        }
        for (path, code) in sources where path.hasSuffix(".c") {
            // A file that only passes pointers on does not compute.
            let code = Self.withoutComments(code).replacing(/sizeof\(\w+\)/, with: "")
            guard code.contains(/\b(float|double)\b(?!\s*\*)/) else { continue }
            #expect(turnsContractionOff(path), "\(path) has no #pragma STDC FP_CONTRACT OFF")
        }
    }

    @Test(arguments: ["Package.swift", "Tests/Extension/Package.swift"])
    func noBuildSettingChangesArithmetic(manifest: String) throws {
        let text = try String(contentsOfFile: "\(packageFolder)/\(manifest)", encoding: .utf8)
        #expect(!text.contains(/unsafeFlags|cSettings|fast-?math|-Ofast|-march|-enable-fp/))
    }

    /// The page on reproducibility names tests that exist.
    @Test func everyRuleHasATest() throws {
        let page = try String(
            contentsOfFile: "\(packageFolder)/Sources/Couplet/Couplet.docc/Reproducibility.md", encoding: .utf8)
        let rows = page.split(separator: "\n").drop { $0 != "| rule | tests |" }.dropFirst(2)
        #expect(rows.count >= 14)
        let paths = try #require(FileManager.default.enumerator(atPath: "\(packageFolder)/Tests"))
        let files = Set(paths.compactMap { ($0 as? String)?.split(separator: "/").last.map(String.init) })
        for row in rows {
            let names = row.matches(of: /`(\w+Tests)`/).map { "\($0.1).swift" }
            #expect(!names.isEmpty, "\(row)")
            for name in names { #expect(files.contains(name), "Tests has no \(name)") }
        }
    }
}
