import CoupletEvaluation
import CoupletTensors
import Testing

@Suite struct CoefficientOfDeterminationTests {
    @Test func handComputedValues() {
        func column(_ numbers: [Double]) -> Matrix { Matrix(rows: numbers.count, columns: 1, elements: numbers) }
        // A residual of 2 and a total of 2: 1 - 2/2. Then the mean over two components, 1 and -3.
        #expect(CoefficientOfDetermination.mean(column([1, 2, 3]), column([2, 2, 2])) == 0)
        let truth = Matrix(rows: 2, columns: 2, elements: [1, 0, 3, 2]),
            predicted = Matrix(rows: 2, columns: 2, elements: [1, 2, 3, 0])
        #expect(CoefficientOfDetermination.mean(truth, predicted) == (1 + -3) / 2)
        // A constant has no variance to explain.
        #expect(CoefficientOfDetermination.mean(column([4, 4]), column([4, 4])) == 0)
        #expect(CoefficientOfDetermination.mean(column([4, 4]), column([4, 5])) == 0)
    }
}
