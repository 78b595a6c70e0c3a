extension JSONValue {
    /// As a list of numbers, null among them as NaN; nil for any other value.
    package var numbers: [Double]? {
        guard case .array(let values) = self, !values.isEmpty else { return nil }
        let numbers = values.map { $0 == .null ? Double.nan : $0.number }
        return numbers.contains { $0 == nil } ? nil : numbers.compactMap { $0 }
    }
}
