import CHDF5
import CoupletStorage
import CoupletText
import Glibc

/// HDF5: its version, and whether a test file reads back as it was written.
struct HDF5Check {
    private let version: String
    /// The error of the test file; nil if everything worked.
    private let failure: String?
    /// The folder of the test file.
    private let folder: String

    init() {
        var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
        H5get_libversion(&major, &minor, &release)
        version = "\(major).\(minor).\(release)"
        folder = environmentVariable("TMPDIR") ?? "/tmp"
        failure = Self.testFile(in: folder)
    }

    private static func testFile(in folder: String) -> String? {
        let path = "\(folder)/couplet-doctor-\(getpid()).h5"
        defer { unlink(path) }
        do {
            let numbers = (0..<1_000).map { Double($0) / 3 }
            let file = try HDF5File(creating: path, overwriting: true)
            try file.write("/numbers", numbers, shape: [numbers.count], checksum: true)
            try file.close()
            let isSame = try HDF5File(reading: path).readDoubles("/numbers") == numbers
            return isSame ? nil : "\(path): other numbers were read than written"
        } catch {
            return "\(error)"
        }
    }

    var findings: [Finding] {
        var findings = [Finding(.good, "hdf5", "version \(version)")]
        if let failure {
            findings.append(
                Finding(
                    .bad, "hdf5", "a test file failed: \(failure)",
                    remedy: "check the free space in \(folder), or reinstall libhdf5"))
        }
        return findings
    }

    var json: JSONValue {
        .object(["version": .string(version), "failure": failure.map { .string($0) } ?? .null])
    }
}
