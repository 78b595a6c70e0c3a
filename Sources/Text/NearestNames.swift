/// Suggests known names for a misspelled one, by edit distance.
package enum NearestNames {
    /// The known name with the smallest edit distance; nil if every name is too different for a useful suggestion.
    package static func guess(_ name: String, among names: [String]) -> String? {
        let limit = max(2, name.count / 3)
        // The distance is at least the difference in length. Without this test a long name would take long.
        let length = name.count
        let candidates = names.filter { abs($0.count - length) <= min(limit, $0.count - 1) }
        return candidates.map { (name: $0, distance: distance(name, $0)) }
            .filter { $0.distance <= min(limit, $0.name.count - 1) }
            .min { $0.distance < $1.distance }?.name
    }

    /// The names in ascending order of their edit distance from `name`, then in alphabetical order.
    package static func sorted(_ names: [String], nearest name: String) -> [String] {
        names.map { (distance: distance($0, name), name: $0) }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .map(\.name)
    }

    /// The optimal string alignment distance: the least number of insertions, deletions, substitutions and swaps of
    /// neighbouring letters that turns one name into the other. Case is ignored.
    package static func distance(_ first: String, _ second: String) -> Int {
        let a = Array(first.lowercased()), b = Array(second.lowercased())
        var rowBeforeLast = [Int](), lastRow = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var best = min(lastRow[j] + (a[i] == b[j] ? 0 : 1), lastRow[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rowBeforeLast[j - 1] + 1) }
                row.append(best)
            }
            rowBeforeLast = lastRow
            lastRow = row
        }
        return lastRow[b.count]
    }
}
