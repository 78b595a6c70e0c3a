import CoupletPairs
import CoupletSchema

extension ConfigurationBlock {
    /// The block `data`: which keys it takes, its source decides.
    func source() -> SourceSpecification? {
        defer { finish() }
        let keys = [
            "gaussian": ["dimensions", "correlations", "covariance"],
            "latent": [
                "content", "style", "modality", "style_change", "statistical_dependence", "causal_dependence",
                "mixing_layers", "shared_mixing",
            ],
            "mnist": ["path", "per_class"], "hdf5": ["path", "held_out", "per_class"], "program": ["name"],
        ]
        let names = ["gaussian", "latent", "mnist", "hdf5", "program"]
        guard let node = required("source", example: "gaussian"),
            let name = choice("source", "source", among: names, node: node)
        else {
            // Which keys are right is unknown, so none is called wrong that some source has.
            for key in keys.values.joined() { _ = value(key) }
            return nil
        }
        for other in names where other != name {
            markInapplicable(
                keys[other, default: []], because: "it belongs to the source \(other), and this one is \(name)")
        }
        switch name {
        case "gaussian": return gaussian()
        case "latent": return latent()
        case "mnist": return fewShot(path(example: "data/mnist").map { .mnist(path: $0) })
        case "program":
            return required("name", example: "circle").flatMap { text("name", $0, example: "circle") }.map {
                .program(name: $0)
            }
        default:
            var heldOut = 0.0
            read("held_out", into: &heldOut, .belowOne, example: 0.1)
            return fewShot(path(example: "pairs.h5").map { .hdf5(path: $0, heldOut: heldOut) })
        }
    }

    /// A source with labels, cut down to `per_class` training samples of each where that is wanted.
    private func fewShot(_ whole: SourceSpecification?) -> SourceSpecification? {
        var perClass: Int?
        read("per_class", into: &perClass, in: 1...ConfigurationLimits.extent, example: 10)
        guard let whole, let perClass else { return whole }
        return .fewShot(whole, perClass: perClass)
    }

    private func path(example: String) -> String? {
        required("path", example: example).flatMap { text("path", $0, example: example) }
    }

    private func gaussian() -> SourceSpecification? {
        if let node = value("covariance"), !node.isNull {
            for key in ["dimensions", "correlations"] where value(key) != nil {
                note(key, "is of no use here: the file of covariance gives it")
            }
            return text("covariance", node, example: "covariance.h5").map { .gaussianFromFile(path: $0) }
        }
        let dimensionsNode = required("dimensions", example: "[8, 6]")
        let correlationsNode = required("correlations", example: "[0.9, 0.75, 0.6]")
        let dimensions = dimensionsNode.flatMap { node in
            list("dimensions", node, example: "[8, 6]") {
                integer("dimensions", $0, in: 1...ConfigurationLimits.extent, example: 8)
            }
        }
        if let dimensions, dimensions.count != 2 {
            note(
                "dimensions",
                "wanted two whole numbers, of the first and of the second modality, such as [8, 6]; found \(dimensions.count)"
            )
            return nil
        }
        let correlations = correlationsNode.flatMap { node in
            list("correlations", node, example: "[0.9, 0.75, 0.6]") {
                number("correlations", $0, .belowOne, example: 0.9)
            }
        }
        guard let dimensions, let correlations else { return nil }
        guard (1...min(dimensions[0], dimensions[1])).contains(correlations.count) else {
            note(
                "correlations",
                "wanted 1 to \(min(dimensions[0], dimensions[1])) numbers, as many as the smaller dimension at most; found \(correlations.count)"
            )
            return nil
        }
        return .gaussian(dimensions: dimensions, correlations: correlations)
    }

    private func latent() -> SourceSpecification? {
        var latent = LatentSpecification()
        let largest = LatentSpecification.largestInputs
        read("content", into: &latent.content, in: 1...largest, example: 5)
        read("style", into: &latent.style, in: 0...largest, example: 5)
        read("modality", into: &latent.modality, in: 0...largest, example: 5)
        read("style_change", into: &latent.styleChange, .probability, example: 0.75)
        read("statistical_dependence", into: &latent.statisticalDependence)
        read("causal_dependence", into: &latent.causalDependence)
        read("mixing_layers", into: &latent.mixingLayers, in: 1...LatentSpecification.mostMixingLayers, example: 3)
        read("shared_mixing", into: &latent.sharedMixing)
        guard latent.inputs <= largest else {
            note(
                "content",
                "with style and modality wanted at most \(largest) components, those of a view; found \(latent.inputs)")
            return nil
        }
        return .latent(latent)
    }
}
