import CoupletCommunication
import CoupletLosses
import CoupletTensors

/// Classes of many samples of which a few have labels: label spreading over the graph of nearest neighbours (Zhou,
/// Bousquet, Lal, Weston, Schölkopf 2003, Learning with Local and Global Consistency).
///
/// Samples i and j are neighbours with the weight W_ij = (A_ij + A_ji) / 2, where A_ij = 1 if the encoding of j is one
/// of the k encodings of the largest cosine with that of i, and 0 otherwise. With D = diag(Σ_j W_ij) and the labels Y
/// (Y_ic = 1 if sample i has the label c), the masses of the classes are
///
///     F = (1 - α) (I - α D^-½ W D^-½)^-1 Y
///
/// The class of a sample is that of its largest mass, after each column of F is divided by its sum, so that each class
/// has the same mass (Zhu, Ghahramani, Lafferty 2003, section 4). The largest mass of the lower class wins where two
/// are equal.
package struct LabelSpreading: Sendable {
    /// α: the share of a sample's mass that comes from its neighbours.
    private static let neighbourShare = 0.99
    /// Conjugate gradients end at this residual, relative to that of the start. They need about a hundred rounds: the
    /// eigenvalues of I - α D^-½ W D^-½ lie between 1 - α and 1 + α.
    private static let tolerance = 1e-8
    private static let maximumRounds = 1_000

    /// The neighbours of sample i are those in `starts[i]..<starts[i + 1]`, with their normalised weights.
    private let starts: [Int]
    private let neighbours: [Int32]
    private let weights: [Double]
    /// N.
    private var count: Int { starts.count - 1 }

    /// Builds the graph. Every worker calls it with the same encodings.
    /// - Parameters:
    ///   - encodings: N × e.
    ///   - neighbours: k, below N.
    /// - Throws: `SearchError` if an encoding is not finite; `CollectiveError` if a worker has failed.
    package init(_ encodings: Tensor, neighbours k: Int, communicator: any Communicator) throws {
        precondition(k > 0 && k < encodings.rows, "\(k) neighbours of \(encodings.rows) samples")
        let count = encodings.rows
        let search = try GallerySearch(similarity: .cosine, temperature: 1, top: k + 1)
        let gallery = Gallery(encodings, similarity: .cosine)
        var nearest: [[Int32]] = []
        for start in stride(from: 0, to: count, by: GallerySearch.queriesAtOnce) {
            let queries = start..<min(start + GallerySearch.queriesAtOnce, count)
            let found = try search.run(
                queries: encodings.rows(queries), gallery: gallery, firstQuery: start, communicator: communicator)
            for query in 0..<queries.count {
                // A sample is its own nearest neighbour, unless others equal it.
                let others = found.rows[found.range(ofQuery: query)].filter { $0 != start + query }
                nearest.append(others.prefix(k).map(Int32.init))
            }
        }
        // Both directions of each edge; an edge that is there twice has twice the weight.
        var edges = nearest
        for (sample, others) in nearest.enumerated() { for other in others { edges[Int(other)].append(Int32(sample)) } }
        let degrees = edges.map { Double($0.count).squareRoot() }
        var starts = [0], neighbours: [Int32] = [], weights: [Double] = []
        for (sample, others) in edges.enumerated() {
            for other in others.sorted() {
                neighbours.append(other)
                weights.append(1 / (degrees[sample] * degrees[Int(other)]))
            }
            starts.append(neighbours.count)
        }
        (self.starts, self.neighbours, self.weights) = (starts, neighbours, weights)
    }

    /// Returns the class of each sample.
    /// - Parameter labels: the samples with a label, and their labels from 0; each class has at least one.
    package func classes(from labels: [(sample: Int, label: Int)]) -> [Int] {
        let classCount = (labels.map(\.label).max() ?? -1) + 1
        // The share of each class, so that all classes have the same mass. The factor 1 - α cancels.
        let masses = (0..<classCount).map { label in
            var given = [Double](repeating: 0, count: count)
            for labelled in labels where labelled.label == label { given[labelled.sample] = 1 }
            let mass = solve(given), total = mass.reduce(0, +)
            return mass.map { $0 / total }
        }
        return (0..<count).map { sample in
            var best = 0
            for label in 1..<max(classCount, 1) {
                if masses[label][sample] > masses[best][sample] { best = label }
            }
            return best
        }
    }

    /// Solves (I - α D^-½ W D^-½) x = b by conjugate gradients.
    private func solve(_ b: [Double]) -> [Double] {
        func square(_ a: [Double]) -> Double { a.reduce(0) { $0 + $1 * $1 } }
        var x = [Double](repeating: 0, count: count), residual = b, direction = b
        let start = square(b)
        var squared = start
        for _ in 0..<Self.maximumRounds where squared > Self.tolerance * Self.tolerance * start {
            let image = (0..<count).map { sample in
                var sum = 0.0
                for edge in starts[sample]..<starts[sample + 1] {
                    sum += weights[edge] * direction[Int(neighbours[edge])]
                }
                return direction[sample] - Self.neighbourShare * sum
            }
            let length = squared / zip(direction, image).reduce(0) { $0 + $1.0 * $1.1 }
            for sample in 0..<count {
                x[sample] += length * direction[sample]
                residual[sample] -= length * image[sample]
            }
            let next = square(residual)
            for sample in 0..<count { direction[sample] = residual[sample] + next / squared * direction[sample] }
            squared = next
        }
        return x
    }
}
