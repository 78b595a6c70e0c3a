import CoupletTensors

/// `data.standardize`: which elements of a sample share a mean and a standard deviation.
public enum Standardization: String, CaseIterable, Sendable {
    /// Samples reach the encoders as the source gives them.
    case none
    /// Each element has its own.
    case feature
    /// Each channel has its own: the first extent of samples with three or more (channels × height × width), the second
    /// of samples with two (items × features). All elements of a list of numbers are one channel.
    case channel
}

/// Makes the inputs of an encoder from the samples of a source: x' = (x - m) · s, element by element, in Float32.
public struct InputScaling: Equatable, Sendable {
    /// m and s of each group of elements.
    public let mean: [Float], scale: [Float]
    /// Shape of a sample.
    let shape: [Int]
    /// The group of each element.
    private let layout: Layout

    /// How the elements of a sample form groups: element i belongs to group (i / inner) mod groups.
    struct Layout: Equatable, Sendable {
        let groups: Int
        let inner: Int

        init(_ standardization: Standardization, shape: [Int]) {
            switch (standardization, shape.count) {
            case (.none, _), (.channel, ...1): (groups, inner) = (1, shape.reduce(1, *))
            case (.feature, _): (groups, inner) = (shape.reduce(1, *), 1)
            case (.channel, 2): (groups, inner) = (shape[1], 1)
            case (.channel, _): (groups, inner) = (shape[0], shape.dropFirst().reduce(1, *))
            }
        }

        /// The elements of each group, ascending.
        func elements(of count: Int) -> [[Int]] {
            var elements = [[Int]](repeating: [], count: groups)
            for element in 0..<count { elements[element / inner % groups].append(element) }
            return elements
        }
    }

    /// The names of m and s in a checkpoint.
    package static let names = ["mean", "scale"]

    /// - Parameters:
    ///   - mean: m of each group.
    ///   - scale: s of each group.
    ///   - shape: the shape of a sample.
    /// - Returns: nil if the numbers of groups differ, or a number is not finite.
    public init?(mean: [Float], scale: [Float], _ standardization: Standardization, shape: [Int]) {
        layout = Layout(standardization, shape: shape)
        guard mean.count == layout.groups, scale.count == layout.groups, (mean + scale).allSatisfy(\.isFinite) else {
            return nil
        }
        (self.mean, self.scale, self.shape) = (mean, scale, shape)
    }

    /// Pictures of bytes, from 0 … 255 to 0 … 1.
    static func bytes(shape: [Int]) -> InputScaling {
        InputScaling(mean: [0], scale: [1 / 255], .none, shape: shape)!
    }

    /// Mean 0 and standard deviation 1 over the samples of the moments. A group whose elements are all equal gets mean
    /// 0 and keeps its scale.
    init(_ moments: [SampleMoments], _ standardization: Standardization, shape: [Int]) {
        layout = Layout(standardization, shape: shape)
        self.shape = shape
        let groups = layout.elements(of: moments.count).map { SampleMoments.pairwise($0.map { moments[$0] }) }
        mean = groups.map { Float($0.mean) }
        scale = groups.map { moments in
            let scale = Float(1 / moments.standardDeviation)
            return scale.isFinite ? scale : 1
        }
    }

    /// The extents with which m and s stand beside a sample of as many extents: [3, 1, 1] for three channels.
    package var groupShape: [Int] {
        if layout.groups == shape.reduce(1, *) { return shape }
        let ones = [Int](repeating: 1, count: shape.count)
        if layout.groups == 1 { return ones }
        return layout.inner == 1 ? ones.dropLast() + [layout.groups] : [layout.groups] + ones.dropFirst()
    }

    /// Replaces the samples in the rows of a tensor by inputs.
    package func apply(to samples: Tensor) {
        let count = shape.reduce(1, *), rows = count > 0 ? samples.count / count : 0
        mean.withUnsafeBufferPointer { mean in
            scale.withUnsafeBufferPointer { scale in
                for row in 0..<rows {
                    let sample = samples.pointer + row * count
                    // A run of `inner` elements has one mean; with one element a run, the means lie side by side.
                    if layout.inner == 1 {
                        for start in stride(from: 0, to: count, by: layout.groups) {
                            for group in 0..<layout.groups {
                                sample[start + group] = (sample[start + group] - mean[group]) * scale[group]
                            }
                        }
                    } else {
                        for run in 0..<(count / layout.inner) {
                            let group = run % layout.groups, m = mean[group], s = scale[group]
                            let elements = sample + run * layout.inner
                            for element in 0..<layout.inner { elements[element] = (elements[element] - m) * s }
                        }
                    }
                }
            }
        }
    }
}
