import Couplet
import Foundation
import TestSupport
import Testing

/// ONNX files give in onnxruntime what `couplet encode` gives.
@Suite struct ONNXExportTests {
    /// Largest difference of a number of an encoding.
    private static let tolerance = 1e-5

    private static let compare = """
        import sys, h5py, numpy as np, onnx, onnxruntime
        model, file, dataset, codes, tolerance = sys.argv[1:]
        onnx.checker.check_model(onnx.load(model), full_check=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        rows = h5py.File(file)[dataset][:]
        rows = rows.astype(np.int64 if session.get_inputs()[0].type == "tensor(int64)" else np.float32)
        assert session.get_inputs()[0].shape[0] == "batch", session.get_inputs()[0].shape
        name = session.get_inputs()[0].name
        wanted = h5py.File(codes)["codes"][:]
        assert np.abs(wanted).max() > 0.01 and np.isfinite(wanted).all()
        # Any batch, of one row, too.
        for part in (slice(0, None), slice(3, 4)):
            found = session.run(["encodings"], {name: rows[part]})[0]
            assert found.shape == wanted[part].shape, (found.shape, wanted[part].shape)
            difference = np.abs(found - wanted[part]).max()
            assert difference <= float(tolerance), (difference, np.abs(wanted).max())
        print(difference)
        """

    private static let isAvailable = Python.has("h5py", "numpy", "onnx", "onnxruntime")

    @Test(.enabled(if: isAvailable), arguments: ONNXCase.all)
    func encodingsAreThoseOfEncode(_ example: ONNXCase) throws {
        let folder = TemporaryFolder(), data = "\(folder.path)/pairs.h5"
        try ONNXData.write(data)
        try folder.write("c.yaml", example.configuration(data))
        let script = """
            couplet train c.yaml --output run --progress none
            couplet export run --format onnx
            couplet encode run --modality first --input pairs.h5:\(example.first) --output first.h5:/codes
            couplet encode run --modality second --input pairs.h5:\(example.second) --output second.h5:/codes
            """
        let result = try ShellScript(script, in: folder.path, seconds: 500)
        try #require(result.exitCode == 0, "\(result.output)")
        for (modality, dataset) in [("first", example.first), ("second", example.second)] {
            try Python.run(
                Self.compare, "\(folder.path)/run-\(modality).onnx", data, dataset, "\(folder.path)/\(modality).h5",
                "\(Self.tolerance)")
        }
    }

    /// The preparation of MNIST's bytes is a part of the graph.
    @Test(.enabled(if: isAvailable)) func imagesOfMNISTArePrepared() throws {
        let folder = try TrainingFolder(TrainingFolder.mnist("FOLDER", steps: 3))
        try folder.writeDigits()
        let images = (0..<3 * 784).map { UInt8(truncatingIfNeeded: $0 * 37) }
        let file = try HDF5File(creating: folder.path("raw.h5"))
        try file.write("/rows", images, shape: [3, 28, 28])
        try file.close()
        let script = """
            couplet train \(folder.config) --output run --progress none
            couplet export run --format onnx --modality first --output images.onnx
            couplet encode run --modality first --input raw.h5:/rows --output codes.h5:/codes
            python3 -c 'import h5py; f = h5py.File("raw.h5", "a"); f["shaped"] = f["rows"][:].reshape(3, 1, 28, 28)'
            """
        let result = try ShellScript(script, in: folder.files.path)
        try #require(result.exitCode == 0, "\(result.output)")
        try Python.run(
            Self.compare.replacingOccurrences(of: "slice(3, 4)", with: "slice(1, 2)"), folder.path("images.onnx"),
            folder.path("raw.h5"), "shaped", folder.path("codes.h5"), "\(Self.tolerance)")
    }

    /// A label that the run does not know, and a number that is no token id, give NaN and never another row.
    @Test(.enabled(if: isAvailable)) func unknownNumbersGiveNaN() throws {
        let folder = TemporaryFolder(), data = "\(folder.path)/pairs.h5"
        try ONNXData.write(data)
        let example = ONNXCase(
            name: "labels and tokens", first: "/labels", second: "/tokens", firstEncoder: "{kind: labels}",
            secondEncoder: "{kind: text_cnn, vocabulary: 20, width: 8, kernels: [2], channels: 6}")
        try folder.write("c.yaml", example.configuration(data))
        let result = try ShellScript(
            "couplet train c.yaml --output run --progress none && couplet export run --format onnx", in: folder.path)
        try #require(result.exitCode == 0, "\(result.output)")
        try Python.run(
            """
            import sys, numpy as np, onnxruntime
            def run(name, rows):
                session = onnxruntime.InferenceSession(f"{sys.argv[1]}/run-{name}.onnx")
                return np.isnan(session.run(None, {name: np.array(rows, np.int64)})[0]).any(axis=1).tolist()
            assert run("first", [3, 40, 4, -1, 0, 1 << 40]) == [False, False, True, True, True, True]
            ids = [[1] * 9, [1, 2] + [0] * 7, [20] + [1] * 8, [-1] + [1] * 8]
            assert run("second", ids) == [False, False, True, True], run("second", ids)
            """, folder.path)
    }

    @Test func theCasesHaveEveryKind() {
        let text = ONNXCase.all.map { $0.firstEncoder + $0.secondEncoder }.joined()
        for kind in Registry.builtIn.kinds(of: .encoder) { #expect(text.contains("kind: \(kind.name)")) }
        for kind in Registry.builtIn.kinds(of: .layer) {
            let pattern = "[\\[{ ]\(kind.name)[\\],:}]"
            #expect(text.range(of: pattern, options: .regularExpression) != nil, "\(kind.name)")
        }
    }
}
