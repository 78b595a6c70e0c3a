import CoupletFiles

/// The rows of an input that cannot be used: where each is, and why.
struct BadRows {
    /// The order in which they are told, and the text.
    private var rows: [(line: Int, text: String)] = []

    var count: Int { rows.count }

    /// The most rows that a message tells one by one.
    private static let longestList = 20

    /// - Parameter line: the line of the file, from 1; nil if the reason names a file of its own.
    mutating func add(_ file: String, line: Int?, _ reason: String) {
        rows.append((line ?? rows.count, line.map { "\(file):\($0): \(reason)" } ?? reason))
    }

    /// Adds what went wrong with a file that a row names.
    mutating func add(_ file: String, line: Int?, _ error: any Error) {
        let reason =
            switch error {
            case let error as FileErrorReason: "\(error.location): \(error.reason)"
            default: "\(error)"
            }
        add(file, line: line, reason)
    }

    /// One line a row, in the order of the file, and how many more there are.
    var list: [String] {
        let sorted = rows.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
        let more = count > Self.longestList ? ["and \(count - Self.longestList) more"] : []
        return sorted.prefix(Self.longestList).map(\.element.text) + more
    }

    /// - Parameters:
    ///   - input: the file or folder that has the rows.
    ///   - total: the number of rows, with the bad ones.
    ///   - areSkipped: whether the user leaves bad rows out.
    /// - Throws: `DataError` if there are bad rows that must not be left out, or if no row is left.
    func check(_ input: String, of total: Int, areSkipped: Bool) throws {
        guard count > 0, !areSkipped || count >= total else { return }
        throw DataError(
            at: input,
            reason: "\(count) of \(total) rows cannot be used:\n  "
                + list.joined(separator: "\n  "),
            remedy: areSkipped ? "no row is left" : "correct them, or leave them out and counted with --skip-bad")
    }
}

/// A location and a reason, of which a list of rows leaves the remedy out.
private protocol FileErrorReason {
    var location: String { get }
    var reason: String { get }
}

extension FileError: FileErrorReason {}
extension DataError: FileErrorReason {}
