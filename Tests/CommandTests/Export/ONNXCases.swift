import CoupletStorage
import CoupletTensors
import Testing

/// A run with two kinds of encoders, whose ONNX files are compared with `couplet encode`.
struct ONNXCase: CustomTestStringConvertible, Sendable {
    let name: String
    /// The datasets of `ONNXData` of both modalities.
    let first, second: String
    /// The blocks `encoders.first` and `encoders.second`.
    let firstEncoder, secondEncoder: String
    /// Further keys of `data`.
    var data = ""
    /// Batch normalisation fits its parameters after some steps only.
    var steps = 3
    var learningRate = 0.02
    var batch = 32

    var testDescription: String { name }

    func configuration(_ file: String) -> String {
        """
        data: {source: hdf5, path: \(file), first: \(first), second: \(second)\(data)}
        encoders: {embedding: 6, first: \(firstEncoder), second: \(secondEncoder)}
        batch: {size: \(batch), shards: 2}
        optimizer: {kind: adam, learning_rate: \(learningRate)}
        train: {steps: \(steps), evaluate_every: null}

        """
    }

    /// Every kind of encoder and of layer is in one of them.
    static let all = [
        ONNXCase(
            name: "linear, mlp", first: "/vectors", second: "/sets", firstEncoder: "{kind: linear}",
            secondEncoder: "{kind: mlp, widths: [9, 8], activation: gelu}", data: ", standardize: feature"),
        ONNXCase(
            name: "cnn of bytes, labels", first: "/bytes", second: "/labels",
            firstEncoder: "{kind: cnn, channels: [4, 5, 3], hidden: [7]}", secondEncoder: "{kind: labels}"),
        ONNXCase(
            name: "resnet18, text_cnn", first: "/images", second: "/tokens",
            firstEncoder: "{kind: resnet18, stem: imagenet, hidden: [10], image_padding: 1}",
            secondEncoder: "{kind: text_cnn, vocabulary: 20, width: 8, kernels: [2, 3], channels: 6, dropout: 0.2}",
            data: ", standardize: channel", steps: 12, learningRate: 0.0005, batch: 12),
        ONNXCase(
            name: "resnet34, text_transformer", first: "/images", second: "/tokens",
            firstEncoder: "{kind: resnet34, stem: imagenet}",
            secondEncoder: """
                {kind: text_transformer, vocabulary: 20, width: 8, depth: 2, heads: 2, pool: first, dropout: 0.1}
                """, steps: 12, learningRate: 0.0005, batch: 12),
        ONNXCase(
            name: "vit, set", first: "/images", second: "/sets",
            firstEncoder: "{kind: vit, patch: 4, width: 8, depth: 2, heads: 2, pool: class}",
            secondEncoder: "{kind: set, element_widths: [9], pool: sum, widths: [7], activation: leaky_relu}"),
        ONNXCase(
            name: "attention, text_transformer with attention", first: "/sets", second: "/tokens",
            firstEncoder: "{kind: attention, width: 8, depth: 2, heads: 2, pool: attention}",
            secondEncoder: """
                {kind: text_transformer, vocabulary: 20, width: 8, depth: 1, heads: 2, pool: attention}
                """, data: ", standardize: channel"),
        ONNXCase(
            name: "vit with mean, set of tokens", first: "/bytes", second: "/tokens",
            firstEncoder: "{kind: vit, patch: 6, width: 8, depth: 1, heads: 1}",
            secondEncoder: "{kind: set, vocabulary: 20, width: 5, element_widths: [4], activation: tanh}"),
        ONNXCase(
            name: "layers of images, bag", first: "/images", second: "/tokens",
            firstEncoder: """
                {kind: layers, layers: [{conv2d: {channels: 8, kernel: 3, stride: 2, padding: 1}}, batch_norm, \
                {leaky_relu: 0.1}, {residual: [{conv2d: {channels: 8, kernel: 3, padding: 1, groups: 8, bias: false}}, \
                {group_norm: 4}, relu]}, {max_pool: {kernel: 3, stride: 1, padding: 1}}, \
                {average_pool: {kernel: 3, stride: 2, padding: 1}}, {conv2d: {channels: 4, kernel: [1, 3]}}, gelu, \
                flatten, {dropout: 0.3}, {linear: 6}]}
                """,
            secondEncoder: """
                {kind: layers, layers: [{embedding_bag: {vocabulary: 20, width: 9, reduction: sum}}, batch_norm, \
                tanh, {linear: 6}]}
                """),
        ONNXCase(
            name: "layers of images, layers of tokens", first: "/images", second: "/tokens",
            firstEncoder: """
                {kind: layers, layers: [{conv2d: {channels: 6, kernel: 3}}, \
                {parallel: [[global_average_pool], [global_max_pool], [flatten, {linear: 5}, tanh]]}, {linear: 6}]}
                """,
            secondEncoder: """
                {kind: layers, layers: [{token_embedding: {vocabulary: 20, width: 8}}, positional_embedding, \
                class_token, {conv1d: {channels: 8, kernel: 4}}, gelu, {linear: 8}, \
                {self_attention: 2}, {residual: [layer_norm, {linear: 8}]}, \
                {transformer: {heads: 2, mlp_ratio: 2}}, \
                {parallel: [[mean_pool], [sum_pool], [global_max_pool], [first_token], [{attention_pool: 2}]]}, \
                {linear: 6}]}
                """),
        ONNXCase(
            name: "patches and masking", first: "/images", second: "/sets",
            firstEncoder: """
                {kind: layers, layers: [{patch_embedding: {patch: 4, width: 8}}, {group_norm: 2}, \
                {transformer: 2}, unsqueeze, {conv2d: {channels: 3, kernel: 2}}, relu, global_average_pool, \
                {linear: 6}]}
                """,
            secondEncoder: """
                {kind: layers, layers: [masking, {conv1d: {channels: 6, kernel: 3, stride: 2, padding: 1}}, \
                batch_norm, relu, {attention_pool: 3}, {linear: 6}]}
                """),
        ONNXCase(
            name: "bags with means, strided convolution of tokens", first: "/tokens", second: "/tokens",
            firstEncoder: """
                {kind: layers, layers: [{embedding_bag: {vocabulary: 20, width: 9, sparse: false}}, {linear: 6}]}
                """,
            secondEncoder: """
                {kind: layers, layers: [{token_embedding: {vocabulary: 20, width: 5}}, \
                {conv1d: {channels: 6, kernel: 2, stride: 2, padding: 0}}, global_max_pool, {linear: 6}]}
                """),
    ]
}

/// The pairs of the cases: 48 rows of each kind of samples.
enum ONNXData {
    static let count = 48

    static func write(_ path: String) throws {
        let file = try HDF5File(creating: path)
        let philox = Philox(seed: 11)
        func normals(_ name: String, _ shape: [Int], scale: Float = 1) -> Tensor {
            let width = shape.reduce(1, *)
            var seed: UInt64 = 0
            for byte in name.utf8 { seed = seed &* 31 &+ UInt64(byte) }
            var numbers: [Float] = []
            for row in 0..<count { numbers += philox.normals(width, .source, number: seed + UInt64(row)) }
            return Tensor([count] + shape, numbers.map { $0 * scale })
        }
        try file.write("/vectors", normals("vectors", [8], scale: 3))
        try file.write("/images", normals("images", [3, 12, 12]))
        let bytes: [UInt8] = normals("bytes", [3, 12, 12]).values.map { UInt8(max(0, min(255, 128 + 60 * $0))) }
        try file.write("/bytes", bytes, shape: [count, 3, 12, 12])
        // Sets of 0 to 5 vectors, and texts of 0 to 9 tokens.
        let sets = normals("sets", [5, 4])
        for row in 0..<count { for number in 4 * (row % 6)..<20 { sets[20 * row + number] = 0 } }
        try file.write("/sets", sets)
        var tokens = [Int32](repeating: 0, count: 9 * count)
        for row in 0..<count {
            for position in 0..<min(row % 10, 9) {
                tokens[9 * row + position] = Int32(1 + (7 * row + 5 * position * position) % 19)
            }
        }
        try file.write("/tokens", tokens, shape: [count, 9])
        try file.write("/labels", (0..<count).map { [3, 11, 12, 40][$0 % 4] }, shape: [count])
        try file.close()
    }
}
