import CoupletText

/// What a loss would learn from infinitely many pairs, found numerically by `Tests/Peers/population.py`.
struct NumericalMinimizer {
    /// Of Ã; for the cosine, of Ã over the lengths of both encoders.
    let singularValues: [Double]
    /// The trial's relative error against it.
    let error: Double

    /// By the names of the trials, from a list of objects with `trial`, `population` and `error`; what is none of these is left out.
    static func all(in list: JSONValue?) -> [String: NumericalMinimizer] {
        guard case .array(let entries) = list else { return [:] }
        var found: [String: NumericalMinimizer] = [:]
        for entry in entries {
            guard let trial = entry["trial"]?.string, let values = entry["population"]?.numbers,
                let error = entry["error"]?.number
            else { continue }
            found[trial] = NumericalMinimizer(singularValues: values, error: error)
        }
        return found
    }
}
