import Glibc

/// The hidden name a file has until it is complete: ".NAME.HOST.PROCESS.partial", in the folder where it will stay.
package enum TemporaryName {
    private static let suffix = ".partial"
    /// A file that a dead writer on another host left is told by its age, in seconds: a living one writes all the time.
    private static let abandonedAge = 600

    package static func make(for path: String) -> String {
        "\(SystemCall.folder(of: path))/.\(SystemCall.lastComponent(of: path)).\(host).\(getpid())\(suffix)"
    }

    /// Deletes what writers that are no more left in a folder, or left of one file: those of this process included, so none may
    /// be writing it.
    /// - Returns: the names deleted.
    @discardableResult
    package static func removeAbandoned(in folder: String, of file: String = "") throws -> [String] {
        let prefix = file.isEmpty ? "." : ".\(file)."
        return try SystemCall.names(in: folder).filter { name in
            name.hasPrefix(prefix) && isAbandoned(name, in: folder) && unlink("\(folder)/\(name)") == 0
        }
    }

    private static func isAbandoned(_ name: String, in folder: String) -> Bool {
        guard name.hasSuffix(suffix) else { return false }
        let stem = name.dropLast(suffix.count)
        guard let dot = stem.lastIndex(of: "."), let process = pid_t(stem[stem.index(after: dot)...]) else {
            return false
        }
        if stem[..<dot].hasSuffix(".\(host)") {
            // In a container the same number comes back at each start: our own is then an earlier life's.
            return process == getpid() || !isRunning(process)
        }
        var status = stat()
        return stat("\(folder)/\(name)", &status) == 0 && time(nil) - status.st_mtim.tv_sec > abandonedAge
    }

    /// A process that has ended may keep its number until its parent, or who adopted it, asks how: a zombie writes no more.
    private static func isRunning(_ process: pid_t) -> Bool {
        if kill(process, 0) != 0, errno == ESRCH { return false }
        // "NUMBER (NAME) STATE …", and the name may hold anything.
        guard let bytes = try? SystemCall.contents(of: "/proc/\(process)/stat"),
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else {
            return true
        }
        return !bytes[end...].dropFirst(2).starts(with: [UInt8(ascii: "Z")])
    }

    static let host: String = {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "host" : name
    }()
}
