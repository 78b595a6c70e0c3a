import CoupletImages
import CoupletPairs
import CoupletTensors

/// Encodings of texts and pictures, which become samples in the way of the run's own.
extension TrainedRun {
    /// Encodes texts, N × e, and counts what the tokenizer does not know.
    /// - Parameter modality: nil for the one whose samples are texts.
    /// - Throws: `DataError` if the samples of the modality are no texts, or if that is not known.
    public func encode(
        texts: [String], _ modality: Modality? = nil
    ) throws -> (encodings: Tensor, counts: TokenizationCounts) {
        let modality = try plainModality(modality, "texts") { $0.text != nil }
        let (rows, counts) = try preparation(of: modality)!.text!.tensor(texts)
        return (try encode(modality, rows), counts)
    }

    /// Encodes pictures, N × e. A picture of another size is fitted into that of the run's samples.
    /// - Parameter modality: nil for the one whose samples are pictures.
    /// - Throws: `DataError` if the samples of the modality are no pictures, or if that is not known.
    public func encode(pictures: [Picture], _ modality: Modality? = nil) throws -> Tensor {
        let modality = try plainModality(modality, "pictures") { $0.picture != nil }
        let picture = preparation(of: modality)!.picture!
        let pixels = pictures.flatMap { $0.resized(to: picture.format).pixels }
        return try encode(modality, Tensor([pictures.count] + picture.shape, pixels.map { Float($0) }))
    }

    private func plainModality(
        _ modality: Modality?, _ inputs: String, _ fits: (SamplePreparation) -> Bool
    ) throws -> Modality {
        let fitting = Modality.allCases.filter { preparation(of: $0).map(fits) == true }
        if let modality {
            if fitting.contains(modality) { return modality }
        } else if fitting.count == 1 {
            return fitting[0]
        } else if fitting.count == 2 {
            throw DataError(
                at: folder.path, reason: "the samples of both modalities are \(inputs)", remedy: "name a modality")
        }
        throw DataError(
            at: folder.path,
            reason: "the run does not say how \(inputs) become samples of "
                + (modality.map { "its \($0) modality" } ?? "a modality"),
            remedy: "train it on a set that couplet data import has made from \(inputs)")
    }
}
