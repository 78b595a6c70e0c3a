extension LatentSpecification {
    /// - Throws: `DataError` where a size or probability is out of its range.
    func check() throws {
        for (key, size, least) in [("content", content, 1), ("style", style, 0), ("modality", modality, 0)] {
            guard (least...Self.largestInputs).contains(size) else {
                throw DataError(
                    place: "data.\(key)", reason: "\(size) components",
                    remedy: "give a whole number from \(least) to \(Self.largestInputs)")
            }
        }
        guard inputs <= Self.largestInputs else {
            throw DataError(
                place: "data.content", reason: "content, style and modality are \(inputs) components together",
                remedy: "give at most \(Self.largestInputs)")
        }
        guard (0...1).contains(styleChange) else {
            throw DataError(
                place: "data.style_change", reason: "\(styleChange) is no probability",
                remedy: "give a number from 0 to 1")
        }
        guard (1...Self.mostMixingLayers).contains(mixingLayers) else {
            throw DataError(
                place: "data.mixing_layers", reason: "\(mixingLayers) layers",
                remedy: "give a whole number from 1 to \(Self.mostMixingLayers)")
        }
    }
}
