import CoupletPairs
import CoupletTensors
import Testing

extension LatentSource {
    /// f1 and f2.
    var bothMixings: [InvertibleMixing] { [mixings.first, mixings.second] }
}

@Suite struct InvertibleMixingTests {
    /// Compares with a naive selection: condition numbers by LAPACK's singular values, matrices from the documented
    /// draws.
    @Test(arguments: [(5, 5, 5), (2, 0, 1)]) func layersAreTheBestConditionedDraws(
        content: Int, style: Int, modality: Int
    ) throws {
        let seed: UInt64 = 9, size = content + style + modality, philox = Philox(seed: seed)
        let source = try LatentSource(
            .init(content: content, style: style, modality: modality, mixingLayers: 4), seed: seed)
        var draws: [(matrix: Matrix, condition: Double)] = []
        let uniforms = Tensor([size * size])
        for number in 0..<25_000 {
            philox.fillUniform(uniforms, .source, number: 1 << 32 + UInt64(number))
            var matrix = Matrix(rows: size, columns: size, elements: uniforms.values.map { 2 * Double($0) - 1 })
            for column in 0..<size {
                let length = (0..<size).reduce(0) { $0 + matrix[$1, column] * matrix[$1, column] }.squareRoot()
                for row in 0..<size { matrix[row, column] = Double(Float(matrix[row, column] / length)) }
            }
            let values = try matrix.singularValueDecomposition().singularValues
            draws.append((matrix, values[0] / values[size - 1]))
        }
        // 25 draws are below the threshold, as in the paper's code.
        let threshold = draws.map(\.condition).sorted()[25]
        #expect(abs(source.conditionThreshold - threshold) <= 1e-10 * threshold)
        let selected = draws.filter { $0.condition <= threshold * (1 + 1e-10) }
        #expect(selected.count == 26)
        let layers = source.bothMixings.flatMap(\.layers), conditions = source.bothMixings.flatMap(\.conditionNumbers)
        #expect(layers.count == 8 && conditions.count == 8)
        for (index, layer) in layers.enumerated() {
            #expect((layer - selected[index].matrix).elements.allSatisfy { abs($0) <= 1.3e-7 })
            #expect(abs(conditions[index] - selected[index].condition) <= 1e-5 * threshold)
            #expect(conditions[index] <= source.conditionThreshold)
            let values = try layer.singularValueDecomposition().singularValues
            #expect(abs(conditions[index] - values[0] / values[size - 1]) <= 1e-11 * threshold)
        }
    }

    /// If too few draws of the pool are below the threshold, later draws below it follow.
    @Test func deepMixingsUseLaterDraws() throws {
        let source = try LatentSource(.init(content: 2, style: 0, modality: 1, mixingLayers: 20), seed: 1)
        let layers = source.bothMixings.flatMap(\.layers)
        #expect(layers.count == 40 && Set(layers.map { "\($0.elements)" }).count == 40)
        for layer in layers {
            let values = try layer.singularValueDecomposition().singularValues
            #expect(values[0] / values[2] <= source.conditionThreshold * (1 + 1e-11))
        }
        // A shallow mixing has the same first layer.
        #expect(
            try LatentSource(.init(content: 2, style: 0, modality: 1, mixingLayers: 1), seed: 1).mixings.first.layers[0]
                == layers[0])
    }

    @Test func columnsAreUnitVectorsOfFloats() throws {
        for layer in try LatentSource(.init(content: 4, style: 3, modality: 2), seed: 7).bothMixings.flatMap(\.layers) {
            for column in 0..<9 {
                #expect(abs((0..<9).reduce(0) { $0 + layer[$1, column] * layer[$1, column] } - 1) <= 1e-6)
            }
            #expect(layer.elements.allSatisfy { Double(Float($0)) == $0 })
        }
    }

    @Test(arguments: [1, 2, 3, 6]) func unmixInvertsMix(layers: Int) throws {
        let source = try LatentSource(.init(mixingLayers: layers), seed: 13)
        let normals = Philox(seed: 77).normals(500 * 15, .evaluation, number: 0).map { 3 * Double($0) }
        let latents = Matrix(rows: 500, columns: 15, elements: normals)
        // A layer amplifies rounding errors by its condition number, about 8 here, times 5 for the slope.
        let limit = layers <= 3 ? 1e-10 : 1e-8
        for mixing in source.bothMixings {
            let mixed = mixing.mix(latents)
            #expect((mixing.unmix(mixed) - latents).elements.allSatisfy { abs($0) <= limit })
            #expect((mixing.mix(mixing.unmix(latents)) - latents).elements.allSatisfy { abs($0) <= limit })
            // The mixing is not linear: f(-z) differs from -f(z) if there is an activation.
            let odd = (mixing.mix(-1 * latents) + mixed).elements.map(abs).max()!
            #expect(layers == 1 ? odd <= 1e-12 : odd > 0.1)
        }
    }

    @Test func sharedMixingIsEqualForBothViews() throws {
        let separate = try LatentSource(.init(), seed: 1), shared = try LatentSource(.init(sharedMixing: true), seed: 1)
        #expect(separate.mixings.first.layers != separate.mixings.second.layers)
        #expect(
            shared.mixings.first.layers == shared.mixings.second.layers
                && shared.mixings.first.layers == separate.mixings.first.layers)
        // Without perturbation and modality-specific factors, both views are equal up to the order of sums.
        let twins = try LatentSource(
            .init(content: 3, style: 2, modality: 0, styleChange: 0, sharedMixing: true), seed: 1)
        let views = try Modality.allCases.map { try twins.readRaw(.training, [1, 2, 3], $0).values }
        for (a, b) in zip(views[0], views[1]) { #expect(abs(a - b) <= 1e-6) }
    }
}
