import CoupletNetworks
import CoupletSchema
import Testing

/// The configuration of encoders, with an architecture that is not Couplet's own.
@Suite struct EncoderArchitectureTests {
    /// Returns linear layers between the sizes.
    struct OwnArchitecture: EncoderArchitecture {
        var sizes = [3, 2]

        static let name = "own"
        static let table = ConfigurationTable(
            OwnArchitecture(), help: "Linear layers.",
            [.key("sizes", \.sizes, .list(.integer(1...10, example: 3), example: "[3, 2]"), "Sizes of the layers.")])

        func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
            try requireNumbers(classes)
            if sizes.first == 9 {
                return [Sequential([Linear](repeating: Linear(inputShape: [3], outputs: 3), count: 129))]
            }
            if sizes.first == 10 { return [Linear(inputShape: [3], outputs: 4), Linear(inputShape: [5], outputs: 2)] }
            return zip(sizes, sizes.dropFirst()).map { Linear(inputShape: [$0], outputs: $1) }
        }
    }

    private func read(_ yaml: String) throws -> (specification: EncoderSpecification, problems: [String]) {
        let node = try ConfigurationNode(yaml: yaml) { .file(name: "c", line: $0, column: $1) }
        let problems = ConfigurationBlock.Problems()
        let block = ConfigurationBlock(
            node, path: "", location: .file(name: "c", line: 1, column: 1), problems: problems,
            registry: Registry(encoderKinds).adding(OwnArchitecture.self))
        let specification = EncoderSpecification.table.read(block)
        return (specification, problems.all.map(\.description))
    }

    @Test func readsEveryKind() throws {
        let cases: [(String, EncoderSpecification, String)] = [
            ("kind: linear", .linear(bias: true), "kind: linear\nbias: true\n"),
            ("kind: linear\nbias: false", .linear(bias: false), "kind: linear\nbias: false\n"),
            (
                "kind: mlp\nwidths: [5, 6]", .multilayerPerceptron(widths: [5, 6], activation: .relu, bias: true),
                "kind: mlp\nwidths: [5, 6]\nactivation: relu\nbias: true\n"
            ),
            (
                "kind: mlp\nwidths: [5]\nactivation: leaky_relu",
                .multilayerPerceptron(widths: [5], activation: .leakyRelu(slope: 0.01), bias: true),
                "kind: mlp\nwidths: [5]\nactivation: leaky_relu\nslope: 0.01\nbias: true\n"
            ),
            (
                "kind: mlp\nslope: 0.2\nwidths: [5]\nbias: false\nactivation: leaky_relu",
                .multilayerPerceptron(widths: [5], activation: .leakyRelu(slope: 0.2), bias: false),
                "kind: mlp\nwidths: [5]\nactivation: leaky_relu\nslope: 0.2\nbias: false\n"
            ),
            (
                "kind: cnn\nchannels: [4]", .convolutional(channels: [4], hidden: []),
                "kind: cnn\nchannels: [4]\nhidden: []\n"
            ),
            (
                "kind: cnn\nchannels: [4, 5]\nhidden: [6]", .convolutional(channels: [4, 5], hidden: [6]),
                "kind: cnn\nchannels: [4, 5]\nhidden: [6]\n"
            ),
            (
                "kind: cnn\nchannels: [4]\nhidden: null", .convolutional(channels: [4], hidden: []),
                "kind: cnn\nchannels: [4]\nhidden: []\n"
            ),
            ("kind: labels", .labels, "kind: labels\n"),
            (
                "kind: own\nsizes: [7]", EncoderSpecification(OwnArchitecture(sizes: [7])), "kind: own\nsizes: [7]\n"
            ),
        ]
        for (yaml, expected, written) in cases {
            let (specification, problems) = try read(yaml)
            #expect(problems.isEmpty && specification == expected, "\(yaml): \(problems)")
            #expect(
                YAMLValue.text(of: EncoderSpecification.table.entries(of: specification))
                    .trimmingSuffix("\n") == written.trimmingSuffix("\n"))
        }
    }

    @Test func reportsWrongKeys() throws {
        func problem(_ yaml: String) throws -> String { try read(yaml).problems.joined(separator: "\n") }
        #expect(try problem("bias: true").contains("kind: is missing; for example kind: linear"))
        #expect(try problem("kind: mpl").contains("no encoder is called \"mpl\"; did you mean mlp?"))
        #expect(try problem("kind: mlp").contains("widths: is missing; for example widths: [150, 750]"))
        #expect(try problem("kind: mlp\nwidths: []").contains("wanted at least one"))
        #expect(try problem("kind: mlp\nwidths: [0]").contains("wanted a whole number from 1"))
        #expect(try problem("kind: cnn").contains("channels: is missing; for example channels: [32, 64]"))
        #expect(try problem("kind: linear\nwidths: [3]").contains("widths: is of no use here"))
        #expect(
            try problem("kind: mlp\nwidths: [3]\nactivation: tanh\nslope: 0.1").contains(
                "only leaky_relu has a slope, and the activation is tanh"))
        // After an unknown activation, the slope is accepted.
        let unknown = try problem("kind: mlp\nwidths: [3]\nactivation: leaky\nslope: 0.1")
        #expect(unknown.contains("no activation is called \"leaky\"") && !unknown.contains("slope:"))
    }

    @Test func layersOfAnArchitectureAreChecked() {
        func message(_ sizes: [Int], classes: Int? = nil) -> String {
            do {
                _ = try Encoder(
                    EncoderSpecification(OwnArchitecture(sizes: sizes)), inputShape: [3], classes: classes,
                    embedding: 2, initialScale: 1, shards: 1)
                return ""
            } catch {
                return error.description
            }
        }
        #expect(message([3, 2]) == "" && message([3, 8, 2]) == "")
        #expect(message([3]).contains("kind own has no layers"))
        #expect(
            message([3, 4]).contains(
                "kind own ends with a layer of output shape [4], but the embedding has 2 dimensions"))
        #expect(message([4, 2]).contains("kind own begins with a layer for samples of shape [4], but samples have"))
        #expect(message([10]).contains("in kind own a layer with input shape [5] follows one with output shape [4]"))
        #expect(message([9]).contains("in kind own a layer has 258 parameters, more than 256"))
        #expect(message([3, 2], classes: 10).contains("kind own needs numbers"))
    }

    @Test func specificationsAreEqualByKindAndKeys() {
        #expect(EncoderSpecification.linear(bias: true) == EncoderSpecification(LinearEncoder()))
        #expect(EncoderSpecification.linear(bias: true) != .linear(bias: false))
        #expect(EncoderSpecification.linear(bias: true) != .labels)
    }

    @Test func activationsHaveNamesAndSlopes() {
        for activation in ActivationTests.activations {
            var copy = Activation.identity
            copy.name = activation.name
            copy.slope = activation.slope
            #expect(copy == activation)
        }
        #expect(Set(Activation.Name.allCases.map(\.rawValue)) == ["relu", "leaky_relu", "gelu", "tanh", "identity"])
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
