import CoupletPairs
import CoupletTensors

extension PairSource {
    /// Converts rows that a user gives to the form that the encoder takes.
    /// - Parameter firstRow: the number of the first row in the user's dataset, which errors count from.
    /// - Throws: `DataError` with the number of the row that is not a sample of the modality.
    func prepare(_ modality: Modality, raw: Tensor, firstRow: Int) throws -> Tensor {
        do {
            return try prepare(modality, raw: raw)
        } catch let error as DataError {
            // The source sees only these rows, so its error cannot name the row of the dataset.
            for row in 0..<raw.rows where raw.rows > 1 && raw.columns == description(of: modality).shape.reduce(1, *) {
                do {
                    _ = try prepare(modality, raw: raw.rows(row..<(row + 1)))
                } catch let error as DataError {
                    let reason = error.reason.hasPrefix("row 0 ") ? String(error.reason.dropFirst(6)) : error.reason
                    throw DataError(
                        at: error.location, reason: "row \(firstRow + row) (counted from 0) \(reason)",
                        remedy: error.remedy)
                }
            }
            throw error
        }
    }
}
