import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// y = [f_1(x), …, f_n(x)]: branches with the same input, whose outputs are joined along the last axis: the features of
/// a sample, or of each of its positions.
///
/// Backward: dX = Σ_i J_iᵀ dY_i over the branches in order, where dY_i is the part of branch i.
///
/// The parameter "weight" of branch 2 is called "2/weight"; branches are numbered from 0, those without parameters
/// included. In the keys of random numbers (`LayerContext`) branch i is the inner layer i.
public struct Parallel: Layer {
    public let branches: [any Layer]
    public let inputShape: [Int]
    public let outputShape: [Int]
    public var parameterShapes: [(name: String, shape: [Int])] { parts.parameterShapes }
    public var statisticShapes: [(name: String, shape: [Int])] { parts.statisticShapes }
    private let parts: InnerParts

    /// - Parameter branches: layers of one input shape, whose output shapes differ in the last extent at most.
    public init(_ branches: [any Layer]) {
        precondition(!branches.isEmpty, "a parallel layer without branches")
        let first = branches[0], shapes = branches.map(\.outputShape)
        precondition(
            branches.allSatisfy { $0.inputShape == first.inputShape }
                && shapes.allSatisfy { !$0.isEmpty && $0.dropLast() == shapes[0].dropLast() },
            "branches from \(branches.map(\.inputShape)) to \(shapes)")
        parts = InnerParts(branches, numbers: Array(branches.indices))
        self.branches = branches
        inputShape = first.inputShape
        outputShape = shapes[0].dropLast() + [shapes.reduce(0) { $0 + $1[$1.count - 1] }]
    }

    public var innerLayers: [any Layer] { branches }
    public var tableName: String { Kind.name }
    public var readsTokens: Bool { branches[0].readsTokens }
    public var tokenVocabulary: Int? { nil }
    public func countPositions(of input: Tensor, into counts: Tensor) {
        branches[0].countPositions(of: input, into: counts)
    }
    /// That of the branches, if they agree.
    public var addedPositions: Int? {
        let added = branches.map(\.addedPositions)
        return added.allSatisfy { $0 == added[0] } ? added[0] : nil
    }
    public var backwardReadsInput: Bool { branches.contains { $0.backwardReadsInput } }
    public var backwardReadsOutput: Bool { false }
    public var backwardOverwritesOutputGradient: Bool { false }

    /// What the branches save, and those of their outputs that backward reads.
    public func savedForBackwardCount(rows: Int) -> Int {
        branches.reduce(0) {
            $0 + BufferDivision.padded($1.savedForBackwardCount(rows: rows))
                + ($1.backwardReadsOutput ? BufferDivision.padded(rows * $1.outputCount) : 0)
        }
    }

    public func scratchCount(rows: Int) -> Int {
        BufferDivision.padded(rows * (branches.map(\.outputCount).max() ?? 0))
            + (branches.count > 1 ? BufferDivision.padded(rows * inputCount) : 0)
            + (branches.map { $0.scratchCount(rows: rows) }.max() ?? 0)
    }

    /// The last maps are those of every branch.
    public var parameterRoles: [ParameterRole?] { branches.flatMap { $0.parameterRoles } }

    /// `scale` applies to every branch.
    public func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
        for (branch, part) in zip(branches, parts.ranges) where !part.parameters.isEmpty {
            branch.initialize(
                Array(parameters[part.parameters]), philox: philox,
                firstNumber: firstNumber + UInt64(part.parameters.lowerBound), scale: scale)
        }
    }

    public func initializeStatistics(_ statistics: [Tensor]) {
        parts.initializeStatistics(of: branches, statistics)
    }

    public func updateStatistics(_ statistics: [Tensor], means: [Tensor]) {
        parts.updateStatistics(of: branches, statistics, means: means)
    }

    public func forward(
        _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
        context: LayerContext
    ) {
        let memory = Memory(self, rows: output.rows, savedForBackward: savedForBackward, scratch: scratch)
        var column = 0
        for (index, (branch, part)) in zip(branches, parts.ranges).enumerated() {
            branch.forward(
                input, parameters: Array(parameters[part.parameters]), output: memory.outputs[index],
                savedForBackward: memory.saved[index], scratch: memory.scratch,
                context: context.inner(index, statistics: part.statistics))
            let width = lastExtent(branch.outputShape)
            couplet_copy_rows(
                memory.outputs[index].count / width, width, memory.outputs[index].pointer, width,
                output.pointer + column, lastExtent(outputShape))
            column += width
        }
    }

    public func backward(
        input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
        inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
    ) {
        let memory = Memory(self, rows: output.rows, savedForBackward: savedForBackward, scratch: scratch)
        var column = 0
        for (index, (branch, part)) in zip(branches, parts.ranges).enumerated() {
            let width = lastExtent(branch.outputShape), rows = output.rows
            let gradient = memory.gradient.flat(0..<(rows * branch.outputCount)).reshaped([rows] + branch.outputShape)
            couplet_copy_rows(
                gradient.count / width, width, outputGradient.pointer + column, lastExtent(outputShape),
                gradient.pointer, width)
            branch.backward(
                input: input, output: memory.outputs[index], outputGradient: gradient,
                parameters: Array(parameters[part.parameters]),
                parameterGradients: Array(parameterGradients[part.parameters]),
                inputGradient: inputGradient == nil ? nil : index == 0 ? inputGradient : memory.inputGradient,
                savedForBackward: memory.saved[index], scratch: memory.scratch,
                context: context.inner(index, statistics: part.statistics))
            if index > 0, let further = memory.inputGradient { inputGradient?.add(further) }
            column += width
        }
    }

    public func matrixProductFLOPs(rows: Int, needsInputGradient: Bool) -> Int {
        branches.reduce(0) { $0 + $1.matrixProductFLOPs(rows: rows, needsInputGradient: needsInputGradient) }
    }

    public func forwardProductFLOPs(rows: Int) -> Int {
        branches.reduce(0) { $0 + $1.forwardProductFLOPs(rows: rows) }
    }

    private func lastExtent(_ shape: [Int]) -> Int { shape[shape.count - 1] }

    /// The memory of one call.
    private struct Memory {
        /// [branch]
        let saved: [Tensor]
        /// [branch]
        let outputs: [Tensor]
        /// dY of one branch; in forward, the output of one that backward does not read.
        let gradient: Tensor
        /// dX of a branch after the first.
        let inputGradient: Tensor?
        let scratch: Tensor

        init(_ layer: Parallel, rows: Int, savedForBackward: Tensor, scratch: Tensor) {
            var saved = BufferDivision(savedForBackward), temporary = BufferDivision(scratch)
            let gradient = temporary.next([rows * (layer.branches.map(\.outputCount).max() ?? 0)])
            self.saved = layer.branches.map { saved.next([$0.savedForBackwardCount(rows: rows)]) }
            outputs = layer.branches.map {
                $0.backwardReadsOutput
                    ? saved.next([rows] + $0.outputShape)
                    : gradient.flat(0..<(rows * $0.outputCount)).reshaped([rows] + $0.outputShape)
            }
            self.gradient = gradient
            inputGradient = layer.branches.count > 1 ? temporary.next([rows] + layer.inputShape) : nil
            self.scratch = scratch.flat(temporary.count..<scratch.count)
        }
    }
}

extension Parallel {
    /// `parallel` in a list of layers.
    public struct Kind: LayerKind {
        public var branches: [[any LayerKind]]

        public init(_ branches: [[any LayerKind]]) { self.branches = branches }

        public static func == (left: Kind, right: Kind) -> Bool {
            left.branches.count == right.branches.count
                && zip(left.branches, right.branches).allSatisfy { $0.isEqual(to: $1) }
        }

        public static let name = "parallel"
        public static let shortKey: String? = "branches"
        public static let table = ConfigurationTable(
            Kind([]), help: "y = [f_1(x), …, f_n(x)]: lists of layers side by side, joined along the last axis.",
            [
                .required(
                    "branches", \.branches,
                    .list(
                        .kinds(of: .layer, example: "[{linear: 64}, relu]", minimum: 1, descriptions: .elsewhere) {
                            $0
                        },
                        example: "[[{linear: 64}], [{linear: 32}, relu]]", minimum: 1),
                    "The lists of layers, one for each branch.")
            ])

        public func layer(inputShape: [Int]) throws(NetworkError) -> any Layer {
            var made: [any Layer] = []
            for (index, branch) in branches.enumerated() {
                let layers = try branch.layers(inputShape: inputShape, key: "branches[\(index)]")
                guard let first = layers.first else {
                    throw NetworkError(
                        reason: "branch \(index) of parallel has no layers", remedy: "list at least one layer")
                }
                made.append(layers.count == 1 ? first : Sequential(layers))
            }
            let shapes = made.map(\.outputShape)
            guard let first = shapes.first, shapes.allSatisfy({ $0.dropLast() == first.dropLast() }) else {
                throw NetworkError(
                    reason: "the branches of parallel return the shapes "
                        + shapes.map { "\($0)" }.joined(separator: ", ")
                        + ", which differ in more than the last extent",
                    remedy: "end the branches with layers that keep the same positions, or pool in each")
            }
            return Parallel(made)
        }
    }
}
