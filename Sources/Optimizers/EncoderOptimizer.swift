import CCoupletKernels
import CoupletCommunication
import CoupletNetworks
import CoupletTensors

/// One worker's part of the optimizer of one encoder: the moments and the moving average of the parameters that the
/// worker owns, and their update.
///
/// A worker owns a slice of each bucket of the flat parameters (`Communicator.ownedBlocks`). Moments and average exist
/// once over all workers.
/// The learned scalars of the objective are updated by `OptimizerSpecification.kind` directly.
package final class EncoderOptimizer {
    let specification: OptimizerSpecification
    let layout: ParameterLayout
    let parameters: Tensor
    private let learningRateFactor: Double
    let communicator: any Communicator
    /// The slice of each bucket that this worker owns, as a range of the flat buffer.
    let ownedRanges: [Range<Int>]
    /// [bucket]: the ranges that one call of the update rule covers. Together they cover the owned tensors.
    private let segments: [[ParameterSegment]]
    /// Nil for an elementwise rule.
    private let normSum: TensorNormSum?

    /// Names of the arrays of a bucket: the moments, then "average" if there is a moving average.
    package let arrayNames: [String]
    /// [bucket][array]: the arrays of the parameters that this worker owns. A checkpoint saves and restores them.
    package let arrays: [[Tensor]]

    /// - Parameters:
    ///   - parameters: the flat parameters of the encoder, which `update` changes. The workers of a process share them.
    ///   - learningRateFactor: factor of the learning rate of this encoder.
    package init(
        _ specification: OptimizerSpecification, layout: ParameterLayout, parameters: Tensor,
        learningRateFactor: Double = 1, communicator: any Communicator
    ) {
        precondition(
            parameters.count == layout.count, "\(parameters.count) parameters for a layout of \(layout.count)")
        let names = specification.arrayNames
        precondition(
            Set(names).count == names.count,
            "the optimizer \(type(of: specification.kind).name) has two arrays of one name: \(names)")
        let ownedRanges = layout.buckets.map { communicator.ownedRange(in: $0.range, shards: layout.shards) }
        let usesNorms = specification.kind is any TensorNormOptimizer
        precondition(
            !usesNorms || !layout.buckets.contains(where: \.isSparse),
            "\(type(of: specification.kind).name) needs the norms of whole tensors, also of a sparse table")
        self.specification = specification
        self.layout = layout
        self.parameters = parameters
        self.learningRateFactor = learningRateFactor
        self.communicator = communicator
        self.ownedRanges = ownedRanges
        segments = zip(layout.buckets, ownedRanges).map { bucket, owned in
            usesNorms
                ? ParameterSegment.tensors(layout, owned: owned, specification)
                : ParameterSegment.groups(layout, bucket: bucket, owned: owned, specification)
        }
        normSum = usesNorms ? TensorNormSum(layout, communicator: communicator) { !$0.isVector } : nil
        arrayNames = names
        arrays = ownedRanges.map { owned in names.map { _ in Tensor([owned.count]) } }
        resetAverage()
    }

    // MARK: - Update

    /// Updates the owned slices of the parameters, the moments and the moving average, then gathers the parameters of
    /// all workers on every worker. Every worker calls it.
    /// - Parameters:
    ///   - gradient: the flat gradient, summed over the workers in the owned slices. A rule with norms of tensors
    ///     overwrites these slices.
    ///   - table: the rows of the sparse table that the step touches and their summed gradient, touched rows × width;
    ///     nil if the encoder has no such table.
    ///   - step: the numbers of this update; the learning rate without the factor of the encoder.
    package func update(
        gradient: Tensor, table: (rows: TouchedRows, gradient: Tensor)? = nil, _ step: OptimizerStep
    ) throws {
        let step = OptimizerStep(rate: step.rate * learningRateFactor, t: step.t, scale: step.scale)
        if let kind = specification.kind as? any TensorNormOptimizer, let normSum {
            forEachSegment { kind.direction(block($1, ofBucket: $0, gradient, step)) }
            let norms = try normSum.norms(parameters: parameters, direction: gradient)
            forEachSegment { bucket, segment in
                kind.apply(block(segment, ofBucket: bucket, gradient, step), norms: segment.entry.flatMap { norms[$0] })
            }
            for bucket in layout.buckets.indices { try finishUpdate(ofBucket: bucket) }
        } else {
            for bucket in layout.buckets.indices {
                if layout.buckets[bucket].isSparse {
                    guard let table else { preconditionFailure("no gradient of the sparse table") }
                    try updateTable(ofBucket: bucket, table.rows, gradient: table.gradient, step)
                    continue
                }
                for segment in segments[bucket] {
                    specification.kind.update(block(segment, ofBucket: bucket, gradient, step))
                }
                try finishUpdate(ofBucket: bucket)
            }
        }
    }

    private func forEachSegment(_ body: (_ bucket: Int, ParameterSegment) -> Void) {
        for (bucket, segments) in segments.enumerated() {
            for segment in segments { body(bucket, segment) }
        }
    }

    private func block(
        _ segment: ParameterSegment, ofBucket bucket: Int, _ gradient: Tensor, _ step: OptimizerStep
    ) -> OptimizerBlock {
        let start = segment.range.lowerBound - ownedRanges[bucket].lowerBound
        let moments = arrays[bucket].prefix(specification.kind.momentNames.count)
        return OptimizerBlock(
            parameters: parameters.flat(segment.range), gradient: gradient.flat(segment.range),
            moments: moments.map { $0.flat(start..<start + segment.range.count) },
            weightDecay: segment.weightDecay, step: step)
    }

    /// Updates the moving average of the owned slice of a bucket.
    func updateAverage(ofBucket bucket: Int) {
        guard let decay = specification.averageDecay, let average = average(ofBucket: bucket) else { return }
        couplet_moving_average(
            average.count, Float(1 - decay), parameters.pointer + ownedRanges[bucket].lowerBound, average.pointer)
    }

    /// Updates the moving average of a bucket and gathers the bucket's parameters.
    private func finishUpdate(ofBucket bucket: Int) throws {
        updateAverage(ofBucket: bucket)
        try communicator.allGather(parameters.flat(layout.buckets[bucket].range), shards: layout.shards)
    }

    // MARK: - Moving average

    /// The moving average of the owned slice of a bucket; nil if there is none.
    private func average(ofBucket bucket: Int) -> Tensor? {
        specification.averageDecay == nil ? nil : arrays[bucket].last
    }

    /// Starts the moving average at the current parameters. It must be called again if the initial parameters change
    /// after `init`, as they do when a run starts from the encoders of another run.
    package func resetAverage() {
        for (bucket, owned) in ownedRanges.enumerated() {
            average(ofBucket: bucket)?.copy(from: parameters.flat(owned))
        }
    }

    /// Gathers the moving average of all workers on every worker. Every worker calls it.
    /// - Parameter flat: a buffer with the layout of the parameters. The workers of a process may pass the same one.
    package func gatherAverage(into flat: Tensor) throws {
        for (bucket, owned) in ownedRanges.enumerated() {
            guard let average = average(ofBucket: bucket) else { continue }
            flat.flat(owned).copy(from: average)
            try communicator.allGather(flat.flat(layout.buckets[bucket].range), shards: layout.shards)
        }
    }
}
