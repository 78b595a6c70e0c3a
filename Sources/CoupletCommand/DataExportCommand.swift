import ArgumentParser
import CoupletFiles
import CoupletPairs
import CoupletStorage
import Glibc

struct DataExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write training pairs of a config's source to an HDF5 file.",
        discussion: """
            /first and /second are in the source's own units (MNIST: bytes and labels), row i of one aligned with row i of the other; \
            /labels where the source knows classes; /covariance/uu, uv and vv where it knows them; the latent factors of each pair where it \
            knows those: /latents/c, s, s_perturbed, m1 and m2. Such a file is itself data: {source: hdf5, path: FILE.h5}.

              couplet data export configs/gaussian.yaml --output pairs.h5 --count 10000
              couplet data export configs/latent.yaml --output pairs.h5 --count 10000
            """)

    @OptionGroup var arguments: ConfigurationArguments

    @Option(help: ArgumentHelp("The file to make.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var output: String

    @Option(help: ArgumentHelp("How many pairs.", valueName: "n"))
    var count: Int

    @Option(
        help: ArgumentHelp(
            "The number of the first. An endless source has 2^64; those from 2^63 on are a loss's second batches.",
            valueName: "k"))
    var start: UInt64 = 0

    func validate() throws {
        if count < 1 { throw ValidationError("--count is \(count); wanted at least 1") }
        if output.isEmpty { throw ValidationError("--output is empty; name a file") }
    }

    func run() throws {
        let configuration = try arguments.load()
        let source = try configuration.source.makeSource(seed: configuration.seed)
        let (end, overflows) = start.addingReportingOverflow(UInt64(count))
        if let available = source.count(of: .training), overflows || end > UInt64(available) {
            throw DataError(
                place: arguments.path,
                reason: "the source has the training pairs 0 to \(available - 1), not \(count) from \(start) on",
                remedy: start < UInt64(available)
                    ? "--count can be \(UInt64(available) - start) at most" : "begin by a smaller --start")
        }
        if overflows { throw ValidationError("--start \(start) and --count \(count) go beyond \(UInt64.max)") }
        if access(output, F_OK) == 0 {
            throw FileError(
                .inputOutput, place: output, reason: "exists already", remedy: "give another name, or delete it first")
        }
        try HDF5File.create(output) { try write(source, to: $0) }
    }

    private func write(_ source: any PairSource, to file: HDF5File) throws {
        let factors = (source as? any LatentFactorSource)?.latentFactors ?? []
        let floatsARow = Modality.allCases.reduce(1 + factors.reduce(0) { $0 + $1.columns }) {
            $0 + source.description(of: $1).shape.reduce(1, *)
        }
        // 16 MiB at a time, so that any count works.
        let block = min(count, max(1, (4 << 20) / floatsARow))
        for row in stride(from: 0, to: count, by: block) {
            let rows = min(block, count - row)
            let numbers = (0..<rows).map { start + UInt64(row + $0) }
            for modality in Modality.allCases {
                let raw = try source.readRaw(.training, numbers, modality)
                let name = "/\(modality.rawValue)"
                // Labels are whole numbers, one a row: that is how a reader of the file knows them.
                if source.description(of: modality).classes != nil {
                    if row == 0 { try file.create(name, .int64, shape: [count]) }
                    try file.writeRows(name, from: row, raw.values.map { Int($0) })
                } else {
                    if row == 0 { try file.create(name, .float32, shape: [count] + raw.shape.dropFirst()) }
                    try file.writeRows(name, from: row, raw)
                }
            }
            if let labels = try source.labels(.training, numbers) {
                if row == 0 { try file.create("/labels", .int64, shape: [count]) }
                try file.writeRows("/labels", from: row, labels)
            }
            if let source = source as? any LatentFactorSource { try writeLatents(source, numbers, row: row, to: file) }
        }
        if let covariance = source.gaussianCovariance {
            try file.write("/covariance/uu", covariance.uu)
            try file.write("/covariance/uv", covariance.uv)
            try file.write("/covariance/vv", covariance.vv)
        }
    }

    /// The rows from `row` on of /latents.
    private func writeLatents(_ source: any LatentFactorSource, _ numbers: [UInt64], row: Int, to file: HDF5File) throws
    {
        for (factor, values) in zip(source.latentFactors, try source.latents(.training, numbers)) {
            let name = "/latents/\(factor.name)", isDiscrete = factor.classes != nil
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
