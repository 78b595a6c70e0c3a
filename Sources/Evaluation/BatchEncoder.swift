import CoupletNetworks
import CoupletTensors

/// Encodes samples in batches of a fixed number of rows, so that the bits of an encoding do not depend on the number of
/// samples.
package struct BatchEncoder {
    /// Default number of rows in a batch. With it, `encode(rows:read:write:)` gives a row the same bits in every range
    /// that begins at a multiple of it.
    package static let defaultRows = 256

    package let encoder: Encoder
    /// One batch of samples, rows × the encoder's input shape. Callers may read samples into it.
    package let input: Tensor
    private let views: [[Tensor]]
    private let workspace: EncoderWorkspace
    private let evaluation: EncoderContext

    /// - Parameters:
    ///   - statistics: the flat running statistics of the encoder; nil if it has none.
    ///   - rows: number of rows in a batch.
    package init(
        _ encoder: Encoder, parameters: Tensor, statistics: Tensor? = nil, rows: Int = BatchEncoder.defaultRows
    ) {
        self.encoder = encoder
        input = Tensor([rows] + encoder.inputShape)
        views = encoder.views(of: parameters)
        workspace = EncoderWorkspace(encoder, rows: rows, slots: 1, backward: false)
        evaluation = .evaluation(statistics: statistics.map { encoder.statisticsViews(of: $0) } ?? [])
    }

    /// Encodes one batch.
    /// - Parameters:
    ///   - samples: rows × the encoder's input shape.
    ///   - output: the encodings, rows × e.
    ///   - context: nil for an evaluation.
    ///   - afterLayer: as for `Encoder.forward`.
    package func run(
        _ samples: Tensor, into output: Tensor, context: EncoderContext? = nil,
        afterLayer: ((_ layer: Int, _ output: Tensor) -> Void)? = nil
    ) {
        encoder.forward(
            samples, parameters: views, workspace: workspace, slot: 0, output: output, context: context ?? evaluation,
            afterLayer: afterLayer)
    }

    /// Encodes one batch.
    /// - Returns: the encodings, rows × e.
    package func run(_ samples: Tensor, context: EncoderContext? = nil) -> Tensor {
        let output = Tensor([samples.rows, encoder.outputCount])
        run(samples, into: output, context: context)
        return output
    }

    /// Encodes any number of rows, batch by batch. The last batch is padded with copies of its first row.
    /// - Parameters:
    ///   - rows: the numbers of the rows to encode.
    ///   - read: returns the prepared samples of a subrange, count × the encoder's input shape.
    ///   - write: receives the encodings of a subrange, count × e, and the subrange. The next batch overwrites the
    ///     encodings.
    package func encode(
        rows: Range<Int>, read: (Range<Int>) throws -> Tensor, write: (Tensor, Range<Int>) throws -> Void
    ) rethrows {
        let batchRows = input.rows, output = Tensor([batchRows, encoder.outputCount])
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: batchRows) {
            let batch = start..<min(start + batchRows, rows.upperBound)
            let samples = try read(batch)
            input.rows(0..<batch.count).copy(from: samples)
            for row in batch.count..<batchRows { input.rows(row..<(row + 1)).copy(from: samples.rows(0..<1)) }
            run(input, into: output)
            try write(output.rows(0..<batch.count), batch)
        }
    }
}
