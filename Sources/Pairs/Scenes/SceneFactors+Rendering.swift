import CCoupletKernels
import CoupletImages
import CoupletTensors

extension SceneFactors {
    /// Rays along each side of a pixel.
    private static let raysPerSide = 2
    private static let pi = 3.14159265358979323846

    /// Renders the scene: the object before a wall, in the light of a lamp and of a colored spotlight, with shadows.
    /// The pixels are the same on every CPU.
    /// - Parameter size: height and width in pixels.
    public func rendered(size: Int) -> Picture {
        precondition(size > 0, "a picture of \(size) pixels")
        var scene = couplet_scene()
        scene.shape = Int32(shape)
        scene.x = 3 * Float(xPosition - 1)
        scene.y = 3 * Float(1 - yPosition)
        withUnsafeMutableBytes(of: &scene.rotation) { bytes in
            let rotation = bytes.assumingMemoryBound(to: Float.self)
            for (index, element) in rotationMatrix.enumerated() { rotation[index] = Float(element) }
        }
        scene.object_color = Self.linearColor(hue: objectColor, saturation: 1)
        scene.spotlight_color = Self.linearColor(hue: (spotlightColor - 0.5) / 2, saturation: 1)
        scene.wall_color = Self.linearColor(hue: (backgroundColor - 0.5) / 2, saturation: 0.5)
        let angle = (spotlightPosition - 0.5) * Self.pi
        scene.spotlight = (scene.x + Float(6 * sin(angle)), scene.y + Float(6 * cos(angle)), 7)
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * size * size) { buffer, count in
            couplet_render_scene(&scene, size, Self.raysPerSide, buffer.baseAddress)
            count = 3 * size * size
        }
        return Picture(channels: 3, height: size, width: size, pixels: pixels)
    }

    /// R = R_z(γ) R_y(β) R_x(α), row by row.
    private var rotationMatrix: [Double] {
        func turn(_ share: Double) -> (cosine: Double, sine: Double) {
            let angle = (share - 0.5) * Self.pi
            return (cos(angle), sin(angle))
        }
        let (a, b, c) = (turn(rotation.x), turn(rotation.y), turn(rotation.z))
        return [
            c.cosine * b.cosine, c.cosine * b.sine * a.sine - c.sine * a.cosine,
            c.cosine * b.sine * a.cosine + c.sine * a.sine,
            c.sine * b.cosine, c.sine * b.sine * a.sine + c.cosine * a.cosine,
            c.sine * b.sine * a.cosine - c.cosine * a.sine,
            -b.sine, b.cosine * a.sine, b.cosine * a.cosine,
        ]
    }

    /// Linear red, green and blue of a hue at full value: the squares of the channels of HSV.
    /// - Parameter hue: any number; its whole part has no effect.
    package static func linearColor(hue: Double, saturation: Double) -> (Float, Float, Float) {
        let position = (hue - hue.rounded(.down)) * 6
        func channel(_ shift: Double) -> Float {
            let k = shift + position, wrapped = k >= 6 ? k - 6 : k
            let level = 1 - saturation * max(0, min(1, min(wrapped, 4 - wrapped)))
            return Float(level * level)
        }
        return (channel(5), channel(3), channel(1))
    }
}
