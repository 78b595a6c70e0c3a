/// Which of the known names a mistyped one was probably meant to be.
package enum NearestNames {
    /// The names, those that differ least from `name` first.
    package static func sorted(_ names: [String], nearest name: String) -> [String] {
        names.map { (distance: distance($0, name), name: $0) }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .map(\.name)
    }

    /// How many letters must be put in, left out or changed (Levenshtein 1966), whatever their case.
    package static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.lowercased()), Array(b.lowercased()))
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let changed = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(changed, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
}
