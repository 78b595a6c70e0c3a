import CoupletFiles
import CoupletTensors

extension Digest {
    /// Adds the numbers' bits, Float32, little-endian, row-major. Not the shape.
    public mutating func update(_ tensor: Tensor) {
        update(UnsafeRawBufferPointer(start: tensor.pointer, count: tensor.count * MemoryLayout<Float>.stride))
    }
}
