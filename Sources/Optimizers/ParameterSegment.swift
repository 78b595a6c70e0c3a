import CoupletNetworks

/// A contiguous range of an encoder's flat parameters that one call of an update rule covers.
struct ParameterSegment: Equatable {
    /// Range in the flat buffer.
    let range: Range<Int>
    /// Index in `layout.entries` of the tensor to which the range belongs; nil if it covers several tensors.
    let entry: Int?
    /// λ of these parameters.
    let weightDecay: Double

    /// The segments of an elementwise rule: neighbouring tensors with the same weight decay form one segment, so that
    /// a bucket needs as few calls as possible. Padding belongs to the tensor before it.
    /// - Parameters:
    ///   - bucket: a bucket of the layout.
    ///   - owned: the part of the bucket that the segments cover.
    static func groups(
        _ layout: ParameterLayout, bucket: ParameterLayout.Bucket, owned: Range<Int>,
        _ specification: OptimizerSpecification
    ) -> [ParameterSegment] {
        let entries = layout.entries.filter { bucket.range.overlaps($0.range) }
        var groups: [(start: Int, weightDecay: Double)] = []
        for entry in entries {
            let weightDecay = specification.weightDecay(of: entry)
            if groups.last?.weightDecay != weightDecay { groups.append((entry.range.lowerBound, weightDecay)) }
        }
        let ends = groups.dropFirst().map(\.start) + [bucket.range.upperBound]
        return zip(groups, ends).map {
            ParameterSegment(
                range: ($0.start..<$1).clamped(to: owned), entry: nil, weightDecay: $0.weightDecay)
        }.filter { !$0.range.isEmpty }
    }

    /// The segments of a rule that uses norms of tensors: one for each tensor. Padding belongs to none.
    static func tensors(
        _ layout: ParameterLayout, owned: Range<Int>, _ specification: OptimizerSpecification
    ) -> [ParameterSegment] {
        layout.entries.enumerated().map { index, entry in
            ParameterSegment(
                range: entry.range.clamped(to: owned), entry: index, weightDecay: specification.weightDecay(of: entry))
        }.filter { !$0.range.isEmpty }
    }
}

extension OptimizerSpecification {
    /// λ of one tensor.
    func weightDecay(of entry: ParameterLayout.Entry) -> Double {
        switch decayedParameters {
        case .all: weightDecay
        case .weights: entry.isVector ? 0 : weightDecay
        }
    }
}

extension ParameterLayout.Entry {
    /// Whether the tensor has at most one dimension, as biases, scales and shifts have.
    var isVector: Bool { shape.count <= 1 }
}
