import CoupletPairs
import CoupletSchema

/// Reading and writing of the block `data`. The key `source` determines which other keys apply.
extension SourceSpecification {
    /// The sources by their names in a config, with their keys.
    private enum Name: String, CaseIterable {
        case gaussian, latent, mnist, hdf5, program

        var keys: [String] {
            switch self {
            case .gaussian: ["dimensions", "correlations", "covariance"]
            case .latent:
                [
                    "content", "style", "modality", "style_change", "statistical_dependence", "causal_dependence",
                    "mixing_layers", "shared_mixing",
                ]
            case .mnist: ["path", "per_class"]
            case .hdf5: ["path", "held_out", "per_class"]
            case .program: ["name"]
            }
        }
    }

    /// Nil after a problem that prevents a value.
    init?(reading block: ConfigurationBlock) {
        defer { block.finish() }
        guard let node = block.required("source", example: "gaussian"),
            let name = block.choice("source", "source", among: Name.allCases.map(\.rawValue), node: node)
                .flatMap(Name.init)
        else {
            // Without a known source, the keys of all sources are accepted.
            for key in Name.allCases.flatMap(\.keys) { _ = block.value(key) }
            return nil
        }
        for other in Name.allCases where other != name {
            block.markInapplicable(
                other.keys, because: "it belongs to the source \(other.rawValue), and this one is \(name.rawValue)")
        }
        func text(_ key: String, example: String) -> String? {
            block.required(key, example: example).flatMap { block.text(key, $0, example: example) }
        }
        let source: SourceSpecification?
        switch name {
        case .gaussian: source = Self.gaussian(reading: block)
        case .latent: source = LatentSpecification(reading: block).map { .latent($0) }
        case .mnist:
            source = Self.fewShot(reading: block, text("path", example: "data/mnist").map { .mnist(path: $0) })
        case .hdf5:
            var heldOut = 0.0
            block.read("held_out", into: &heldOut, .belowOne, example: 0.1)
            source = Self.fewShot(
                reading: block, text("path", example: "pairs.h5").map { .hdf5(path: $0, heldOut: heldOut) })
        case .program: source = text("name", example: "circle").map { .program(name: $0) }
        }
        guard let source else { return nil }
        self = source
    }

    /// A labelled source, limited to `per_class` training samples of each class if the block has that key.
    private static func fewShot(reading block: ConfigurationBlock, _ base: SourceSpecification?) -> SourceSpecification?
    {
        var perClass: Int?
        block.read("per_class", into: &perClass, in: 1...ConfigurationLimits.extent, example: 10)
        guard let base, let perClass else { return base }
        return .fewShot(base, perClass: perClass)
    }

    private static func gaussian(reading block: ConfigurationBlock) -> SourceSpecification? {
        if let node = block.value("covariance"), !node.isNull {
            for key in ["dimensions", "correlations"] where block.value(key) != nil {
                block.note(key, "is of no use here: the file of covariance determines it")
            }
            return block.text("covariance", node, example: "covariance.h5").map { .gaussianFromFile(path: $0) }
        }
        let dimensionsNode = block.required("dimensions", example: "[8, 6]")
        let correlationsNode = block.required("correlations", example: "[0.9, 0.75, 0.6]")
        let dimensions = dimensionsNode.flatMap { node in
            block.list("dimensions", node, example: "[8, 6]") {
                block.integer("dimensions", $0, in: 1...ConfigurationLimits.extent, example: 8)
            }
        }
        if let dimensions, dimensions.count != 2 {
            block.note(
                "dimensions",
                "wanted two whole numbers, for the first and the second modality, such as [8, 6]; found "
                    + "\(dimensions.count)"
            )
            return nil
        }
        let correlations = correlationsNode.flatMap { node in
            block.list("correlations", node, example: "[0.9, 0.75, 0.6]") {
                block.number("correlations", $0, .belowOne, example: 0.9)
            }
        }
        guard let dimensions, let correlations else { return nil }
        let maximum = min(dimensions[0], dimensions[1])
        guard (1...maximum).contains(correlations.count) else {
            block.note(
                "correlations",
                "wanted 1 to \(maximum) numbers, at most as many as the smaller dimension; found \(correlations.count)")
            return nil
        }
        return .gaussian(dimensions: dimensions, correlations: correlations)
    }

    var entries: [YAMLValue.Entry] {
        switch self {
        case .gaussian(let dimensions, let correlations):
            [
                ("source", .name(Name.gaussian)), ("dimensions", .integers(dimensions)),
                ("correlations", .numbers(correlations)),
            ]
        case .gaussianFromFile(let path): [("source", .name(Name.gaussian)), ("covariance", .text(path))]
        case .latent(let latent): [("source", .name(Name.latent))] + latent.entries
        case .mnist(let path): [("source", .name(Name.mnist)), ("path", .text(path))]
        case .hdf5(let path, let heldOut):
            [("source", .name(Name.hdf5)), ("path", .text(path)), ("held_out", .number(heldOut))]
        case .program(let name): [("source", .name(Name.program)), ("name", .text(name))]
        case .fewShot(let base, let perClass): base.entries + [("per_class", .integer(perClass))]
        }
    }
}

extension LatentSpecification {
    fileprivate init?(reading block: ConfigurationBlock) {
        self.init()
        let largest = Self.largestInputs
        block.read("content", into: &content, in: 1...largest, example: 5)
        block.read("style", into: &style, in: 0...largest, example: 5)
        block.read("modality", into: &modality, in: 0...largest, example: 5)
        block.read("style_change", into: &styleChange, .probability, example: 0.75)
        block.read("statistical_dependence", into: &statisticalDependence)
        block.read("causal_dependence", into: &causalDependence)
        block.read("mixing_layers", into: &mixingLayers, in: 1...Self.mostMixingLayers, example: 3)
        block.read("shared_mixing", into: &sharedMixing)
        guard inputs <= largest else {
            block.note(
                "content",
                "content, style and modality together may have at most \(largest) components, because a view mixes "
                    + "all of them; found \(inputs)")
            return nil
        }
    }

    fileprivate var entries: [YAMLValue.Entry] {
        [
            ("content", .integer(content)), ("style", .integer(style)), ("modality", .integer(modality)),
            ("style_change", .number(styleChange)), ("statistical_dependence", .flag(statisticalDependence)),
            ("causal_dependence", .flag(causalDependence)), ("mixing_layers", .integer(mixingLayers)),
            ("shared_mixing", .flag(sharedMixing)),
        ]
    }
}
