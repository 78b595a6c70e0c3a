import CoupletFiles
import CoupletStorage
import CoupletTensors
import Testing

@Suite struct CheckpointTests {
    @Test func theDigestCoversEveryBitOfTheStateAndNothingElse() {
        let content = CheckpointExample.make(step: 7)
        var digests: Set = [content.digest]
        var changed = content
        func expectNew(_ label: String) { #expect(digests.insert(changed.digest).inserted, "\(label)") }
        changed.step += 1
        expectNew("step")
        changed = content
        changed.seed &+= 1
        expectNew("seed")
        for group in [\Checkpoint.parameters, \.optimizer, \.statistics] {
            for i in content[keyPath: group].indices where content[keyPath: group][i].array.count > 0 {
                changed = content.copied()
                if let tensor = changed[keyPath: group][i].array.tensor {
                    let last = tensor.count - 1
                    tensor[last] = Float(bitPattern: tensor[last].bitPattern ^ 1)
                } else {
                    let number = changed[keyPath: group][i].array.doubles![0]
                    changed[keyPath: group][i].array = CheckpointArray(number.nextUp)
                }
                expectNew(changed[keyPath: group][i].path)
            }
        }
        changed = content
        changed.parameters[0].array = CheckpointArray(content.parameters[0].array.tensor!.reshaped([8, 40]))
        expectNew("shape")
        changed = content
        changed.parameters[0].path = "first/0/weights"
        expectNew("path")
        changed = content
        changed.statistics.removeLast()
        expectNew("fewer arrays")

        changed = content
        changed.parameters.reverse()
        changed.configuration = "something else"
        changed.shards = 4
        changed.writtenBy = "another"
        changed.cpuKernels = "another"
        changed.scalars = []
        changed.tokenizers = []
        #expect(changed.digest == content.digest)
    }

    @Test func aCopySharesNoMemory() throws {
        let content = CheckpointExample.make(step: 1)
        let copy = content.copied()
        content.parameters[0].array.tensor!.fill(0)
        #expect(copy.digest == CheckpointExample.make(step: 1).digest)
        #expect(content.digest != copy.digest)
    }

    /// A tensor adds the bytes of its numbers, little-endian: 0x6463_6261 is "abcd".
    @Test func theDigestOfATensorIsThatOfItsBytes() {
        var text = Digest()
        text.update("abcdefgh")
        var numbers = Digest()
        numbers.update(Tensor([2], [Float(bitPattern: 0x6463_6261), Float(bitPattern: 0x6867_6665)]))
        #expect(numbers.hexadecimal == text.hexadecimal)
    }
}
