import CoupletTensors

/// The factors of a scene and of its sentence, those of Multimodal3DIdent (Daunhawer et al., *Identifiability Results
/// for Multimodal Contrastive Learning*, ICLR 2023). Shape and position are the content, which picture and sentence
/// share. The color is the style: the sentence names it by one of three palettes. The others belong to the picture
/// alone, and the phrasing to the sentence alone.
public struct SceneFactors: Equatable, Sendable {
    /// 0 to 6, a number of `Shape`.
    public var shape: Int
    /// 0 left, 1 center, 2 right.
    public var xPosition: Int
    /// 0 top, 1 mid, 2 bottom.
    public var yPosition: Int
    /// Rotations around the axes x, y and z, from -π/2 at 0 to π/2 at 1.
    public var rotation: SIMD3<Double>
    /// The hue of the object, once around the circle of colors from 0 to 1.
    public var objectColor: Double
    /// The place of the spotlight on a half circle above the picture, from left at 0 to right at 1.
    public var spotlightPosition: Double
    /// The hue of the spotlight, from -1/4 at 0 to 1/4 at 1.
    public var spotlightColor: Double
    /// The hue of the wall, from -1/4 at 0 to 1/4 at 1.
    public var backgroundColor: Double
    /// An index of `ColorName.all`.
    public var colorName: Int
    /// 0 to 4, which sentence describes the scene.
    public var phrasing: Int

    /// The shapes; the raw value is the number in files.
    public enum Shape: Int, CaseIterable, Sendable {
        case cube, cylinder, cone, ring, cross, mug, dumbbell
    }

    /// Draws the factors of a scene, all independent and uniform; with `colorDependsOnPosition` the hue is uniform
    /// within the third of the circle that the position from left to right chooses.
    /// - Parameters:
    ///   - seed: the seed of the set.
    ///   - part: the part of the set, such as that for training; each has scenes of its own.
    public init(seed: UInt64, part: UInt64, number: UInt64, colorDependsOnPosition: Bool = false) {
        let philox = Philox(seed: seed).derived(part)
        let words = (0..<3).map { philox.words(.source, number: number, block: $0) }
        func uniform(_ word: UInt32) -> Double { Double(word) * 0x1p-32 }
        shape = Philox.integer(words[0][0], below: Shape.allCases.count)
        xPosition = Philox.integer(words[0][1], below: 3)
        yPosition = Philox.integer(words[0][2], below: 3)
        phrasing = Philox.integer(words[0][3], below: 5)
        rotation = SIMD3(uniform(words[1][0]), uniform(words[1][1]), uniform(words[1][2]))
        let hue = uniform(words[1][3])
        objectColor = colorDependsOnPosition ? (Double(xPosition) + hue) / 3 : hue
        spotlightPosition = uniform(words[2][0])
        spotlightColor = uniform(words[2][1])
        backgroundColor = uniform(words[2][2])
        colorName = ColorName.nearest(
            toHue: objectColor, palette: Philox.integer(words[2][3], below: ColorName.palettes.count))
    }
}

/// Names of colors in sentences: three palettes, each with a hue in degrees for a name. The same hue has other names in
/// other palettes, so a name does not tell the hue.
public enum ColorName {
    static let palettes: [[(name: String, degrees: Int)]] = [
        [
            ("red", 0), ("orange", 30), ("yellow", 60), ("green", 120), ("cyan", 180), ("blue", 240), ("purple", 280),
            ("pink", 330),
        ],
        [
            ("tomato", 9), ("coral", 16), ("gold", 51), ("chartreuse", 90), ("lime", 120), ("springgreen", 150),
            ("turquoise", 174), ("deepskyblue", 195), ("dodgerblue", 210), ("indigo", 275), ("orchid", 302),
            ("deeppink", 328), ("crimson", 348),
        ],
        [
            ("scarlet", 5), ("tangerine", 35), ("mustard", 50), ("lemon", 58), ("grass", 100), ("emerald", 140),
            ("teal", 180), ("azure", 210), ("cobalt", 225), ("violet", 270), ("magenta", 300), ("raspberry", 340),
        ],
    ]

    /// All names in alphabetical order.
    public static let all: [String] = palettes.flatMap { $0.map(\.name) }.sorted()

    /// The index in `all` of the palette's name with the nearest hue; of two equally near ones, the first.
    static func nearest(toHue hue: Double, palette: Int) -> Int {
        func distance(_ degrees: Int) -> Double {
            let apart = abs(hue * 360 - Double(degrees))
            return min(apart, 360 - apart)
        }
        var nearest = palettes[palette][0]
        for color in palettes[palette] where distance(color.degrees) < distance(nearest.degrees) { nearest = color }
        return all.firstIndex(of: nearest.name)!
    }
}

extension SceneFactors {
    /// The sentence about the scene.
    public var sentence: String {
        let shape = "\(Shape(rawValue: shape)!)", color = "\"\(ColorName.all[colorName])\""
        let place = "\(["top", "mid", "bottom"][yPosition])-\(["left", "center", "right"][xPosition])"
        return switch phrasing {
        case 0: "A \(shape) of \(color) color can be seen at the \(place) of the picture."
        case 1: "There is a \(color) \(shape) at the \(place)."
        case 2: "The \(place) of the image shows a \(shape), whose color is \(color)."
        case 3: "In \(color) color, a \(shape) is placed at the \(place) of the image."
        default: "At the \(place) of the picture, one finds an object in the form of a \(color) \(shape)."
        }
    }
}

// MARK: - Tables of factors

extension SceneFactors {
    /// The columns of latents_image.csv.
    static let pictureColumns = [
        "object_shape", "object_xpos", "object_ypos", "object_zpos", "object_alpharot", "object_betarot",
        "object_gammarot", "object_color", "spotlight_pos", "spotlight_color", "background_color",
    ]
    /// The columns of latents_text.csv.
    static let sentenceColumns = [
        "object_shape", "object_xpos", "object_ypos", "object_zpos", "object_color_name", "object_color_index",
        "text_phrasing",
    ]

    /// The row of latents_image.csv; objects lie in one plane, so the z position is 0.
    var pictureRow: String {
        let continuous = [
            rotation.x, rotation.y, rotation.z, objectColor, spotlightPosition, spotlightColor, backgroundColor,
        ]
        return "\(shape),\(xPosition),\(yPosition),0," + continuous.map { "\($0)" }.joined(separator: ",")
    }

    /// The row of latents_text.csv.
    var sentenceRow: String {
        "\(shape),\(xPosition),\(yPosition),0,\(ColorName.all[colorName]),\(colorName),\(phrasing)"
    }
}
