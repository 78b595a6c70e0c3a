/// Paths in links from one page of a report to another. They are relative, so that a folder that holds all pages may
/// move.
enum RelativeLink {
    /// The path with every byte that a URL does not allow in a path as %XX. A colon is encoded, too, because the text
    /// before it would be a scheme.
    static func percentEncoded(_ path: String) -> String {
        var result = ""
        for byte in path.utf8 {
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte & ~32) || "-._~/=+,".utf8.contains(byte)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        return result
    }
}

/// A link to another page of the same report.
public struct PageLink: Equatable, Sendable {
    public let text: String
    /// Relative to the page with the link.
    public let path: String

    public init(_ text: String, path: String) {
        self.text = text
        self.path = path
    }
}
