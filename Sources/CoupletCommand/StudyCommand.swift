import ArgumentParser
import CoupletFiles
import CoupletReports
import CoupletStorage
import CoupletStudies

struct StudyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "study",
        abstract: "Turn the finished sweeps of a study into one page.",
        discussion: "launch/reproduce trains the sweeps and makes the page.",
        subcommands: [
            StudyGaussianCommand.self, StudyIdentifiabilityCommand.self, StudyMNISTCommand.self,
            StudyOceanCommand.self, StudyEmojiCommand.self, StudyImageTextCommand.self, StudyAssimilateCommand.self,
            StudyCovarianceCommand.self, StudyPictureNumbersCommand.self,
        ])
}

/// The sweeps of a study, and its page.
struct StudyArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The folder with the sweeps.", valueName: "folder"), completion: .directory)
    var folder: String

    @Option(name: [.short, .long], help: ArgumentHelp("The page.", valueName: "file.html"), completion: .file())
    var output: String?

    @Option(
        help: ArgumentHelp(
            "A folder for the page's figures, one SVG file each; made if it does not exist.", valueName: "folder"),
        completion: .directory)
    var plots: String?

    func validate() throws {
        if output == nil, plots == nil {
            throw ValidationError(
                "nowhere to write; name a page by --output report.html, or a folder for figures by --plots")
        }
    }

    /// Writes the page, its figures, or both.
    func write(_ page: ReportPage) throws {
        if let output { try page.write(to: output) }
        if let plots { try page.figures.write(to: plots) }
    }
}

struct StudyGaussianCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gaussian",
        abstract: "The Gaussian study: learned couplings and the exact ones.",
        discussion: """
            Reads the sweeps batch, combinations, rank, weights, information and inputs in a folder, as many as there \
            are, and writes tables and figures with the exact answers of Baptista, Stuart, Tran 2025 (arXiv \
            2505.24134).

              launch/reproduce gaussian --output studies/gaussian
              couplet study gaussian studies/gaussian -o report.html
            """)

    @OptionGroup var arguments: StudyArguments

    func run() throws { try arguments.write(GaussianStudy(reading: arguments.folder).page) }
}

struct StudyIdentifiabilityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identifiability",
        abstract: "The identifiability study: which latent factors the encoders find, and the predictions.",
        discussion: """
            Reads the sweeps table, encoding_size and style_change in a folder, as many as there are, and writes \
            tables and figures with the predictions of the theorem of Daunhawer, Bizeul, Palumbo, Marx, Vogt 2023 \
            (arXiv 2303.09166).

              launch/reproduce identifiability --output studies/identifiability
              couplet study identifiability studies/identifiability -o report.html
            """)

    @OptionGroup var arguments: StudyArguments

    func run() throws { try arguments.write(IdentifiabilityStudy(reading: arguments.folder).page) }
}

struct StudyMNISTCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mnist",
        abstract: "The MNIST study: images with labels, and left halves with right halves.",
        discussion: """
            Reads the sweeps labels, halves, scratch_1, scratch_5, scratch_10 and scratch_100 in a folder, as many as \
            there are, and writes tables and pictures: classification, images of each label, retrieved and drawn \
            halves, and digits from few labels (Baptista, Stuart, Tran 2025, arXiv 2505.24134). It encodes images with \
            the trained encoders, which takes about a minute.

              launch/reproduce mnist --data data/mnist --output studies/mnist
              couplet study mnist studies/mnist -o report.html
            """)

    @OptionGroup var arguments: StudyArguments

    @Option(
        help: ArgumentHelp("The folder of the MNIST files, if they have moved since the runs.", valueName: "folder"),
        completion: .directory)
    var data: String?

    func run() throws { try arguments.write(MNISTStudy(reading: arguments.folder, data: data).page) }
}

struct StudyImageTextCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image-text",
        abstract: "The image/text study: which factors of scenes pictures and sentences keep.",
        discussion: """
            Reads the sweeps small and resnet18 in a folder, as many as there are, and writes tables of all factors, \
            predicted from the encodings, and pictures of what was retrieved (Daunhawer, Bizeul, Palumbo, Marx, Vogt \
            2023, arXiv 2303.09166).

              launch/reproduce image-text --output studies/image-text
              couplet study image-text studies/image-text -o report.html
            """)

    @OptionGroup var arguments: StudyArguments

    @Option(
        help: ArgumentHelp("The folder of the pictures, if they have moved since the runs.", valueName: "folder"),
        completion: .directory)
    var data: String?

    func run() throws { try arguments.write(ImageTextStudy(reading: arguments.folder, data: data).page) }
}

struct StudyOceanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ocean",
        abstract: "The ocean study: flows from the tracks of drifters, learned and exact.",
        discussion: """
            Reads the sweeps assimilation, losses, batch and encoders in a folder, as many as there are, with the file \
            assimilation.h5 in the folder of each run (couplet study assimilate), and writes tables and pictures: \
            retrieval, posterior means and samples, calibration (Baptista, Stuart, Tran 2025, arXiv 2505.24134).

              launch/reproduce ocean --small --output studies/ocean
              couplet study ocean studies/ocean -o report.html --plots plots
            """)

    @OptionGroup var arguments: StudyArguments

    func run() throws { try arguments.write(OceanStudy(reading: arguments.folder).page) }
}

struct StudyEmojiCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "emoji",
        abstract: "The emoji study: pictures of emoji and their names in 32 languages.",
        discussion: """
            Reads the sweeps pictures and vectors in a folder, as many as there are, and writes tables and pictures: \
            recall of the pictures of names and keywords in languages that are held out, and of emoji that are never \
            seen, beside the nearest texts and a free vector for each picture. It encodes all texts with the trained \
            encoders, which takes about a minute.

              launch/reproduce emoji --output studies/emoji
              couplet study emoji studies/emoji -o report.html
            """)

    @OptionGroup var arguments: StudyArguments

    func run() throws { try arguments.write(EmojiStudy(reading: arguments.folder).page) }
}

struct StudyCovarianceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "covariance",
        abstract: "Write the nearly singular covariances of the Gaussian study.",
        discussion: """
            8 and 6 dimensions; variances from 1 down to 10⁻⁶, along directions that are not axes; canonical \
            correlations 0.9, 0.7, 0.5, 0.3, 0.15. As data:

              data: {source: gaussian, covariance: nearly_singular.h5}

              couplet study covariance nearly_singular.h5
            """)

    @Argument(help: ArgumentHelp("The new file.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var output: String

    func run() throws {
        try FileSystem.requireAbsent(output)
        try HDF5File.create(output) { try IllConditionedGaussian.covariance.write(to: $0, group: "") }
        print(output)
    }
}

struct StudyPictureNumbersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "picture-numbers",
        abstract: "Number the pictures of a set: the input of the emoji study's control without pictures.",
        discussion: """
            Adds the dataset /numbers to a file that couplet data import wrote: 0, 1, 2, …, one number for each row of \
            /first. An encoder of labels then has a free vector for each picture. A file that has the dataset stays as \
            it is.

              couplet study picture-numbers emoji.h5
              data: {source: hdf5, path: emoji.h5, first: /numbers}
            """)

    @Argument(help: ArgumentHelp("The file.", valueName: "file.h5"), completion: .file(extensions: ["h5"]))
    var path: String

    func run() throws { try EmojiStudy.numberPictures(of: path) }
}
