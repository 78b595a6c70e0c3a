import CoupletNetworks
import CoupletTensors
import Testing

/// The place of a table of which a step touches few rows, and the numbers of the rows in its gradient.
@Suite struct SparseTableLayoutTests {
    private struct Table: Layer {
        let rows: Int
        let width: Int
        let inputShape = [3]
        var outputShape: [Int] { [width] }
        var parameterShapes: [(name: String, shape: [Int])] { [("weight", [rows, width])] }
        var sparseTable: SparseTable? { SparseTable(rows: rows, width: width, zeroIsPadding: false) }
        func initialize(_ parameters: [Tensor], philox: Philox, firstNumber: UInt64, scale: Float) {
            parameters[0].fill(scale)
        }
        func forward(
            _ input: Tensor, parameters: [Tensor], output: Tensor, savedForBackward: Tensor, scratch: Tensor,
            context: LayerContext
        ) {}
        func backward(
            input: Tensor, output: Tensor, outputGradient: Tensor, parameters: [Tensor], parameterGradients: [Tensor],
            inputGradient: Tensor?, savedForBackward: Tensor, scratch: Tensor, context: LayerContext
        ) {}
    }

    @Test(arguments: [(2, 1), (100, 6), (1001, 16), (77, 24), (5000, 64)], [1, 8, 16])
    func theTableIsTheLastBucketAndItsBlocksHoldWholeRows(_ shape: (rows: Int, width: Int), _ shards: Int) throws {
        let encoder = Encoder(
            layers: [
                Table(rows: shape.rows, width: shape.width), Linear(inputShape: [shape.width], outputs: 700),
                Linear(inputShape: [700], outputs: 500), Linear(inputShape: [500], outputs: 3),
            ], initialScale: 0.5, shards: shards)
        let layout = encoder.layout, table = try #require(layout.buckets.last)
        #expect(layout.buckets.map(\.isSparse) == [false, true])
        #expect(layout.buckets[0].layers == 1..<4 && table.layers == 0..<1)
        #expect(table.range == layout.denseCount..<layout.count && layout.denseCount == layout.buckets[0].range.count)
        let entry = try #require(layout.entries.first)
        #expect(layout.entries.map(\.layer) == [0, 1, 1, 2, 2, 3, 3])
        #expect(entry.path == "0/weight" && entry.range.lowerBound == table.range.lowerBound)
        #expect(entry.range.count == shape.rows * shape.width && entry.range.upperBound <= table.range.upperBound)
        let block = table.range.count / shards
        #expect(table.range.count % shards == 0 && block % 16 == 0 && block % shape.width == 0)
        // No more than the alignment asks for.
        #expect(table.range.count - entry.range.count < shards * 17 * shape.width)
        // The initial scale belongs to the last layer, not to the last tensor.
        let parameters = encoder.initialParameters(philox: Philox(seed: 1), encoderNumber: 0)
        #expect(parameters.flat(entry.range).values.allSatisfy { $0 == 1 })
        #expect(encoder.views(of: parameters)[0][0].isSameMemory(as: parameters.flat(entry.range)))
        let gradients = encoder.gradientViews(of: Tensor([layout.denseCount]), table: Tensor([2, shape.width]))
        #expect(gradients[0][0].shape == [2, shape.width] && gradients[3].map(\.shape) == [[3, 500], [3]])
    }

    @Test(arguments: [false, true]) func rowsHaveTheirNumbersInOrder(zeroIsPadding: Bool) {
        let rows = TouchedRows(SparseTable(rows: 128, width: 4, zeroIsPadding: zeroIsPadding))
        for numbers: [Float] in [[127, 64, 5, 64, 0, 63, 127], [2, 2], []] {
            rows.removeAll()
            rows.insert(Tensor([numbers.count], numbers))
            rows.makeList()
            [70, 5].withUnsafeBufferPointer { rows.insert($0) }
            rows.makeList()
            let expected = Set(numbers + [70, 5] + (zeroIsPadding ? [0] : [])).sorted()
            #expect(rows.rows.map { Float($0) } == expected && rows.count == expected.count)
            // What is no row has no position.
            let samples = numbers + [128, -1, .infinity, 2.5]
            let positions = Tensor([samples.count])
            rows.insert(Tensor([samples.count], samples))
            rows.makeList()
            rows.convert(Tensor([samples.count], samples), into: positions)
            #expect(positions.values.prefix(numbers.count) == numbers.map { Float(expected.firstIndex(of: $0)!) }[...])
            #expect(positions.values.suffix(4).allSatisfy { $0.isNaN })
            for row in 0...128 { #expect(rows.countBefore(row) == expected.filter { $0 < Float(row) }.count) }
        }
    }
}
