import CoupletTensors

extension Tensor {
    /// Divides each row by its Euclidean length, which is summed in Double. A row of zeros stays as it is.
    package func scaleRowsToUnitLength() {
        for row in 0..<rows {
            let numbers = self.rows(row..<row + 1)
            var sum = 0.0
            for index in 0..<columns { sum += Double(numbers[index]) * Double(numbers[index]) }
            if sum == 0 { continue }
            let length = sum.squareRoot()
            for index in 0..<columns { numbers[index] = Float(Double(numbers[index]) / length) }
        }
    }
}
