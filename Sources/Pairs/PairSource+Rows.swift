import CCoupletKernels
import CoupletTensors

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
                place: place,
                reason:
                    "rows of the shape \(raw.shape), where the \(modality) modality has \(columns) numbers a sample",
                remedy: "give the shape [N, \(shape.map(String.init).joined(separator: ", "))]")
        }
        let wrong = couplet_first_not_finite(raw.count, raw.pointer)
        if wrong < raw.count {
            throw DataError(
                place: place, reason: "row \(wrong / columns) of the \(modality) modality holds \(raw.pointer[wrong])")
        }
        return raw.reshaped([raw.rows] + shape)
    }

    /// - Throws: `DataError` where a sample number is not one of a finite split's.
    func requireNumbers(_ numbers: [UInt64], below count: Int, of split: Split, in place: String) throws {
        if let wrong = numbers.first(where: { $0 >= UInt64(count) }) {
            throw DataError(
                place: place, reason: "there is no \(split.rawValue) sample number \(wrong)",
                remedy: "the \(split.rawValue) samples have the numbers 0 to \(count - 1)")
        }
    }

    /// - Throws: `DataError` where a label is not an integer from 0 to classes - 1.
    func requireClasses(_ labels: Tensor, _ classes: Int, of place: String) throws {
        if let wrong = (0..<labels.count).first(where: {
            let label = labels.pointer[$0]
            return !(label >= 0 && label < Float(classes) && label == label.rounded())
        }) {
            throw DataError(
                place: place, reason: "row \(wrong) holds \(labels.pointer[wrong]), which is no label",
                remedy: "labels are the integers 0 to \(classes - 1)")
        }
    }
}
