import Glibc

/// Numbers that the system tells in files of lines such as "MemAvailable:   12345 kB".
package enum ProcFile {
    /// The number after a key at a line's start; nil where there is no such file, line or number.
    package static func read(_ path: String, _ key: String) -> Int? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix(key) else { continue }
            return Int(text.dropFirst(key.count).drop { $0 == " " || $0 == "\t" }.prefix { ("0"..."9").contains($0) })
        }
        return nil
    }
}
