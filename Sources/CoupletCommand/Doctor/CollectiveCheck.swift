import CoupletCommunication
import CoupletTensors
import CoupletText
import CoupletTraining

/// Every collective tried once: among the ranks that the launcher started, and among two threads of each.
struct CollectiveCheck {
    /// One line that says what was tried.
    let checked: String
    /// What failed; nil where all is well.
    let failure: String?

    init() {
        do {
            (checked, failure) = (try CollectiveCheck.run(), nil)
        } catch {
            (checked, failure) = ("", "\(error)")
        }
    }

    private static func run() throws -> String {
        let group = try WorkerGroup.launch(threads: 2, exitCode: { _ in ExitStatus.unavailable.rawValue })
        let checked = try group.run(threads: 2) { communicator in
            // Two threads multiply at a time: a BLAS without locks would mix them up.
            try multiplyAtOnce()
            return try CollectiveSelfCheck.run(on: communicator)
        }
        try group.finalize()
        return checked
    }

    private struct WrongProduct: Error, CustomStringConvertible {
        let description = "products in two threads at a time differ from one another"
    }

    private static func multiplyAtOnce() throws {
        let size = 256
        let a = Tensor([size, size], Philox(seed: 7).normals(size * size, .source, number: 0))
        let (first, again) = (Tensor([size, size]), Tensor([size, size]))
        MatrixProduct.multiply(a, .asIs, a, .asIs, into: first)
        for _ in 0..<8 {
            MatrixProduct.multiply(a, .asIs, a, .asIs, into: again)
            if first.values != again.values { throw WrongProduct() }
        }
    }

    var findings: [Finding] {
        if let failure {
            return [
                Finding(
                    .bad, "workers", failure,
                    remedy:
                        "see whether mpirun and this program use the same MPI (ldd), and whether the hosts reach each other"
                )
            ]
        }
        return [Finding(.good, "workers", checked)]
    }

    var json: JSONValue { .object(["checked": .string(checked), "failure": failure.map { .string($0) } ?? .null]) }
}
