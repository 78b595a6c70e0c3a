import CoupletPairs
import CoupletTensors

/// Rows from the user, in the units of a run's source.
public struct SamplingRows: Sendable {
    /// N × (any shape of the modality's count).
    public let rows: Tensor
    /// Where they are from, for errors.
    public let place: String

    public init(_ rows: Tensor, place: String) {
        self.rows = rows
        self.place = place
    }

    /// What a body makes of the rows; its `DataError` names their place.
    func within<Result>(_ body: (Tensor) throws -> Result) throws -> Result {
        do {
            return try body(rows)
        } catch let error as DataError {
            throw DataError(place: place, reason: error.reason, remedy: error.remedy)
        }
    }
}
