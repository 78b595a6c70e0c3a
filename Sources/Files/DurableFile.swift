import Glibc

/// Small files that are there whole or not at all: config.yaml, evaluation.json.
public enum DurableFile {
    /// Puts a file with these bytes in place of what had the name. A crash at any moment leaves the old one or the new one, and
    /// what is new when this returns survives a power cut.
    /// - Throws: `FileError(.inputOutput)`; the old file is then untouched.
    public static func replace(_ path: String, with bytes: [UInt8]) throws {
        let temporary = TemporaryName.make(for: path)
        try TemporaryName.removeAbandoned(in: SystemCall.folder(of: path), of: SystemCall.lastComponent(of: path))
        do {
            let descriptor = try SystemCall.check("open", path) {
                open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
            }
            do {
                defer { close(descriptor) }
                try bytes.withUnsafeBytes { try SystemCall.write($0, to: descriptor, path) }
                try SystemCall.check("fsync", path) { fsync(descriptor) }
            }
            try SystemCall.rename(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// The same with a text, in UTF-8.
    public static func replace(_ path: String, with text: String) throws { try replace(path, with: Array(text.utf8)) }
}
