import Couplet
import Foundation
import TestSupport
import Testing

/// `couplet config --template`.
@Suite struct ConfigTemplateTests {
    static let names = ["gaussian", "latent", "ocean", "mnist", "hdf5", "captions", "classes"]

    private static func template(_ name: String) throws -> String {
        let result = try CoupletInvocation("config", "--template", name)
        #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
        return result.output
    }

    /// Every key has the help text of `--keys` above it, and the config is valid.
    @Test(arguments: names) func everyKeyHasItsHelp(_ name: String) throws {
        let text = try Self.template(name)
        _ = try Configuration.parse(text: text, name: "\(name).yaml")
        let comments = text.split(separator: "\n").filter { $0.drop { $0 == " " }.hasPrefix("#") }
            .map { $0.drop { " #".contains($0) } }.joined(separator: " ")
        let helps = Dictionary(grouping: Configuration.keys(), by: \.path)
        for setting in try ConfigurationSettings(yaml: text, name: name).settings {
            let found = try #require(helps[setting.key], "\(setting.key)")
            #expect(found.contains { comments.contains($0.help) }, "\(setting.key)")
        }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 110 })
    }

    @Test func anUnknownNameListsTheTemplates() throws {
        let result = try CoupletInvocation("config", "--template", "mnsit")
        #expect(result.exitCode == 64 && result.output.isEmpty)
        #expect(
            result.errors.hasPrefix(
                "Error: no template is called 'mnsit'; did you mean mnist? There are "
                    + Self.names.joined(separator: ", ") + "\n"), "\(result.errors)")
        for more in [["--keys"], ["c.yaml"], ["--set", "seed=1"], ["--summary"]] {
            #expect(try CoupletInvocation(arguments: ["config", "--template", "mnist"] + more).exitCode == 64)
        }
    }

    /// The templates train on data of their kind: shortened by keys that do not change what they read.
    @Test func theTemplatesTrain() throws {
        let folder = TemporaryFolder()
        try writeMNIST(folder)
        try writePictures(folder)
        let script = """
            couplet data export gaussian.yaml --output pairs.h5 --count 600
            short="--progress none --set batch.size=32 --set batch.shards=1 --threads 1"
            couplet train gaussian.yaml $short --set train.steps=2
            couplet train mnist.yaml $short --set train.epochs=0.5
            couplet train hdf5.yaml $short --set train.epochs=0.2 --set train.evaluate_every=2
            couplet data import --manifest captions.csv --size 16 --output captions.h5
            couplet train captions.yaml $short --set data.path=captions.h5 --set batch.size=16 --set train.epochs=1 \
              --set train.evaluate_every=1
            couplet data import --classes pictures --size 16 --output classes.h5
            couplet train classes.yaml $short --set data.path=classes.h5 --set batch.size=16 --set train.epochs=1
            """
        for name in Self.names { try folder.write("\(name).yaml", Self.template(name)) }
        let result = try ShellScript(script, in: folder.path)
        #expect(result.exitCode == 0, "\(result.output)")
        for (name, steps) in [("gaussian", 2), ("mnist", 1), ("captions", 1), ("classes", 1)] {
            let step =
                try CoupletInvocation("inspect", "runs/\(name)", "--json", in: folder.path).json()["step"] as? Int
            #expect(step ?? 0 >= steps, "\(name)")
        }
    }

    private func writeMNIST(_ folder: TemporaryFolder) throws {
        for (name, count) in zip(IDXFile.mnistNames, [64, 64, 32, 32]) {
            let isImages = name.contains("images")
            let header = IDXFile.header(isImages ? [count, 28, 28] : [count])
            let content = (0..<count * (isImages ? 784 : 1)).map { UInt8(isImages ? $0 * 31 % 251 : $0 % 10) }
            try folder.write("data/mnist/\(name)", header + content)
        }
    }

    private func writePictures(_ folder: TemporaryFolder) throws {
        var manifest = "path,caption\n"
        for number in 0..<48 {
            let path = "pictures/class\(number % 3)/\(number).png"
            try folder.write(path, PictureFolder.picture(number, height: 16, width: 16).png)
            manifest += "\(path),a picture of class \(number % 3) number \(number)\n"
        }
        try folder.write("captions.csv", manifest)
    }
}
