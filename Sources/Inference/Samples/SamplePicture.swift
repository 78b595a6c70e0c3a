import CoupletTensors

/// A picture as a report shows it: 1 or 3 channels × height × width numbers from black to white.
public struct SamplePicture: Equatable, Sendable {
    public let channels: Int
    public let height: Int
    public let width: Int
    /// channels × height × width; the first row is the uppermost.
    public let values: [Float]
    /// The numbers of black and white.
    public let range: ClosedRange<Float>

    /// - Parameters:
    ///   - shape: that of the sample.
    ///   - values: its numbers.
    ///   - range: the numbers of black and white.
    /// - Returns: nil if the shape is not that of a picture.
    public init?(shape: [Int], _ values: [Float], range: ClosedRange<Float>) {
        guard shape.count == 3, shape[0] == 1 || shape[0] == 3, values.count == shape.reduce(1, *), !values.isEmpty
        else { return nil }
        (channels, height, width) = (shape[0], shape[1], shape[2])
        self.values = values
        self.range = range
    }

    /// Rows in the units of a source as pictures; nil if their shape or their numbers are not those of pictures.
    /// - Parameters:
    ///   - shape: that of a sample.
    ///   - rows: N × any shape with as many elements.
    public static func pictures(shape: [Int], _ rows: Tensor) -> [SamplePicture]? {
        let values = rows.values, count = shape.reduce(1, *)
        guard let smallest = values.min(), let largest = values.max(),
            let range = range(smallest: smallest, largest: largest)
        else { return nil }
        let pictures = (0..<rows.count / max(count, 1)).compactMap {
            SamplePicture(shape: shape, Array(values[$0 * count..<($0 + 1) * count]), range: range)
        }
        return pictures.isEmpty ? nil : pictures
    }

    /// The numbers of black and white, judged by the smallest and the largest number of pictures: 0 … 1, or 0 … 255 for
    /// bytes. Nil if the numbers are no pixels.
    package static func range(smallest: Float, largest: Float) -> ClosedRange<Float>? {
        let slack: Float = 1 / 512
        guard smallest >= -slack else { return nil }
        return largest <= 1 + slack ? 0...1 : largest <= 255 ? 0...255 : nil
    }
}
