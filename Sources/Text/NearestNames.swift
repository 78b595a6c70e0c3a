/// Which of the known names a mistyped one was probably meant to be.
package enum NearestNames {
    /// The name that takes the fewest changes to reach; nil where every one is so far that guessing would mislead.
    package static func guess(_ name: String, among names: [String]) -> String? {
        let limit = max(2, name.count / 3)
        return names.map { (name: $0, distance: distance(name, $0)) }.filter {
            $0.distance <= min(limit, $0.name.count - 1)
        }
        .min { $0.distance < $1.distance }?.name
    }

    /// The names, those that differ least from `name` first.
    package static func sorted(_ names: [String], nearest name: String) -> [String] {
        names.map { (distance: distance($0, name), name: $0) }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .map(\.name)
    }

    /// How many letters must be put in, left out, changed or swapped with a neighbour (optimal string alignment), whatever their case.
    package static func distance(_ first: String, _ second: String) -> Int {
        let a = Array(first.lowercased()), b = Array(second.lowercased())
        var beforeLast = [Int](), last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var best = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
                row.append(best)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
