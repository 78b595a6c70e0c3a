import CoupletSchema
import CoupletText
import CoupletTraining

/// A config to start from, which `couplet config --template` writes. The comments are the help texts of the keys.
struct ConfigTemplate {
    let name: String
    /// One sentence: the data that it is for.
    let summary: String
    /// What to do before the first training; empty for nothing.
    let preparation: [String]
    /// The config as YAML.
    let yaml: String

    static let all = [gaussian, latent, ocean, mnist, hdf5, captions, classes]

    static func named(_ name: String) -> ConfigTemplate? { all.first { $0.name == name } }

    /// Why there is no template of a name, with the nearest one.
    static func problem(ofName name: String) -> String {
        let names = all.map(\.name)
        let guess = NearestNames.guess(name, among: names).map { "did you mean \($0)? There are" } ?? "there are"
        return "no template is called '\(name)'; \(guess) \(names.joined(separator: ", "))"
    }

    // MARK: - Text

    /// The template with a comment for each key.
    /// - Throws: `ConfigurationError` if the YAML is damaged.
    func text(_ keys: [KeyDescription]) throws -> String {
        let tree = try ConfigurationNode(yaml: yaml) { .file(name: name, line: $0, column: $1) }
        let head =
            [summary, ""] + preparation.map { "  \($0)" }
            + [
                "  couplet train \(name).yaml", "  couplet evaluate runs/\(name)", "",
                "couplet config \(name).yaml shows the defaults of the keys that are not here; couplet config --keys "
                    + "says what they do.",
            ]
        let comments = head.map { line in
            line.isEmpty ? "#\n" : line.hasPrefix(" ") ? "# \(line)\n" : Self.comment(line, indentation: "")
        }
        return comments.joined() + Self.lines(tree, path: "", indentation: "", keys)
    }

    private static func comment(_ text: String, indentation: String) -> String {
        TextLines.wrapped(text, columns: 100, indentation: "\(indentation)# ")
    }

    /// The lines of a block, each key below its help.
    private static func lines(
        _ node: ConfigurationNode, path: String, indentation: String, _ keys: [KeyDescription]
    ) -> String {
        guard case .block(let entries) = node.content else { return "" }
        // "kind: mlp", for the keys that only this kind has.
        let kinds = entries.map { "\($0.key): \($0.value.inlineYAML)" }
        return entries.map { entry in
            let name = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            let found = keys.filter { $0.path == name && ($0.kind.map(kinds.contains) ?? true) }.first
            var text = path.isEmpty ? "\n" : ""
            if let found {
                let usual = found.defaultValue.map { "; default \($0)" } ?? ""
                let values = found.type == "block" ? "" : " (\(found.type)\(usual))"
                text += comment(found.help + values, indentation: indentation)
            }
            if case .block(let inner) = entry.value.content, !inner.isEmpty {
                return text + "\(indentation)\(entry.key):\n"
                    + lines(entry.value, path: name, indentation: indentation + "  ", keys)
            }
            return text + "\(indentation)\(entry.key): \(entry.value.inlineYAML)\n"
        }.joined()
    }
}

// MARK: - Templates

extension ConfigTemplate {
    private static let gaussian = ConfigTemplate(
        name: "gaussian", summary: "Gaussian pairs, for which the exact answer is known.", preparation: [],
        yaml: """
            seed: 1
            data: {source: gaussian, dimensions: [8, 6], correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]}
            encoders:
              embedding: 3
              initial_scale: 0.1
              first: {kind: linear, bias: false}
              second: {kind: linear, bias: false}
            objective: {similarity: inner_product, temperature: 1, loss: conditional, weights: [0.5, 0.5]}
            batch: {size: 2048, shards: 16}
            optimizer: {kind: adam, learning_rate: 0.01, schedule: cosine}
            train: {steps: 1500, evaluate_every: 500, checkpoint_every: 500}
            """)

    private static let latent = ConfigTemplate(
        name: "latent", summary: "Pairs mixed from latent factors, some of which both modalities share.",
        preparation: [],
        yaml: """
            seed: 1
            data: {source: latent, content: 5, style: 5, modality: 5, style_change: 1, mixing_layers: 3}
            encoders:
              embedding: 5
              initialization: {law: by_activation}
              first: {kind: mlp, widths: [128, 128, 128, 128], activation: leaky_relu}
              second: {kind: mlp, widths: [128, 128, 128, 128], activation: leaky_relu}
            objective: {loss: lp_simclr, temperature: 1}
            batch: {size: 256}
            optimizer: {kind: adam, learning_rate: 0.004, schedule: cosine}
            train: {steps: 40000, log_every: 200, evaluate_every: 10000, checkpoint_every: 10000}
            """)

    private static let ocean = ConfigTemplate(
        name: "ocean", summary: "Random flows of the ocean and noisy tracks of drifters in them.", preparation: [],
        yaml: """
            seed: 1
            data: {source: ocean, grid: 32, field: stream_function, drifters: 8, times: 8, noise: 0.2}
            encoders:
              embedding: 256
              initialization: {law: by_activation}
              first: {kind: mlp, widths: [512, 512]}
              second: {kind: set, element_widths: [256, 256], widths: [512]}
            objective: {similarity: inner_product, temperature: 1, loss: conditional}
            batch: {size: 1024, shards: 8}
            optimizer: {kind: adam, learning_rate: 0.001, schedule: cosine, warmup_steps: 200}
            train: {steps: 10000, log_every: 500, evaluate_every: 5000, checkpoint_every: 2500}
            """)

    private static let mnist = ConfigTemplate(
        name: "mnist", summary: "MNIST: images of digits and their labels.",
        preparation: ["# data/mnist holds the four IDX files, gzip-compressed or not: train-images-idx3-ubyte …"],
        yaml: """
            seed: 1
            data: {source: mnist, path: data/mnist, first: image, second: label}
            encoders:
              embedding: 64
              first: {kind: cnn, channels: [32, 64], hidden: [128]}
              second: {kind: labels}
            objective:
              similarity: cosine
              temperature: {initial: 0.07, learned: true}
              loss: conditional
            batch: {size: 1024}
            optimizer: {kind: adam, learning_rate: 0.002, schedule: cosine, warmup_steps: 40}
            train: {epochs: 8, log_every: 10, evaluate_every: 200, checkpoint_every: 200}
            """)

    private static let hdf5 = ConfigTemplate(
        name: "hdf5", summary: "Your own pairs, from an HDF5 file with a row a pair in /first and in /second.",
        preparation: ["couplet data describe pairs.h5"],
        yaml: """
            seed: 1
            data: {source: hdf5, path: pairs.h5, held_out: 0.1, standardize: feature}
            encoders:
              embedding: 16
              first: {kind: mlp, widths: [128, 128], activation: relu}
              second: {kind: mlp, widths: [128, 128], activation: relu}
            objective:
              similarity: cosine
              temperature: {initial: 0.07, learned: true}
              loss: conditional
            batch: {size: 512}
            optimizer: {kind: adamw, learning_rate: 0.001, schedule: cosine, weight_decay: 0.01}
            train:
              epochs: 20
              evaluate_every: 100
              checkpoint_every: 100
              best: {metric: retrieval.mean_reciprocal_rank}
            """)

    private static let captions = ConfigTemplate(
        name: "captions", summary: "Pictures and captions, from a set that couplet data import has made.",
        preparation: ["couplet data import --manifest captions.csv --size 64 --output pairs.h5"],
        yaml: """
            seed: 1
            data:
              source: hdf5
              path: pairs.h5
              held_out: 0.1
              augment:
                first: {random_resized_crop: {scale: [0.5, 1]}, flip: 0.5}
            encoders:
              embedding: 128
              first: {kind: resnet18, stem: small}
              second: {kind: text_transformer, width: 128, depth: 2, heads: 4}
            objective:
              similarity: cosine
              temperature: {initial: 0.07, learned: true}
              loss: conditional
              groups: positives
            batch: {size: 256}
            optimizer: {kind: adamw, learning_rate: 0.001, schedule: cosine, warmup_steps: 50, weight_decay: 0.01}
            train:
              epochs: 20
              evaluate_every: 200
              checkpoint_every: 200
              best: {metric: retrieval.mean_reciprocal_rank}
            """)

    private static let classes = ConfigTemplate(
        name: "classes", summary: "Pictures and their classes, from a set that couplet data import has made.",
        preparation: ["couplet data import --classes FOLDER --size 64 --output pairs.h5"],
        yaml: """
            seed: 1
            data:
              source: hdf5
              path: pairs.h5
              held_out: 0.1
              augment:
                first: {random_resized_crop: {scale: [0.5, 1]}, flip: 0.5}
            encoders:
              embedding: 64
              first: {kind: resnet18, stem: small}
              second: {kind: labels}
            objective:
              similarity: cosine
              temperature: {initial: 0.07, learned: true}
              loss: conditional
            batch: {size: 256}
            optimizer: {kind: adamw, learning_rate: 0.001, schedule: cosine, warmup_steps: 50, weight_decay: 0.01}
            train: {epochs: 20, evaluate_every: 200, checkpoint_every: 200}
            """)
}
