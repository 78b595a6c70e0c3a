import CoupletNetworks
import Testing

@Suite struct EncoderSpecificationTests {
    @Test func rejectsSpecificationsThatDoNotFit() {
        func message(_ specification: EncoderSpecification, _ shape: [Int], classes: Int? = nil, embedding: Int = 2)
            -> String
        {
            do {
                _ = try Encoder(
                    specification, inputShape: shape, classes: classes, embedding: embedding, initialScale: 1, shards: 1
                )
                return ""
            } catch {
                return error.description
            }
        }
        #expect(message(.labels, [4]).contains("labels"))
        #expect(message(.linear(bias: true), [1], classes: 10).contains("use kind labels"))
        #expect(
            message(.multilayerPerceptron(widths: [3], activation: .relu, bias: true), [1], classes: 10).contains(
                "use kind labels"))
        #expect(
            message(.multilayerPerceptron(widths: [3, 0], activation: .relu, bias: true), [2]).contains(
                "0 is not a valid size"))
        #expect(
            message(.multilayerPerceptron(widths: [3], activation: .leakyRelu(slope: -1), bias: true), [2]).contains(
                "slope"))
        #expect(message(.linear(bias: true), [2], embedding: 0).contains("embedding"))
        #expect(message(.linear(bias: true), [0]).contains("no numbers"))
        #expect(message(.convolutional(channels: [4], hidden: []), [8]).contains("needs images"))
        #expect(
            message(.convolutional(channels: [4, 4, 4], hidden: []), [1, 7, 28]).contains(
                "only 2 times; list at most 2"))
        #expect(message(.convolutional(channels: [4], hidden: []), [1, 1, 28]).contains("use kind mlp"))
        #expect(message(.convolutional(channels: [], hidden: []), [1, 8, 8]).contains("empty list of channels"))
        #expect(message(.convolutional(channels: [4, -1], hidden: []), [1, 8, 8]).contains("-1 is not a valid size"))
        #expect(message(.convolutional(channels: [4], hidden: []), [1], classes: 3).contains("use kind labels"))
        #expect(message(.convolutional(channels: [4, 4], hidden: []), [1, 7, 28]) == "")
        #expect(message(.linear(bias: true), [2]) == "")
    }
}
