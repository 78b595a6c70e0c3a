import Foundation
import TestSupport
import Testing

/// launch/symbols finds what could have other bits on another CPU or with another C library.
@Suite struct SymbolsTests {
    private static func symbols(_ arguments: [String]) throws -> CompletedProcess {
        try CompletedProcess(["\(packageFolder)/launch/symbols"] + arguments)
    }

    @Test func theLibraryCallsNothingWhoseBitsCouldDiffer() throws {
        let build = URL(fileURLWithPath: CoupletInvocation.path).deletingLastPathComponent().path
        let result = try Self.symbols([build])
        #expect(result.exitCode == 0, "\(result.errors)")
    }

    /// The result for a module of a package with one C file, which clang compiles.
    private static func symbols(
        ofC code: String, flags: [String] = [], source name: String = "kernel.c"
    ) throws -> CompletedProcess {
        let files = TemporaryFolder()
        let folder = files.file("build/MyLosses.build"), source = files.file("Sources/MyLosses/\(name)")
        for parent in [folder, URL(fileURLWithPath: source).deletingLastPathComponent().path] {
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        }
        try code.write(toFile: source, atomically: true, encoding: .utf8)
        let object = "\(folder)/\(URL(fileURLWithPath: name).lastPathComponent).o"
        let compiled = try CompletedProcess(
            ["clang", "-O2"] + flags + [
                "-MD", "-MT", "dependencies", "-MF", String(object.dropLast(2)) + ".d", "-c", source, "-o", object,
            ])
        try #require(compiled.exitCode == 0, "\(compiled.errors)")
        return try symbols([files.file("build"), "--module", "MyLosses"])
    }

    @Test(arguments: [
        ("float f(float x) { return expf(x); }", "expf of libm"),
        ("double f(double x) { return pow(x, 3.1); }", "pow of libm"),
        ("float f(float x) { return fmaxf(x, tanhf(x)); }", "tanhf of libm"),
        ("double g(double x); double f(double x) { return g(x) + lgamma(x); }", "lgamma of libm"),
        ("double _ZGVdN4v_exp(double x); double f(double x) { return _ZGVdN4v_exp(x); }", "_ZGVdN4v_exp of a vector"),
        (
            "float cblas_sdot(int n, const float *x, int i, const float *y, int j); "
                + "float f(const float *x) { return cblas_sdot(9, x, 1, x, 1); }", "cblas_sdot of BLAS"
        ),
        ("void dpotrf_(char *u); void f(void) { dpotrf_(\"U\"); }", "dpotrf_ of BLAS or LAPACK"),
    ])
    func forbiddenCallsAreFound(code: String, finding: String) throws {
        let result = try Self.symbols(ofC: "#include <math.h>\n" + code)
        #expect(result.exitCode == 1, "\(result.errors)")
        let lines = result.errors.split(separator: "\n")
        // The object, the symbol and the source file.
        #expect(
            lines.contains {
                $0.contains("/Sources/MyLosses/kernel.c calls \(finding)") && $0.contains("MyLosses.build/kernel.c.o")
            }, "\(result.errors)")
    }

    @Test func exactFunctionsAreAllowed() throws {
        let result = try Self.symbols(
            ofC: """
                #include <math.h>
                double f(double x) { return fma(x, x, sqrt(x)) + floor(x) + ceil(x) + trunc(x) + rint(x); }
                float g(float x) { return fmaf(x, x, sqrtf(x)) + floorf(x) + ceilf(x) + truncf(x) + rintf(x); }
                double expected(double x); double h(double x) { return expected(x); }
                """, flags: ["-fno-builtin"])
        #expect(result.exitCode == 0, "\(result.errors)")
        #expect(result.errors.contains("1 objects of 1 modules call nothing whose bits could differ"))
    }

    #if arch(x86_64)
        @Test func estimatesAreFound() throws {
            let result = try Self.symbols(
                ofC: "#include <immintrin.h>\n__m128 f(__m128 x) { return _mm_rsqrt_ps(_mm_rcp_ps(x)); }")
            #expect(result.exitCode == 1)
            #expect(result.errors.contains("instruction rsqrtps") && result.errors.contains("instruction rcpps"))
        }
    #endif

    /// Large factorisations of regressions may call OpenBLAS, in one folder; libm not even there.
    @Test func oneFolderMayCallLAPACK() throws {
        let lapack = "void dpotrf_(char *u); void f(void) { dpotrf_(\"U\"); }"
        let folder = "Sources/Tensors/LinearAlgebra/OpenBLAS"
        #expect(try Self.symbols(ofC: lapack, source: "\(folder)/a.c").exitCode == 0)
        let libm = "double exp(double x); double g(double x) { return exp(x); }"
        #expect(try Self.symbols(ofC: lapack + libm, source: "\(folder)/a.c").exitCode == 1)
    }

    @Test func aModuleWithoutObjectsIsAnError() throws {
        let result = try Self.symbols([TemporaryFolder().path, "--module", "MyLosses"])
        #expect(result.exitCode == 66 && result.errors.contains("no objects of MyLosses"), "\(result.errors)")
        #expect(try Self.symbols(["--modules", "A"]).exitCode == 64)
    }
}
