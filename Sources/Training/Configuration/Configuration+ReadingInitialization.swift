import CoupletPairs
import CoupletSchema

extension ConfigurationBlock {
    /// The block `initialize`.
    func initialization() -> Configuration.Initialization? {
        defer { finish() }
        let from = required("from", example: "runs/mnist").flatMap { text("from", $0, example: "runs/mnist") }
        var encoders: [Modality]?, freeze: [Modality] = []
        if let node = value("encoders"), !node.isNull {
            encoders = modalities("encoders", node)
            if let encoders, encoders.isEmpty {
                note(
                    "encoders", at: node.place,
                    "wanted at least one encoder, such as [first]; leave it out to take all that fit")
            }
        }
        if let node = value("freeze"), !node.isNull { freeze = modalities("freeze", node) ?? [] }
        if let encoders, let outside = freeze.first(where: { !encoders.contains($0) }) {
            note(
                "freeze",
                "the \(outside) encoder would be frozen at random numbers, for it is not among initialize.encoders; add it there"
            )
        }
        return from.map { Configuration.Initialization(from: $0, encoders: encoders, freeze: freeze) }
    }

    /// The first encoder before the second, each once.
    private func modalities(_ key: String, _ node: ConfigurationNode) -> [Modality]? {
        let named = list(key, node, example: "[first]") { item in
            choice(key, "encoder", among: Modality.allCases.map(\.rawValue), node: item).flatMap {
                Modality(rawValue: $0)
            }
        }
        return named.map { named in Modality.allCases.filter(named.contains) }
    }
}
