import CoupletNetworks
import CoupletPairs
import CoupletSchema
import CoupletTensors
import CoupletTraining

// Kinds of a program of one's own: an encoder that begins with a large table, and a source of token ids.

/// The mean of the vectors of a sample's token ids, then a hidden and an output layer.
struct BagEncoder: EncoderArchitecture {
    var vocabulary = 1000
    var width = 6
    /// Whether a step touches the rows that its batch reads alone.
    var sparse = true
    /// Whether the gradient of the table is infinite.
    var explodes = false
    /// Whether the table is not in the first layer.
    var isMisplaced = false

    static let name = "bag"
    static let table = ConfigurationTable(
        BagEncoder(), help: "The mean of the vectors of token ids, then two linear layers.",
        [
            .key("vocabulary", \.vocabulary, .integer(2...1 << 24, example: 1000), "Number of token ids."),
            .key("width", \.width, .integer(1...512, example: 6), "Numbers of a vector."),
            .key("sparse", \.sparse, .flag, "Whether a step touches few rows."),
            .key("explodes", \.explodes, .flag, "Whether the gradient is infinite."),
            .key("is_misplaced", \.isMisplaced, .flag, "Whether another layer is first."),
        ])

    func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        let bag = Bag(encoder: self, inputShape: inputShape)
        let head = [
            Linear(inputShape: [width], outputs: 7, activation: .tanh), Linear(inputShape: [7], outputs: embedding),
        ]
        return isMisplaced
            ? [Linear(inputShape: inputShape, outputs: inputShape[0]), bag] + head : [bag] + head
    }
}

struct Bag: Layer {
    let encoder: BagEncoder
    let inputShape: [Int]
    var outputShape: [Int] { [encoder.width] }
    var parameterShapes: [(name: String, shape: [Int])] { [("weight", [encoder.vocabulary, encoder.width])] }
    var sparseTable: SparseTable? {
        encoder.sparse ? SparseTable(rows: encoder.vocabulary, width: encoder.width, zeroIsPadding: true) : nil
    }
    var addedPositions: Int? { nil }

    func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        philox.fillNormal(parameters[0], .initialization, number: firstNumber)
        parameters[0].rows(0..<1).fill(0)
    }

    func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let width = encoder.width, positions = inputCount
        output.fill(0)
        for row in 0..<input.rows {
            let ids = (0..<positions).map { Int(input[row * positions + $0]) }.filter { $0 != 0 }
            for id in ids {
                for j in 0..<width { output[row * width + j] += parameters[0][id * width + j] / Float(ids.count) }
            }
        }
    }

    func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let width = encoder.width, positions = inputCount, gradient = parameterGradients[0]
        if context.touchedRows == nil { gradient.fill(0) }
        for row in 0..<input.rows {
            let ids = (0..<positions).map { Int(input[row * positions + $0]) }.filter { $0 != 0 }
            for id in ids {
                for j in 0..<width { gradient[id * width + j] += outputGradient[row * width + j] / Float(ids.count) }
            }
        }
        if encoder.explodes { gradient[gradient.count - 1] = .infinity }
        inputGradient?.fill(0)
    }
}

/// Pairs of two token sets about the same topic; ids are 1 … vocabulary - 1, small ones more often.
struct TokenPairs: PairSourceKind {
    var vocabulary = 1000

    static let name = "token_pairs"
    static let table = ConfigurationTable(
        TokenPairs(), help: "Sets of token ids.",
        [.key("vocabulary", \.vocabulary, .integer(2...1 << 24, example: 1000), "Number of token ids.")])

    func makeSource(seed: UInt64) -> any PairSource {
        TokenSource(vocabulary: vocabulary, random: Philox(seed: seed))
    }
}

struct TokenSource: PairSource {
    static let positions = 5
    let vocabulary: Int
    let random: Philox

    func description(of modality: Modality) -> ModalityDescription { ModalityDescription(shape: [Self.positions]) }
    func count(of split: Split) -> Int? { split == .training ? 4000 : 50 }

    func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) {
        let count = Self.positions
        for (row, number) in numbers.enumerated() {
            let uniforms = Tensor([2 * count + 1])
            random.fillUniform(uniforms, split == .training ? .training : .heldOut, number: number)
            // Up to four of the five positions are padding.
            let length = 1 + Int(uniforms[2 * count] * Float(count))
            for (tensor, start) in [(first, 0), (second, count)] {
                for position in 0..<count {
                    let u = uniforms[start + position]
                    tensor?[row * count + position] =
                        position < length ? Float(1 + Int(u * u * u * Float(vocabulary - 1))) : 0
                }
            }
        }
    }
}
