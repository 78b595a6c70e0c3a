import CoupletSchema

/// The height and width of a kernel, a stride or a padding. In a config: one number for both, or [height, width].
public struct Extents: Equatable, Sendable, ExpressibleByIntegerLiteral {
    public var height: Int
    public var width: Int

    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    public init(integerLiteral side: Int) { self.init(height: side, width: side) }

    /// As in a config: "3" or "[3, 5]".
    var text: String { height == width ? "\(height)" : "[\(height), \(width)]" }
}

extension ConfigurationType where Value == Extents {
    /// One number, or [height, width].
    /// - Parameter minimum: the smallest extent.
    static func extents(from minimum: Int, example: Int) -> Self {
        let range = minimum...ConfigurationLimits.extent
        return ConfigurationType(
            "whole number from \(minimum), or [height, width]", example: "\(example)",
            read: { key, node, block in
                guard case .list = node.content else {
                    return block.integer(key, node, in: range, example: example).map { Extents(height: $0, width: $0) }
                }
                let pair = "[\(example), \(example)]"
                guard
                    let items = block.list(
                        key, node, example: pair, { block.integer(key, $0, in: range, example: example) })
                else { return nil }
                guard items.count == 2 else {
                    block.note(key, at: node.location, "wanted [height, width], such as \(pair); found \(node.found)")
                    return nil
                }
                return Extents(height: items[0], width: items[1])
            },
            write: { $0.height == $0.width ? .integer($0.height) : .integers([$0.height, $0.width]) })
    }
}

/// Windows that slide over an image with channels last, as those of a convolution or a pooling.
struct Sliding: Equatable, Sendable {
    let kernel: Extents
    let stride: Extents
    let padding: Extents

    /// Extent of the result for an image of height × width; below 1 if no window fits.
    func output(height: Int, width: Int) -> (height: Int, width: Int) {
        func extent(_ extent: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> Int {
            extent + 2 * padding < kernel ? 0 : (extent + 2 * padding - kernel) / stride + 1
        }
        return (
            extent(height, kernel.height, stride.height, padding.height),
            extent(width, kernel.width, stride.width, padding.width)
        )
    }

    /// Throws an error if the windows do not fit an image.
    func check(_ shape: [Int], _ name: String) throws(NetworkError) {
        try Self.checkImage(shape, name)
        let result = output(height: shape[0], width: shape[1])
        guard result.height > 0, result.width > 0 else {
            throw NetworkError(
                reason:
                    "a kernel of \(kernel.height) × \(kernel.width) with padding \(padding.text) is larger than its "
                    + "image of \(shape[0]) × \(shape[1])",
                remedy: "use a smaller kernel, more padding, or less pooling before it")
        }
    }

    /// Throws an error if a shape is not that of an image with channels last.
    static func checkImage(_ shape: [Int], _ name: String) throws(NetworkError) {
        guard shape.count == 3 else {
            throw NetworkError(
                reason: "\(name) needs an image, [height, width, channels], but it follows a layer with output shape "
                    + "\(shape)",
                remedy: shape.count == 1
                    ? "put it before flatten, linear and global pooling"
                    : "give images as samples, N × channels × height × width")
        }
    }
}
