import CoupletNetworks
import CoupletPairs
import CoupletTensors

/// The input of a graph: rows as `couplet encode` takes them, and the nodes that prepare them for the encoder.
///
/// Labels are integers of 64 bits, one a row; token ids are integers of 64 bits, positions a row, 0 at the end for
/// padding; all other rows are Float32 in the units of the data. A label that the run does not know, and a number that
/// is no token id, give encodings of NaN, where `couplet encode` refuses the row.
struct ONNXInput {
    private let source: any PairSource
    private let modality: Modality
    private let description: ModalityDescription
    private let vocabulary: Int?
    /// The scalings of the elements of a row, first to last.
    private let scalings: [InputScaling]

    /// - Throws: `ExportError` if the source prepares rows in a way that has no ONNX form.
    init(_ source: any PairSource, _ modality: Modality, _ encoder: Encoder) throws {
        self.source = source
        self.modality = modality
        description = source.description(of: modality)
        vocabulary = encoder.tokenVocabulary
        scalings = [source.preparationScaling(of: modality), source.inputScalings[modality]].compactMap { $0 }
        if description.classes == nil, vocabulary == nil { try checkScalings() }
    }

    /// Compares the scalings with what the source does to some rows: a source may prepare rows by code of its own.
    private func checkScalings() throws {
        let shape = description.shape, numbers = Tensor([4] + shape)
        // Whole numbers of bytes, which sources of pictures want.
        for index in 0..<numbers.count { numbers[index] = Float(index * 37 % 256) }
        // The source may return the rows themselves.
        let wanted = (try? source.prepare(modality, raw: numbers))?.values
        for scaling in scalings { scaling.apply(to: numbers) }
        let isEqual =
            wanted.map { wanted in
                wanted.count == numbers.count
                    && zip(wanted, numbers.values).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($0)) }
            } ?? false
        guard isEqual else {
            throw ExportError(
                at: "data.source",
                reason: "it prepares rows of the \(modality) modality in a way that has no ONNX form",
                remedy: "export --format safetensors, and prepare rows as the source does")
        }
    }

    /// Adds the input and its preparation.
    /// - Returns: the samples that the encoder takes.
    func nodes(in graph: ONNXGraph) throws -> ONNXValue {
        let name = modality.rawValue
        if description.classes != nil {
            return row(
                ofLabel: graph.input(name, .int64, shape: [], about: "labels as the data have them, one a row"),
                in: graph)
        }
        if let vocabulary {
            return graph.input(
                name, .int64, shape: description.shape,
                about: "token ids, 1 to \(vocabulary - 1), with 0 for padding at the end of a row")
        }
        let rows = graph.input(
            name, .float, shape: description.shape, about: "rows in the units of the data, as couplet encode takes them"
        )
        return scalings.reduce(rows) { rows, scaling in
            let mean = graph.constant(scaling.mean, shape: scaling.groupShape)
            let scale = graph.constant(scaling.scale, shape: scaling.groupShape)
            return graph.node("Mul", [graph.node("Sub", [rows, mean]), scale])
        }
    }

    /// The row of the label table, or -1 for a label that the table does not have.
    private func row(ofLabel labels: ONNXValue, in graph: ONNXGraph) -> ONNXValue {
        let column = graph.reshape(labels, to: [1])
        guard let known = description.labelTable?.labels, known != Array(0..<known.count) else { return column }
        let table = graph.constant(integers: known, shape: [1, known.count])
        let isLabel = graph.node(
            "Cast", [graph.node("Equal", [column, table], shape: [known.count])], ["to": .integer(1)])
        let number = graph.node("ArgMax", [isLabel], shape: [1], ["axis": .integer(1), "keepdims": .integer(1)])
        let isKnown = graph.node(
            "ReduceMax", [isLabel], shape: [1], ["axes": .integers([1]), "keepdims": .integer(1)])
        return graph.node(
            "Where",
            [
                graph.node("Cast", [isKnown], ["to": .integer(9)]), number, graph.constant(integers: [-1]),
            ])
    }
}
