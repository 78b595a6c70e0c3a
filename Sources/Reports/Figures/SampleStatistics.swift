/// Mean and spread of several numbers.
package struct SampleStatistics {
    package let mean: Double
    /// The sample's standard deviation; 0 for one number.
    package let deviation: Double
    package let count: Int

    package init(_ values: [Double]) {
        let mean = values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
        self.mean = mean
        count = values.count
        deviation =
            count > 1 ? (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot() : 0
    }

    /// The mean and its standard error.
    package var pair: (mean: Double, error: Double) { (mean, count > 1 ? deviation / Double(count).squareRoot() : 0) }
}
