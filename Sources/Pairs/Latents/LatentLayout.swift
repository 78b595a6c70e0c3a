import CoupletTensors

/// Where the blocks lie in a row of latents: m1, s, c, s̃, m2, so that what makes a view lies together.
struct LatentLayout: Sendable {
    let firstModality: Range<Int>, style: Range<Int>, content: Range<Int>, perturbed: Range<Int>,
        secondModality: Range<Int>
    /// The numbers of a row.
    let width: Int

    init(_ specification: LatentSpecification) {
        let (content, style, modality) = (specification.content, specification.style, specification.modality)
        func block(after start: Int, _ count: Int) -> Range<Int> { start..<(start + count) }
        firstModality = block(after: 0, modality)
        self.style = block(after: modality, style)
        self.content = block(after: modality + style, content)
        perturbed = block(after: modality + style + content, style)
        secondModality = block(after: modality + 2 * style + content, modality)
        width = content + 2 * style + 2 * modality
    }

    /// In the order of files and tables.
    var blocks: [(name: String, columns: Range<Int>)] {
        [("c", content), ("s", style), ("s_perturbed", perturbed), ("m1", firstModality), ("m2", secondModality)]
    }

    /// Where the first view's numbers begin, and the second's.
    var first: Int { firstModality.lowerBound }
    var second: Int { content.lowerBound }

    /// The place in (c, s, m1) of each of the numbers m1, s, c.
    var firstOrder: [Int] {
        let afterStyle = content.count + style.count
        return Array(afterStyle..<(afterStyle + firstModality.count)) + Array(content.count..<afterStyle)
            + Array(0..<content.count)
    }

    /// The place in (c, s̃, m2) of each of the numbers c, s̃, m2.
    var secondOrder: [Int] { Array(0..<(content.count + style.count + secondModality.count)) }

    /// The map of standard normal numbers to m1, s - a, c, δ, m2.
    func map(_ distribution: LatentDistribution) -> Matrix {
        let roots = distribution.roots
        var map = Matrix(rows: width, columns: width)
        for (rows, columns, block) in [
            (firstModality, firstModality, roots.firstModality), (style, style, roots.style),
            (style, content, distribution.styleFromContent * roots.content), (content, content, roots.content),
            (perturbed, perturbed, roots.perturbation), (secondModality, secondModality, roots.secondModality),
        ] {
            for i in 0..<block.rows {
                for j in 0..<block.columns { map[rows.lowerBound + i, columns.lowerBound + j] = block[i, j] }
            }
        }
        return map
    }
}
