import CoupletFiles

/// Data that cannot be used: what is wrong, where, and what to do.
public struct DataError: Error, CustomStringConvertible, Sendable {
    /// The file, and where useful the dataset or offset in it.
    public let place: String
    public let reason: String
    /// What the user can do; empty where nothing better than the reason can be said.
    public let remedy: String

    public init(place: String, reason: String, remedy: String = "") {
        self.place = place
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String { "\(place): \(reason)" + (remedy.isEmpty ? "" : "; \(remedy)") }

    /// Runs `body`, and throws the errors of its files as data that cannot be used.
    static func mapping<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as FileError {
            throw DataError(place: error.place, reason: error.reason, remedy: error.remedy)
        }
    }
}
