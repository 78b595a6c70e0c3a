/// Which known name a mistyped one may have meant.
enum NearestName {
    /// The name that takes the fewest changes to reach; nil where every one is so far that guessing would mislead.
    static func of(_ word: String, among names: [String]) -> String? {
        let limit = max(2, word.count / 3)
        return names.map { (name: $0, distance: distance(word, $0)) }.filter { $0.distance <= min(limit, $0.name.count - 1) }
            .min { $0.distance < $1.distance }?.name
    }

    /// The number of letters put in, left out, changed or swapped with a neighbour (optimal string alignment), case aside.
    static func distance(_ first: String, _ second: String) -> Int {
        let a = Array(first.lowercased().utf8), b = Array(second.lowercased().utf8)
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
