import Couplet

/// Linear layers with a skip connection around a normalised block.
struct SkipEncoder: EncoderArchitecture {
    var width = 64
    var dropout: Float = 0.1

    static let name = "skip"
    static let table = ConfigurationTable(
        SkipEncoder(), help: "Linear layers with a skip connection.",
        [
            .key("width", \.width, .integer(1...4096, example: 64), "Width of the hidden layers."),
            .key("dropout", \.dropout, .number(.belowOne, example: 0.1), "Probability with which a value is dropped."),
        ])

    func layers(inputShape: [Int], classes: Int?, embedding: Int) throws(NetworkError) -> [any Layer] {
        try requireNumbers(classes)
        return [
            Linear(inputShape: inputShape, outputs: width),
            Residual([
                LayerNormalization(inputShape: [width]),
                Linear(inputShape: [width], outputs: width, activation: .relu),
                BatchNormalization(inputShape: [width]),
                Dropout(inputShape: [width], probability: dropout),
            ]),
            Linear(inputShape: [width], outputs: embedding),
        ]
    }
}
