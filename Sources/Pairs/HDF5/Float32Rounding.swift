import CoupletStorage

/// Finds columns whose numbers differ by less than Float32 can tell apart: Unix times, identifiers or coordinates with
/// a large offset, stored as integers or Float64.
enum Float32Rounding {
    /// Largest accepted error of rounding, relative to the standard deviation of a column.
    private static let tolerance = 1e-4
    /// Columns with a smaller standard deviation relative to their mean are constants with the noise of Float64.
    private static let constancy = 1e-12
    /// Number of ranges of rows to read, and their size in numbers.
    private static let ranges = 16, rangeNumbers = 1 << 16

    /// Checks the rows of ranges that are spread evenly over the dataset.
    /// - Throws: `DataError` that names the column; `FileError` if the dataset cannot be read.
    static func check(_ dataset: DatasetDescription, of file: HDF5File) throws {
        let isExact =
            switch dataset.elementClass {
            case .integer: dataset.elementBytes < 4
            case .float: dataset.elementBytes <= 4
            case .other: true
            }
        let columns = dataset.columns
        guard !isExact, dataset.rows > 1, columns > 0, columns <= 1 << 22 else { return }
        let rangeRows = max(2, rangeNumbers / columns)
        var statistics = [Column](repeating: Column(), count: columns)
        for rows in evenRanges(of: dataset.rows, rangeRows) {
            if dataset.elementClass == .integer, !(dataset.isUnsigned && dataset.elementBytes >= 8) {
                let numbers = try file.readIntegers(dataset.name, rows: rows)
                for (index, number) in numbers.enumerated() { statistics[index % columns].add(number) }
            } else {
                let numbers = try file.readDoubles(dataset.name, rows: rows)
                for (index, number) in numbers.enumerated() where number.isFinite {
                    statistics[index % columns].add(number)
                }
            }
        }
        guard let column = statistics.firstIndex(where: \.isLost) else { return }
        let found = statistics[column]
        let place = columns == 1 ? "it" : "column \(column)"
        throw DataError(
            at: "\(file.path):\(dataset.name)",
            reason:
                "\(place) holds numbers from \(text(found.smallest)) to \(text(found.largest)), which Float32 cannot "
                + "tell apart: rounded to multiples of \(text(Double(Float(found.largest.magnitude).ulp)))",
            remedy: "subtract an offset such as \(text(found.smallest)) before you write the file, or standardise the "
                + "column to mean 0 and standard deviation 1")
    }

    private static func text(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? "\(number)"
    }

    private static func evenRanges(of count: Int, _ length: Int) -> [Range<Int>] {
        if count <= ranges * length { return [0..<count] }
        return (0..<ranges).map { index in
            let start = (count - length) / (ranges - 1) * index
            return start..<start + length
        }
    }

    /// The moments of a column, relative to its first number.
    private struct Column {
        private var origin: Double?, integerOrigin = 0, isInteger = false
        private var count = 0.0, sum = 0.0, squares = 0.0, errors = 0.0
        private(set) var smallest = Double.infinity, largest = -Double.infinity

        mutating func add(_ number: Int) {
            if origin == nil { (origin, integerOrigin, isInteger) = (Double(number), number, true) }
            let (difference, overflows) = number.subtractingReportingOverflow(integerOrigin)
            let rounded = Float(number)
            let error =
                Int(exactly: rounded).map { Double($0.subtractingReportingOverflow(number).partialValue) }
                ?? Double(rounded) - Double(number)
            add(Double(number), overflows ? Double(number) - origin! : Double(difference), error)
        }

        mutating func add(_ number: Double) {
            if origin == nil { origin = number }
            add(number, number - origin!, Double(Float(number)) - number)
        }

        private mutating func add(_ number: Double, _ difference: Double, _ error: Double) {
            count += 1
            sum += difference
            squares += difference * difference
            errors += error * error
            smallest = min(smallest, number)
            largest = max(largest, number)
        }

        /// Whether rounding loses a noticeable part of what the column tells.
        var isLost: Bool {
            guard let origin, count > 1, errors.isFinite, squares.isFinite else { return false }
            let mean = sum / count, variance = max(squares / count - mean * mean, 0)
            // Integers have no noise.
            let noise = isInteger ? 0 : constancy * abs(origin + mean)
            return variance > noise * noise
                && errors / count > tolerance * tolerance * variance
        }
    }
}
