import CoupletStorage
import CoupletTensors

/// A small checkpoint with every kind of content.
enum CheckpointExample {
    static func make(step: Int, seed: UInt64 = 18_446_744_073_709_551_557, width: Int = 40) -> Checkpoint {
        func array(_ shape: [Int], _ stream: UInt64) -> CheckpointArray {
            let tensor = Tensor(shape)
            var state = stream &+ UInt64(step)
            for i in 0..<tensor.count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                tensor[i] = Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
            }
            return CheckpointArray(tensor)
        }
        let parameters: [Checkpoint.NamedArray] = [
            ("first/0/weight", array([width, 8], 1)), ("first/0/bias", array([width], 2)),
            ("first/10/weight", array([3, 2, 5, 5], 3)), ("first/2/weight", array([1], 4)),
            ("second/0/weight", array([width, 6], 5)),
            ("second/a.b/empty", array([0, 3], 6)),
            ("objective/log_inverse_temperature", CheckpointArray(2.659260036932778)),
        ]
        let optimizer = parameters.flatMap { path, array in
            ["first_moment", "second_moment"].enumerated().map { number, name -> Checkpoint.NamedArray in
                if let doubles = array.doubles {
                    return ("\(path)/\(name)", CheckpointArray(doubles.map { $0 / 3 }, shape: []))
                }
                let moment = Tensor(array.shape)
                for i in 0..<moment.count { moment[i] = array.tensor![i] * Float(number + 2) }
                return ("\(path)/\(name)", CheckpointArray(moment))
            }
        }
        return Checkpoint(
            step: step, seed: seed, shards: 16,
            configuration: "name: größer\nseed: 1\n" + String(repeating: "# filler\n", count: 50),
            writtenBy: "couplet 0.1.0", scalars: [("schedule_steps", 1500), ("loss", .double(0.25)), ("note", "text")],
            parameters: parameters, optimizer: optimizer,
            statistics: [("first/3/running_mean", array([width], 7)), ("first/3/running_variance", array([width], 8))],
            tokenizers: [("second", Array("cat\ndog\n\u{fc}ber".utf8))])
    }

    static func isSame(_ a: Checkpoint, _ b: Checkpoint) -> Bool { text(of: a) == text(of: b) }

    /// The whole content as text, with the bits of every number. Two texts are equal if and only if the checkpoints
    /// are.
    static func text(of content: Checkpoint) -> String {
        var lines = [
            "\(content.step) \(content.seed) \(content.shards) \(content.configuration) \(content.writtenBy) "
                + content.cpuKernels,
            "\(content.scalars)", "\(content.tokenizers)",
        ]
        for arrays in [content.parameters, content.optimizer, content.statistics] {
            for (path, array) in arrays {
                let bits =
                    array.tensor?.values.map { String($0.bitPattern) } ?? array.doubles!.map { String($0.bitPattern) }
                lines.append("\(path) \(array.shape) \(array.tensor == nil) \(bits)")
            }
        }
        return lines.joined(separator: "\n")
    }
}
