import CoupletTensors
import Testing

@Suite struct TensorTests {
    @Test func spansAreTheElementsOfAView() {
        let tensor = Tensor([3, 2], [1, 2, 3, 4, 5, 6]), middle = tensor.rows(1..<2)
        let read = middle.span
        #expect(read.count == 2 && read[0] == 3 && read[1] == 4)
        var written = middle.mutableSpan
        for i in written.indices { written[i] *= 10 }
        #expect(tensor.values == [1, 2, 30, 40, 5, 6])
        #expect(Tensor([0]).span.isEmpty && Tensor([0]).mutableSpan.isEmpty)
    }

    @Test func copiesRowsInAnyOrder() {
        let tensor = Tensor([3, 2, 1], [1, 2, 3, 4, 5, 6]), copy = tensor.rows(at: [2, 0, 2])
        #expect(copy.shape == [3, 2, 1] && copy.values == [5, 6, 1, 2, 5, 6])
        copy[0] = 0
        #expect(tensor.values == [1, 2, 3, 4, 5, 6])
        #expect(tensor.rows(at: []).shape == [0, 2, 1])
    }

    @Test(arguments: [1, 15, 16, 17, 100]) func addsAndScales(count: Int) {
        let x = (0..<count).map { Float($0) + 0.25 }, y = (0..<count).map { 3 - Float($0) * 0.1 }
        let tensor = Tensor([count], x)
        tensor.add(Tensor([count], y))
        #expect(tensor.values == zip(x, y).map { $0 + $1 })
        tensor.scale(by: 1.5)
        #expect(tensor.values == zip(x, y).map { ($0 + $1) * 1.5 })
    }
}
