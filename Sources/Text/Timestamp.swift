import Glibc

/// Now in UTC, as files of a run have it.
package enum Timestamp {
    /// 2025-05-30T12:00:00Z, or with milliseconds 2025-05-30T12:00:00.123Z.
    package static func now(milliseconds: Bool = false) -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        let length = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let text = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return milliseconds ? "\(text).\(String(1_000 + now.tv_nsec / 1_000_000).dropFirst())Z" : "\(text)Z"
    }
}
