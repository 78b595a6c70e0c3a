import CoupletTensors

/// Several targets of the same samples as one matrix, whose columns are all their components.
enum StackedTargets {
    /// Components × samples, a range of them left out.
    static func rows(_ targets: [Matrix], leavingOut range: Range<Int>?) -> Matrix {
        let samples = targets[0].rows, range = range ?? samples..<samples
        var elements: [Double] = []
        elements.reserveCapacity((samples - range.count) * targets.reduce(0) { $0 + $1.columns })
        for target in targets {
            for column in 0..<target.columns {
                for row in 0..<range.lowerBound { elements.append(target[row, column]) }
                for row in range.upperBound..<samples { elements.append(target[row, column]) }
            }
        }
        return Matrix(rows: targets.reduce(0) { $0 + $1.columns }, columns: samples - range.count, elements: elements)
    }

    /// The R² of each target.
    /// - Parameter predicted: rows of `rows` × components.
    static func scores(_ targets: [Matrix], rows: Range<Int>, _ predicted: Matrix) -> [Double] {
        var first = 0
        return targets.map { target in
            defer { first += target.columns }
            return CoefficientOfDetermination.mean(target, rows: rows) { predicted[$0, first + $1] }
        }
    }
}
