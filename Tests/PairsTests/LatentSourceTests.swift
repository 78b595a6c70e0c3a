import CoupletPairs
import CoupletTensors
import Testing

/// The specifications that the tests use.
private let specifications: [LatentSpecification] = [
    .init(), .init(styleChange: 0.75, statisticalDependence: true, causalDependence: true),
    .init(content: 1, style: 0, modality: 0),
    .init(content: 3, style: 0, modality: 4, statisticalDependence: true, causalDependence: true),
    .init(content: 2, style: 7, modality: 0, styleChange: 0.25, causalDependence: true, mixingLayers: 1),
    .init(content: 12, style: 11, modality: 9, styleChange: 0, mixingLayers: 2, sharedMixing: true),
]

/// Returns the latents of some samples, as rows of (c, s, s̃, m1, m2) in Double.
private func latentRows(_ source: LatentSource, _ split: Split, _ numbers: [UInt64]) throws -> Matrix {
    let blocks = try source.latents(split, numbers)
    var rows = Matrix(rows: numbers.count, columns: blocks.reduce(0) { $0 + $1.columns }), start = 0
    for block in blocks {
        for i in 0..<numbers.count {
            for k in 0..<block.columns { rows[i, start + k] = Double(block[i * block.columns + k]) }
        }
        start += block.columns
    }
    return rows
}

@Suite struct LatentSourceTests {
    /// Returns the mean and covariance of (c, s, s̃, m1, m2) in closed form.
    private func moments(_ source: LatentSource) -> (mean: [Double], covariance: Matrix) {
        let distribution = source.distribution,
            (content, style, modality) = (
                source.specification.content, source.specification.style, source.specification.modality
            )
        let c = distribution.contentCovariance, b = distribution.styleFromContent,
            probability = source.specification.styleChange
        let cs = c * b.transposed, s = b * c * b.transposed + distribution.styleCovariance
        var perturbed = s
        // Two different masks are both 1 with probability π², one mask with probability π.
        for i in 0..<style {
            for j in 0..<style {
                perturbed[i, j] +=
                    distribution.perturbationCovariance[i, j] * (i == j ? probability : probability * probability)
            }
        }
        let width = content + 2 * style + 2 * modality
        var joint = Matrix(rows: width, columns: width)
        func put(_ block: Matrix, _ row: Int, _ column: Int) {
            for i in 0..<block.rows {
                for j in 0..<block.columns {
                    (joint[row + i, column + j], joint[column + j, row + i]) = (block[i, j], block[i, j])
                }
            }
        }
        put(c, 0, 0)
        put(cs, 0, content)
        put(cs, 0, content + style)
        put(s, content, content)
        put(s, content, content + style)
        put(perturbed, content + style, content + style)
        put(distribution.firstModalityCovariance, content + 2 * style, content + 2 * style)
        put(distribution.secondModalityCovariance, content + 2 * style + modality, content + 2 * style + modality)
        let zero = [Double](repeating: 0, count: content)
        return (
            zero + distribution.styleMean + distribution.styleMean + [Double](repeating: 0, count: 2 * modality), joint
        )
    }

    @Test(arguments: specifications) func momentsMatchTheDistribution(specification: LatentSpecification) throws {
        let source = try LatentSource(specification, seed: 3), (mean, covariance) = moments(source), count = 100_000
        for (split, start) in [(Split.training, UInt64(0)), (.heldOut, 1 << 63)] {
            let rows = try latentRows(source, split, (0..<UInt64(count)).map { start + $0 })
            var centred = rows
            for i in mean.indices {
                for row in 0..<count { centred[row, i] -= mean[i] }
                let error = (covariance[i, i] / Double(count)).squareRoot()
                #expect(abs((0..<count).reduce(0) { $0 + centred[$1, i] } / Double(count)) <= 5 * error, "mean of \(i)")
            }
            // The standard error of a mean of products follows from Var(x_i x_j) = E[x_i² x_j²] - E[x_i x_j]².
            let squared = Matrix(rows: count, columns: mean.count, elements: centred.elements.map { $0 * $0 })
            let products = (1 / Double(count)) * (centred.transposed * centred),
                squares = (1 / Double(count)) * (squared.transposed * squared)
            for i in mean.indices {
                for j in 0...i {
                    let error = ((squares[i, j] - products[i, j] * products[i, j]) / Double(count)).squareRoot()
                    #expect(abs(products[i, j] - covariance[i, j]) <= 5 * error, "covariance of \(i) and \(j)")
                }
            }
        }
    }

    /// A style component is equal in both views with probability 1 - π.
    @Test(arguments: [0, 0.25, 0.75, 1]) func styleChangesWithTheGivenProbability(probability: Double) throws {
        let source = try LatentSource(.init(style: 4, styleChange: probability, causalDependence: true), seed: 8),
            count = 50_000
        let blocks = try source.latents(.training, Array(0..<UInt64(count)))
        for k in 0..<4 {
            let changed = (0..<count).count { blocks[1][4 * $0 + k] != blocks[2][4 * $0 + k] }
            let error = (Double(count) * probability * (1 - probability)).squareRoot()
            #expect(abs(Double(changed) - Double(count) * probability) <= 4.5 * error)
        }
    }

    @Test(arguments: specifications) func viewsAreMixedLatents(specification: LatentSpecification) throws {
        let source = try LatentSource(specification, seed: 5), numbers = (0..<150).map { UInt64($0) * 7 + 1 }
        let inputs = specification.inputs,
            (content, style, modality) = (specification.content, specification.style, specification.modality)
        let rows = try latentRows(source, .training, numbers)
        let inputColumns = [
            Array(0..<(content + style)) + (0..<modality).map { content + 2 * style + $0 },
            Array(0..<content) + (0..<style).map { content + style + $0 }
                + (0..<modality).map { content + 2 * style + modality + $0 },
        ]
        for (modality, (mixing, columns)) in zip(Modality.allCases, zip(source.bothMixings, inputColumns)) {
            #expect(source.description(of: modality).shape == [inputs])
            let view = try source.readRaw(.training, numbers, modality), unmixed = source.unmix(modality, view)
            for i in numbers.indices {
                // Computes the mixing layer by layer, in Double.
                let inputsOfSample = columns.map { rows[i, $0] }
                var values = inputsOfSample
                for (layer, matrix) in mixing.layers.enumerated() {
                    if layer > 0 { values = values.map { $0 < 0 ? 0.2 * $0 : $0 } }
                    values = (0..<inputs).map { row in (0..<inputs).reduce(0) { $0 + matrix[row, $1] * values[$1] } }
                }
                for k in 0..<inputs {
                    #expect(abs(Double(view[i * inputs + k]) - values[k]) <= 1e-5 * (1 + abs(values[k])))
                    #expect(abs(unmixed[i, k] - inputsOfSample[k]) <= 1e-3)
                }
            }
        }
    }

    /// A view has the same bits read alone, with the other view, in any batch, and at any alignment.
    @Test(arguments: specifications) func bitsDoNotDependOnTheBatch(specification: LatentSpecification) throws {
        let source = try LatentSource(specification, seed: 2),
            numbers = (0..<333).map { UInt64($0) &* 0xDEAD_BEEF_1234_5679 }
        let inputs = specification.inputs
        func read(_ numbers: [UInt64], shift: Int) throws -> [[Float]] {
            let views = (0..<2).map { _ in Tensor([numbers.count * inputs + shift]) }
            let shifted = views.map { $0.flat(shift..<$0.count).reshaped([numbers.count, inputs]) }
            try source.read(.heldOut, numbers, first: shifted[0], second: shifted[1])
            return shifted.map(\.values)
        }
        let whole = try read(numbers, shift: 0), latents = try source.latents(.heldOut, numbers).map(\.values)
        for (modality, view) in zip(Modality.allCases, whole) {
            #expect((try source.readRaw(.heldOut, numbers, modality).values == view) as Bool)
        }
        for size in [1, 2, 7, 63, 64, 65, 128] {
            var grouped: [[Float]] = [[], []], groupedLatents = [[Float]](repeating: [], count: 5)
            for start in stride(from: 0, to: 333, by: size) {
                let batch = Array(numbers[start..<min(start + size, 333)])
                for (index, values) in try read(batch, shift: size % 5).enumerated() { grouped[index] += values }
                for (index, block) in try source.latents(.heldOut, batch).enumerated() {
                    groupedLatents[index] += block.values
                }
            }
            #expect((grouped == whole && groupedLatents == latents) as Bool)
        }
        // Seed and split determine the latents.
        #expect(try LatentSource(specification, seed: 2).latents(.heldOut, numbers).map(\.values) == latents)
        #expect(try LatentSource(specification, seed: 4).latents(.heldOut, numbers).map(\.values) != latents)
        #expect(try source.latents(.training, numbers).map(\.values) != latents)
    }

    @Test func onlyTheContentIsSwapped() throws {
        for specification in specifications {
            let source = try LatentSource(specification, seed: 6), numbers = (0..<100).map { UInt64($0) },
                contentNumbers = Array(numbers.reversed())
            let inputs = specification.inputs, content = specification.content
            let latents = try latentRows(source, .heldOut, numbers),
                swappedIn = try latentRows(source, .heldOut, contentNumbers)
            let views = (0..<2).map { _ in Tensor([numbers.count, inputs]) }
            try source.readSwappingContent(
                .heldOut, numbers, contentOf: contentNumbers, first: views[0], second: views[1])
            let plain = try Modality.allCases.map { source.unmix($0, try source.readRaw(.heldOut, numbers, $0)) }
            for (modality, before) in zip(Modality.allCases, plain) {
                let after = source.unmix(modality, views[modality == .first ? 0 : 1])
                for i in numbers.indices {
                    for k in 0..<inputs {
                        let expected = k < content ? swappedIn[i, k] : before[i, k]
                        #expect(abs(after[i, k] - expected) <= 2e-3)
                        if k < content { #expect(abs(before[i, k] - latents[i, k]) <= 1e-3) }
                    }
                }
            }
            // A sample with its own content has the same bits.
            try source.readSwappingContent(.heldOut, numbers, contentOf: numbers, first: views[0], second: nil)
            #expect(try views[0].values == source.readRaw(.heldOut, numbers, .first).values)
        }
    }

    /// Compares with the R² of the least squares fit of s and s̃ by c. The masks are independent of c, so the best
    /// predictor is linear.
    @Test(arguments: [false, true]) func contentDeterminationIsTheR2OfALinearFit(isDependent: Bool) throws {
        let count = 100_000
        let source = try LatentSource(
            .init(styleChange: 0.6, statisticalDependence: isDependent, causalDependence: true), seed: 12)
        let blocks = try source.latents(.heldOut, Array(0..<UInt64(count))).map { Matrix($0) }
        let normal = blocks[0].transposed * blocks[0]
        func fitted(_ block: Matrix) throws -> Double {
            var total = 0.0
            var centred = block
            for k in 0..<block.columns {
                let mean = (0..<count).reduce(0) { $0 + block[$1, k] } / Double(count)
                for i in 0..<count { centred[i, k] -= mean }
            }
            let residual = centred - blocks[0] * (try normal.solve(blocks[0].transposed * centred))
            for k in 0..<block.columns {
                let left = (0..<count).reduce(0) { $0 + residual[$1, k] * residual[$1, k] }
                total += 1 - left / (0..<count).reduce(0) { $0 + centred[$1, k] * centred[$1, k] }
            }
            return total / Double(block.columns)
        }
        let exact = source.contentDetermination
        #expect(source.latentFactors.map(\.name) == ["c", "s", "s_perturbed", "m1", "m2"] && exact.count == 5)
        for (block, expected) in zip(blocks, exact) {
            let expected = try #require(expected)
            #expect(try abs(fitted(block) - expected) <= 0.01)
        }
        #expect(exact[1]! > exact[2]! && exact[2]! > 0.2)
        // Without causal dependence the content does not predict the style; an empty block has no R².
        #expect(
            try LatentSource(.init(statisticalDependence: isDependent), seed: 12).contentDetermination == [
                1, 0, 0, 0, 0,
            ])
        #expect(
            try LatentSource(.init(style: 0, modality: 0, causalDependence: true), seed: 12).contentDetermination == [
                1, nil, nil, nil, nil,
            ])
    }

    @Test func preparationKeepsValidRows() throws {
        let source = try LatentSource(.init(content: 2, style: 1, modality: 0), seed: 1),
            rows = Tensor([2, 3], [1, 2, 3, 4, 5, 6])
        #expect(try source.prepare(.first, raw: rows).values == rows.values)
        #expect(throws: DataError.self) { try source.prepare(.second, raw: Tensor([1, 2], [1, 2])) }
        #expect(throws: DataError.self) { try source.prepare(.first, raw: Tensor([1, 3], [1, .nan, 3])) }
        #expect(
            try source.labels(.training, [1]) == nil && source.dataDigest() == nil && source.count(of: .heldOut) == nil)
        // Reading no samples is valid.
        try source.read(.training, [], first: Tensor([0, 3]), second: Tensor([0, 3]))
        #expect(try source.latents(.training, []).map(\.shape) == [[0, 2], [0, 1], [0, 1], [0, 0], [0, 0]])
    }

    @Test func impossibleValuesAreErrors() {
        for specification in [
            LatentSpecification(content: 0), .init(content: -3), .init(style: -1), .init(modality: -1),
            .init(styleChange: 1.01), .init(styleChange: -0.1), .init(styleChange: .nan), .init(mixingLayers: 0),
            .init(mixingLayers: .max),
            .init(content: .max, style: .max), .init(content: 100, style: 29, modality: 0),
        ] {
            #expect(throws: DataError.self, "\(specification)") { try LatentSource(specification, seed: 1) }
        }
    }

    @Test func summaryHasTheConditionNumbers() throws {
        func rounded(_ number: Double) -> String { "\((number * 100).rounded() / 100)" }
        let plain = try LatentSource(.init(), seed: 1),
            dependent = try LatentSource(.init(statisticalDependence: true, causalDependence: true), seed: 1)
        #expect(plain.latentSummary.count == 1 && dependent.latentSummary.count == 3)
        for number in plain.bothMixings.flatMap(\.conditionNumbers) + [plain.conditionThreshold] {
            #expect(plain.latentSummary[0].contains(rounded(number)))
        }
        for (name, value) in dependent.distribution.conditionNumbers {
            #expect(dependent.latentSummary[1].contains("\(name) \(rounded(value))"))
        }
    }
}
