import CoupletCommunication
import CoupletFiles
import CoupletTensors
import CoupletText

/// Times matrix products C = A B in single precision. Every worker multiplies matrices of its own.
public struct ProductBenchmark: Sendable {
    /// Which operand lies transposed in memory: the first letter is for A, the second for B.
    public enum Form: String, CaseIterable, Sendable {
        case nn, nt, tn, tt
    }

    /// Whose products are timed.
    public enum Library: String, CaseIterable, Sendable {
        case couplet
        /// A yardstick. Couplet computes nothing with it in single precision.
        case openblas
    }

    /// m and n of C, m × n.
    public let rows: Int
    public let columns: Int
    /// k: the length of each sum.
    public let inner: Int
    public let form: Form
    public let library: Library
    public let warmup: Int
    public let repetitions: Int

    public init(
        rows: Int, columns: Int, inner: Int, form: Form, library: Library, warmup: Int, repetitions: Int
    ) {
        precondition(
            rows > 0 && columns > 0 && inner > 0 && warmup >= 0 && repetitions > 0,
            "\(repetitions) products of \(rows) × \(inner) and \(inner) × \(columns) after \(warmup)")
        self.rows = rows
        self.columns = columns
        self.inner = inner
        self.form = form
        self.library = library
        self.warmup = warmup
        self.repetitions = repetitions
    }

    /// The largest number of floats of a matrix.
    public static let largestMatrix = 1 << 29

    private var operations: Double { 2 * Double(rows) * Double(columns) * Double(inner) }

    /// Runs the benchmark. Every worker calls it.
    /// - Returns: the results, the same on every worker; a repetition is one product on each worker.
    /// - Throws: `CollectiveError` if a worker failed.
    public func run(on communicator: any Communicator) throws -> BenchmarkResult {
        let (aForm, bForm) = forms
        let a = Tensor(aForm == .asIs ? [rows, inner] : [inner, rows])
        let b = Tensor(bForm == .asIs ? [inner, columns] : [columns, inner])
        let c = Tensor([rows, columns])
        let philox = Philox(seed: 1)
        philox.fillNormal(a, .source, number: UInt64(2 * communicator.rank))
        philox.fillNormal(b, .source, number: UInt64(2 * communicator.rank + 1))
        // The peak is measured first, which also brings the cores up to their full clock.
        let peak = try FusedMultiplyAddPeak.measure(on: communicator)
        // Reading the clock and meeting the other workers take about as long as a small product.
        let calls = max(1, min(100_000, Int(1e8 / operations)))
        let times = try BenchmarkTimes(on: communicator, warmup: warmup, repeat: repetitions) { _ in
            for _ in 0..<calls {
                switch library {
                case .couplet: MatrixProduct.multiply(a, aForm, b, bForm, into: c)
                case .openblas: OpenBLASProduct.multiply(a, aForm, b, bForm, into: c)
                }
            }
        }
        return BenchmarkResult(
            times: BenchmarkTimes(seconds: times.seconds.map { $0 / Double(calls) }),
            operations: operations * Double(communicator.size), peakGigaflops: peak,
            peakMemoryMiB: try ProcessMemory.peakMiB(on: communicator), workers: communicator.size,
            processes: communicator.processCount)
    }

    private var forms: (MatrixProduct.Form, MatrixProduct.Form) {
        switch form {
        case .nn: (.asIs, .asIs)
        case .nt: (.asIs, .transposed)
        case .tn: (.transposed, .asIs)
        case .tt: (.transposed, .transposed)
        }
    }

    /// The instruction set of Couplet's kernels, or OpenBLAS's core type.
    private var kernels: String {
        library == .couplet ? InstructionSet.current.rawValue : OpenBLAS.coreType
    }

    // MARK: - Report

    /// The settings and the results as a JSON object.
    package func json(_ result: BenchmarkResult) -> JSONValue {
        let settings: [(String, JSONValue)] = [
            ("benchmark", .string("product")), ("rows", .integer(rows)), ("columns", .integer(columns)),
            ("inner", .integer(inner)), ("form", .string(form.rawValue)), ("library", .string(library.rawValue)),
            ("kernels", .string(kernels)),
        ]
        return .object(settings + result.members)
    }

    /// The settings and the results as lines of text.
    package func text(_ result: BenchmarkResult) -> String {
        """
        product \(form.rawValue) of \(rows) × \(inner) and \(inner) × \(columns), \
        \(library == .couplet ? "Couplet" : "OpenBLAS"), kernels \(kernels)
        \(result.text)
        """
    }
}
