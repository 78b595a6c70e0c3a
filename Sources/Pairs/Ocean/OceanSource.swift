import CCoupletKernels
import CoupletSchema
import CoupletTensors

/// Pairs of a random ocean flow and the tracks of drifters in it: data assimilation as contrastive learning (*A
/// Mathematical Perspective On Contrastive Learning*, arXiv 2505.24134, Lagrangian data assimilation).
///
/// - First modality: the stream function or the velocity on a grid, in units of its standard deviation under the prior,
///   channels × side × side.
/// - Second modality: D tracks as a set, D × inputs. In the source's units they are positions, D × (T + 1) × 2
///   (`DrifterModel`). The encoder gets, for each drifter, cos and sin of the start's phases 2πhx and 2πhy for h = 1 …
///   K, then the displacements from the start at each time, in units of √(½ E|u|² + σ²).
///
/// Sample n is a function of (seed, stream of the split, n), by Philox. The splits are endless. The flow of sample n
/// does not depend on drifters, times, noise and grid.
public struct OceanSource: PairSource {
    public let specification: OceanSpecification
    public let drifterModel: DrifterModel
    private let seed: UInt64
    private let fieldMap: RowwiseLinearMap
    /// Factor of the displacements.
    private let displacementScale: Float

    /// Number of samples generated at a time. Their random numbers stay in the cache.
    private static let rowsPerBlock = 64

    public init(_ specification: OceanSpecification, seed: UInt64) {
        self.specification = specification
        self.seed = seed
        let prior = specification.prior
        drifterModel = DrifterModel(
            prior, drifters: specification.drifters, times: specification.times, noise: specification.noise,
            stepsPerTime: specification.stepsPerTime)
        fieldMap = RowwiseLinearMap(prior.map(to: specification.field, side: specification.grid))
        let variance = 0.5 * specification.speed * specification.speed + specification.noise * specification.noise
        displacementScale = Float(1 / variance.squareRoot())
    }

    public var prior: StreamFunctionPrior { drifterModel.prior }
    /// Harmonics of the start that the encoder gets.
    private var harmonics: Int { specification.largestWavenumber }
    private var inputsPerDrifter: Int { 4 * harmonics + 2 * specification.times }

    public func description(of modality: Modality) -> ModalityDescription {
        switch modality {
        case .first:
            ModalityDescription(shape: [specification.field.channels, specification.grid, specification.grid])
        case .second: ModalityDescription(shape: [specification.drifters, inputsPerDrifter])
        }
    }

    public func count(of split: Split) -> Int? { nil }
    public var hasValidation: Bool { true }

    public func read(_ split: Split, _ numbers: [UInt64], first: Tensor?, second: Tensor?) throws {
        requireRows(first, numbers, .first)
        requireRows(second, numbers, .second)
        draw(split, numbers, tracks: second != nil) { range, flows, stride, tracks in
            if let first {
                fieldMap.apply(
                    rows: range.count, flows, stride: stride,
                    to: first.pointer + range.lowerBound * fieldMap.outputs)
            }
            if let second, let tracks {
                let columns = specification.drifters * inputsPerDrifter
                inputs(of: tracks, sets: range.count, to: second.pointer + range.lowerBound * columns)
            }
        }
    }

    /// Reads z of the flows, B × m.
    public func flows(_ split: Split, _ numbers: [UInt64]) -> Tensor {
        let result = Tensor([numbers.count, prior.dimension])
        draw(split, numbers, tracks: false) { range, flows, stride, _ in
            for row in 0..<range.count {
                (result.pointer + (range.lowerBound + row) * prior.dimension)
                    .update(from: flows + row * stride, count: prior.dimension)
            }
        }
        return result
    }

    /// Reads observed tracks, B × D × (T + 1) × 2.
    public func tracks(_ split: Split, _ numbers: [UInt64]) -> Tensor {
        let result = Tensor([numbers.count, specification.drifters, specification.times + 1, 2])
        let size = drifterModel.trackNumbers
        draw(split, numbers, tracks: true) { range, _, _, tracks in
            (result.pointer + range.lowerBound * size).update(from: tracks!, count: range.count * size)
        }
        return result
    }

    /// Returns the fields of flows, N × (channels × side × side).
    /// - Parameter flows: z, N × m.
    public func fields(of flows: Tensor) -> Tensor {
        let result = Tensor([flows.rows] + description(of: .first).shape)
        fieldMap.apply(rows: flows.rows, flows.pointer, stride: prior.dimension, to: result.pointer)
        return result
    }

    /// The fields are linear in z.
    public func gaussianMarginal(of modality: Modality) throws -> GaussianMarginal? {
        guard modality == .first else { return nil }
        let factor = prior.map(to: specification.field, side: specification.grid)
        return GaussianMarginal(mean: [Double](repeating: 0, count: factor.rows), factor: factor)
    }

    public func readRaw(_ split: Split, _ numbers: [UInt64], _ modality: Modality) throws -> Tensor {
        modality == .first ? fields(of: flows(split, numbers)) : tracks(split, numbers)
    }

    public func prepare(_ modality: Modality, raw: Tensor) throws -> Tensor {
        guard modality == .second else { return try rowsFromUser(raw, modality, of: "data.source ocean") }
        guard !raw.shape.isEmpty, raw.rows == 0 || raw.count == raw.rows * drifterModel.trackNumbers else {
            throw DataError(
                at: "data.source ocean",
                reason: "tracks have \(raw.shape.isEmpty ? 0 : raw.columns) numbers a set, where "
                    + "\(specification.drifters) drifters at a start and \(specification.times) times have "
                    + "\(drifterModel.trackNumbers)",
                remedy: "give the shape [N, \(specification.drifters), \(specification.times + 1), 2]: the start, "
                    + "then the position at each time")
        }
        let wrong = couplet_first_not_finite(raw.count, raw.pointer)
        if wrong < raw.count {
            throw DataError(
                at: "data.source ocean",
                reason: "row \(wrong / drifterModel.trackNumbers) of the tracks holds \(raw.pointer[wrong])")
        }
        let result = Tensor([raw.rows] + description(of: .second).shape)
        inputs(of: raw.pointer, sets: raw.rows, to: result.pointer)
        return result
    }

    private func inputs(of tracks: UnsafePointer<Float>, sets: Int, to inputs: UnsafeMutablePointer<Float>) {
        couplet_drifter_inputs(
            sets * specification.drifters, specification.times, harmonics, displacementScale, tracks, inputs)
    }

    /// Generates samples in blocks of rows.
    /// - Parameters:
    ///   - tracks: whether to integrate the tracks.
    ///   - body: receives the rows, z (row i begins at i · stride), and the observed tracks, rows × D × (T + 1) × 2.
    private func draw(
        _ split: Split, _ numbers: [UInt64], tracks needsTracks: Bool,
        _ body: (Range<Int>, UnsafePointer<Float>, _ stride: Int, UnsafePointer<Float>?) -> Void
    ) {
        let (drifters, times, dimension) = (specification.drifters, specification.times, prior.dimension)
        // The words of a sample: z and the noise as normal numbers, then the starts as uniform ones.
        let normalCount = needsTracks ? dimension + 2 * drifters * times : dimension
        let normalBlocks = (normalCount + 3) / 4, startBlocks = needsTracks ? (2 * drifters + 3) / 4 : 0
        let stride = 4 * (normalBlocks + startBlocks), rows = min(Self.rowsPerBlock, numbers.count)
        let draws = Tensor([rows, stride]), starts = Tensor([rows, 2 * drifters])
        let positions = Tensor(needsTracks ? [rows, drifterModel.trackNumbers] : [0])
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: stride) { words in
            for first in Swift.stride(from: 0, to: numbers.count, by: Self.rowsPerBlock) {
                let present = min(rows, numbers.count - first)
                for row in 0..<present {
                    couplet_philox(
                        seed, split.stream.rawValue, numbers[first + row], 0, normalBlocks + startBlocks,
                        words.baseAddress)
                    let own = draws.pointer + row * stride
                    couplet_normals(words.baseAddress, 4 * normalBlocks, own)
                    if needsTracks {
                        couplet_uniforms(words.baseAddress! + 4 * normalBlocks, 4 * startBlocks, own + 4 * normalBlocks)
                        (starts.pointer + row * 2 * drifters)
                            .update(from: own + 4 * normalBlocks, count: 2 * drifters)
                    }
                }
                if needsTracks {
                    drifterModel.integrate(
                        flows: draws.pointer, count: present, stride: stride, starts.pointer, positions.pointer)
                    addNoise(to: positions.pointer, rows: present, from: draws.pointer + dimension, stride: stride)
                }
                body(first..<first + present, draws.pointer, stride, needsTracks ? positions.pointer : nil)
            }
        }
    }

    /// Adds σ times normal numbers to the positions after the start.
    private func addNoise(
        to positions: UnsafeMutablePointer<Float>, rows: Int, from normals: UnsafePointer<Float>, stride: Int
    ) {
        let numbersPerTrack = 2 * specification.times, noise = Float(specification.noise)
        for row in 0..<rows {
            for drifter in 0..<specification.drifters {
                let track = positions + (row * specification.drifters + drifter) * (numbersPerTrack + 2) + 2
                let own = normals + row * stride + drifter * numbersPerTrack
                for k in 0..<numbersPerTrack { track[k] += noise * own[k] }
            }
        }
    }
}

// MARK: - Keys of a config

/// `data: {source: ocean, …}`: the prior of the flow, the grid, and the drifters.
public struct OceanSpecification: PairSourceKind {
    public static let name = "ocean"
    public static let table = ConfigurationTable(
        OceanSpecification(), help: "A random flow of the ocean on a grid, and tracks of drifters in it.",
        [
            .key("grid", \.grid, .integer(2...largestGrid, example: 32), "Points of the grid in x and in y."),
            .key("field", \.field, .choice("field"), "What the grid shows of the flow."),
            .key(
                "largest_wavenumber", \.largestWavenumber,
                .integer(1...StreamFunctionPrior.largestWavenumber, example: 3),
                "K: the stream function has the Fourier modes |k| ≤ K."),
            .key(
                "smoothness", \.smoothness, .number(.nonNegative, example: 3),
                "s of the variances (|2πk|² + λ²)^-(s+1) of the coefficients."),
            .key("inverse_length", \.inverseLength, .number(.nonNegative, example: 6), "λ of these variances."),
            .key(
                "speed", \.speed, .number(.positive, example: 0.3),
                "Root mean square of the velocity, in sides of the square in the observed window."),
            .key("drifters", \.drifters, .integer(1...largestCount, example: 8), "Number of drifters."),
            .key(
                "times", \.times, .integer(1...largestCount, example: 8),
                "Number of observed times after the start; the last one ends the window."),
            .key(
                "noise", \.noise, .number(.positive, example: 0.2),
                "Standard deviation of an observed coordinate, in sides of the square."),
            .key(
                "steps_per_time", \.stepsPerTime, .integer(1...largestCount, example: 2),
                "Runge–Kutta steps from one observed time to the next."),
        ])

    /// Points of the grid in x and in y.
    public var grid: Int
    public var field: StreamFunctionPrior.Field
    /// K.
    public var largestWavenumber: Int
    /// s.
    public var smoothness: Double
    /// λ.
    public var inverseLength: Double
    /// Root mean square of the velocity, in sides of the square per window.
    public var speed: Double
    public var drifters: Int
    /// Number of observed times after the start.
    public var times: Int
    /// Standard deviation of an observed coordinate.
    public var noise: Double
    /// Runge–Kutta steps from one observed time to the next.
    public var stepsPerTime: Int

    public init(
        grid: Int = 32, field: StreamFunctionPrior.Field = .streamFunction, largestWavenumber: Int = 3,
        smoothness: Double = 3, inverseLength: Double = 0, speed: Double = 0.3, drifters: Int = 8, times: Int = 8,
        noise: Double = 0.2, stepsPerTime: Int = 2
    ) {
        self.grid = grid
        self.field = field
        self.largestWavenumber = largestWavenumber
        self.smoothness = smoothness
        self.inverseLength = inverseLength
        self.speed = speed
        self.drifters = drifters
        self.times = times
        self.noise = noise
        self.stepsPerTime = stepsPerTime
    }

    /// Upper limit of `grid`.
    public static let largestGrid = 1024
    /// Upper limit of the numbers of drifters, times and steps.
    public static let largestCount = 1024

    public func makeSource(seed: UInt64) throws -> any PairSource { OceanSource(self, seed: seed) }

    /// The prior of the flow.
    public var prior: StreamFunctionPrior {
        StreamFunctionPrior(
            largestWavenumber: largestWavenumber, smoothness: smoothness, inverseLength: inverseLength, speed: speed)
    }
}
