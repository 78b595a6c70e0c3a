import ArgumentParser
import CoupletFiles
import CoupletPairs
import CoupletStorage
import CoupletTensors
import CoupletTraining

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Make, describe and export sets of pairs.",
        subcommands: [
            DataImportCommand.self, DataDescribeCommand.self, DataRenderCommand.self, DataExportCommand.self,
        ])
}

struct DataExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write training pairs of a config's source to an HDF5 file.",
        discussion: """
            /first and /second are in the source's own units (MNIST: bytes and labels); row i of one belongs to row i \
            of the other. Sources with classes add /labels, those with groups /groups. Sources with a known covariance \
            add /covariance/uu, uv and vv. Sources with known latent factors add the factors of each \
            pair: /latents/c, s, s_perturbed, m1 and m2. \
            A config can read such a file: data: {source: hdf5, path: FILE.h5}.

              couplet data export configs/gaussian.yaml --output pairs.h5 --count 10000
              couplet data export configs/latent.yaml --output pairs.h5 --count 10000
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(help: ArgumentHelp("The new file.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var output: String

    @Option(help: ArgumentHelp("Number of pairs.", valueName: "n"))
    var count: Int

    @Option(
        help: ArgumentHelp(
            """
            Number of the first pair. An endless source has 2^64 pairs; a loss's second batches use those from 2^63 on.
            """, valueName: "k"))
    var start: UInt64 = 0

    func validate() throws {
        try requirePositive(["count": count])
        if output.isEmpty { throw ValidationError("--output is empty; name a file") }
    }

    func run() throws {
        let configuration = try arguments.load()
        // The pairs have the bits that a training computes.
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let (end, overflows) = start.addingReportingOverflow(UInt64(count))
        if let available = source.count(of: .training), overflows || end > UInt64(available) {
            throw DataError(
                at: arguments.path,
                reason: "the source has the training pairs 0 to \(available - 1), not \(count) from \(start) on",
                remedy: start < UInt64(available)
                    ? "--count can be at most \(UInt64(available) - start)" : "use a smaller --start")
        }
        if overflows { throw ValidationError("--start \(start) and --count \(count) go beyond \(UInt64.max)") }
        try FileSystem.requireAbsent(output)
        try HDF5File.create(output) { try write(source, to: $0) }
    }

    private func write(_ source: any PairSource, to file: HDF5File) throws {
        let latentSource = source as? any LatentFactorSource
        let floatsPerPair =
            1 + (latentSource?.latentFactors ?? []).reduce(0) { $0 + $1.columns }
            + Modality.allCases.reduce(0) { $0 + source.description(of: $1).shape.reduce(1, *) }
        // 16 MiB at a time, so that memory does not limit the count.
        let block = min(count, max(1, (4 << 20) / floatsPerPair))
        for row in stride(from: 0, to: count, by: block) {
            let numbers = (row..<min(row + block, count)).map { start + UInt64($0) }
            for modality in Modality.allCases { try writeSamples(source, numbers, modality, row: row, to: file) }
            if let labels = try source.labels(.training, numbers) {
                if row == 0 { try file.create("/labels", .int64, shape: [count]) }
                try file.writeRows("/labels", from: row, labels)
            }
            if let groups = try source.groups(.training, numbers) {
                if row == 0 { try file.create("/groups", .int64, shape: [count]) }
                try file.writeRows("/groups", from: row, groups)
            }
            if let latentSource { try writeLatents(latentSource, numbers, row: row, to: file) }
        }
        if let covariance = source.gaussianCovariance { try covariance.write(to: file, group: "/covariance") }
    }

    private func writeSamples(
        _ source: any PairSource, _ numbers: [UInt64], _ modality: Modality, row: Int, to file: HDF5File
    ) throws {
        let name = "/\(modality.rawValue)"
        if let table = source.description(of: modality).labelTable {
            // Exact, where `readRaw` rounds labels beyond 2^24.
            let rows = Tensor([numbers.count, 1])
            try source.read(
                .training, numbers, first: modality == .first ? rows : nil, second: modality == .second ? rows : nil)
            if row == 0 { try file.create(name, .int64, shape: [count]) }
            return try file.writeRows(name, from: row, rows.values.map { table[Int($0)] })
        }
        let samples = try source.readRaw(.training, numbers, modality)
        // A reader of the file recognises labels by their type: integers, one in each row.
        if source.description(of: modality).classes != nil {
            if row == 0 { try file.create(name, .int64, shape: [count]) }
            try file.writeRows(name, from: row, samples.values.map { Int($0) })
        } else {
            if row == 0 { try file.create(name, .float32, shape: [count] + samples.shape.dropFirst()) }
            try file.writeRows(name, from: row, samples)
        }
    }

    private func writeLatents(
        _ source: any LatentFactorSource, _ numbers: [UInt64], row: Int, to file: HDF5File
    ) throws {
        for (factor, values) in zip(source.latentFactors, try source.latents(.training, numbers)) {
            let name = "/latents/\(factor.name)"
            let isDiscrete = factor.classes != nil
            if row == 0 { try file.create(name, isDiscrete ? .int64 : .float32, shape: [count, factor.columns]) }
            if factor.columns == 0 { continue }
            if isDiscrete {
                try file.writeRows(name, from: row, values.values.map { Int($0) }, columns: factor.columns)
            } else {
                try file.writeRows(name, from: row, values)
            }
        }
    }
}

extension GaussianCovariance {
    /// Writes the blocks uu, uv and vv as datasets of a group; the root is "".
    func write(to file: HDF5File, group: String) throws {
        try file.write("\(group)/uu", uu)
        try file.write("\(group)/uv", uv)
        try file.write("\(group)/vv", vv)
    }
}
