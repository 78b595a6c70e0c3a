import CHDF5
import CoupletStorage
import CoupletText
import Glibc

/// HDF5: its version, and whether a file comes back as it was written.
struct FileCheck {
    let version: String
    /// What a trial file ended in; nil where all went well.
    let failure: String?
    /// Where the trial file was.
    let folder: String

    init() {
        var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
        H5get_libversion(&major, &minor, &release)
        version = "\(major).\(minor).\(release)"
        folder = SystemText.environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        failure = FileCheck.trial(in: folder)
    }

    private static func trial(in folder: String) -> String? {
        let path = "\(folder)/couplet-doctor-\(getpid()).h5"
        defer { unlink(path) }
        do {
            let numbers = (0..<1_000).map { Double($0) / 3 }
            let file = try HDF5File(creating: path, overwriting: true)
            try file.write("/numbers", numbers, shape: [numbers.count], checksum: true)
            try file.close()
            return try HDF5File(reading: path).readDoubles("/numbers") == numbers
                ? nil : "\(path): other numbers were read than written"
        } catch {
            return "\(error)"
        }
    }

    var findings: [Finding] {
        var findings = [Finding(.good, "hdf5", "version \(version)")]
        if let failure {
            findings.append(
                Finding(
                    .bad, "hdf5", "a trial file failed: \(failure)",
                    remedy: "see to the space in \(folder), or install libhdf5 anew"))
        }
        return findings
    }

    var json: JSONValue { .object(["version": .string(version), "failure": failure.map { .string($0) } ?? .null]) }
}
