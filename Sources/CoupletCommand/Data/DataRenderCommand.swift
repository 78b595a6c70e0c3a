import ArgumentParser
import CoupletCommunication
import CoupletFiles
import CoupletPairs
import CoupletTraining

struct DataRenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Render pictures of objects, with sentences about them, in the layout of Multimodal3DIdent.",
        discussion: """
            Each picture shows one of seven shapes before a wall; its sentence names shape, place and color. The \
            folder gets train, val and test, each with images, latents_image.csv, latents_text.csv and \
            text/text_raw.txt, and vocab.json. The source multimodal3dident reads it, and the published set of that \
            name. All factors are functions of the seed and the number of the picture, and pictures have the same \
            bytes on every CPU and for any number of ranks. After an interruption the same command continues.

              couplet data render scenes --training 20000
              launch/local 2 couplet data render scenes --training 20000 --size 64
            """)

    @Argument(help: ArgumentHelp("The new folder.", valueName: "folder"), completion: .directory)
    var folder: String

    @Option(help: ArgumentHelp("Number of pictures for training.", valueName: "n"))
    var training: Int

    @Option(
        help: ArgumentHelp(
            "Number of pictures for validation. (default: a tenth of those for training)", valueName: "n"))
    var validation: Int?

    @Option(
        help: ArgumentHelp("Number of pictures for the test. (default: a tenth of those for training)", valueName: "n"))
    var test: Int?

    @Option(help: ArgumentHelp("Height and width of the pictures in pixels.", valueName: "n"))
    var size: Int = 64

    @Option(help: ArgumentHelp("Chooses the scenes.", valueName: "n"))
    var seed: UInt64 = 0

    @Flag(help: "The hue of the object depends on its place from left to right.")
    var positionDependentColor = false

    @Option(help: ArgumentHelp("Threads of a process. (default: as many as cores; 1 under mpirun)", valueName: "n"))
    var threads: Int?

    func validate() throws {
        try requirePositive(["training": training, "size": size, "threads": threads])
        for (name, count) in [("validation", validation), ("test", test)] {
            if let count, count < 0 { throw ValidationError("--\(name) is \(count); wanted a number from 0") }
        }
        if folder.isEmpty { throw ValidationError("the name of the folder is empty") }
        if size > 1024 { throw ValidationError("--size is \(size); wanted at most 1024 pixels") }
    }

    func run() throws {
        let group = try WorkerGroup.launch(exitCode: ExitStatus.code)
        let tenth = (training + 9) / 10
        let request = SceneFolder.Request(
            training: training, validation: validation ?? tenth, test: test ?? tenth, size: size, seed: seed,
            colorDependsOnPosition: positionDependentColor)
        let scenes = SceneFolder(path: folder)
        var lock: FolderLock?
        try group.agree(
            Result {
                guard group.processRank == 0 else { return }
                try FileSystem.makeFolder(folder)
                lock = try FolderLock(folder)
                try scenes.prepare(request)
            })
        let workers = threads ?? (group.environment.rank == nil ? WorkerCount.availableCores : 1)
        try withExtendedLifetime(lock) {
            try group.run(threads: workers) { communicator in
                try scenes.render(request, worker: communicator.rank, workers: communicator.size)
                try communicator.barrier()
            }
        }
        if group.processRank == 0 { print(folder) }
        try group.finalize()
    }
}
