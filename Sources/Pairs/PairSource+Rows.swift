import Tensors

extension PairSource {
    /// Checks the programmer's side of `read`: a row for each number, of the modality's extent.
    func requireRows(_ tensor: Tensor?, _ numbers: [UInt64], _ modality: Modality) {
        guard let tensor else { return }
        let shape = description(of: modality).shape
        precondition(
            tensor.count == numbers.count * shape.reduce(1, *),
            "\(numbers.count) samples of \(modality), each \(shape), read into \(tensor.shape)")
    }

    /// Rows from the user in the modality's shape, B × shape: a view.
    /// - Throws: `DataError` where a row has another count of numbers, or one that is not finite.
    func rawRows(_ raw: Tensor, _ modality: Modality, of place: String) throws -> Tensor {
        let shape = description(of: modality).shape, columns = shape.reduce(1, *)
        guard !raw.shape.isEmpty, raw.columns == columns else {
            throw DataError(
                place: place, reason: "rows of the shape \(raw.shape), where the \(modality) modality has \(columns) numbers a sample",
                remedy: "give the shape \(["N"] + shape.map(String.init))")
        }
        if let wrong = (0..<raw.count).first(where: { !raw.pointer[$0].isFinite }) {
            throw DataError(place: place, reason: "row \(wrong / columns) of the \(modality) modality holds \(raw.pointer[wrong])")
        }
        return raw.reshaped([raw.rows] + shape)
    }
}
