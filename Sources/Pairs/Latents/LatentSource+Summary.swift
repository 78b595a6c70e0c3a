extension LatentSource {
    /// The condition numbers of the mixings' layers, those of the covariances where they are not I, and what the content tells of the style.
    public var latentSummary: [String] {
        func list(_ numbers: [Double]) -> String { numbers.map(Self.rounded).joined(separator: ", ") }
        let mixed =
            specification.sharedMixing
            ? "of the one mixing \(list(mixings[0].conditionNumbers))"
            : "of f1 \(list(mixings[0].conditionNumbers)), of f2 \(list(mixings[1].conditionNumbers))"
        var lines = [
            "condition numbers of the layers \(mixed); the lowest per-mille of 25,000 draws ends at \(Self.rounded(conditionThreshold))"
        ]
        if specification.statisticalDependence {
            let named = distribution.conditionNumbers.map { "\($0.name) \(Self.rounded($0.value))" }
            lines.append("condition numbers of the covariances: \(named.joined(separator: ", "))")
        }
        if specification.causalDependence, specification.style > 0 {
            let known = zip(latentFactors, contentDetermination).filter { $0.0.name.hasPrefix("s") }
            let named = known.map { "\($0.name) \(Self.rounded($1 ?? 0))" }
            lines.append("R² that the content alone allows: \(named.joined(separator: ", "))")
        }
        return lines
    }

    /// To two places.
    private static func rounded(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }
}
