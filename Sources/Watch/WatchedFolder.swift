import CoupletFiles
import CoupletSweeps
import CoupletTraining

/// A run or a sweep whose progress `couplet watch` shows.
package struct WatchedFolder {
    private enum Content {
        case run(RunProgress)
        case sweep(SweepProgress)
    }

    private var content: Content

    /// - Throws: `FileError` if the folder is neither a run nor a sweep, or cannot be read.
    package init(_ path: String) throws {
        let sweep = SweepFolder(path: path), run = RunFolder(path: path)
        guard FileSystem.isFolder(run.path) else {
            throw FileError(
                .inputOutput, at: path,
                reason: FileSystem.exists(path) ? "a file, not the folder of a run or a sweep" : "no such run or sweep",
                remedy: "name a folder that couplet train or couplet sweep writes")
        }
        // A folder that a process has just locked has no files yet.
        let isLocked = FolderLock.isLocked(run.path) ?? false
        if sweep.holdsSweep {
            content = .sweep(SweepProgress(sweep))
        } else if run.holdsRun || isLocked {
            content = .run(RunProgress(run))
        } else {
            throw FileError(
                .inputOutput, at: path,
                reason: "neither a run nor a sweep: it has no config.yaml and no sweep.yaml",
                remedy: "name a folder that couplet train or couplet sweep writes")
        }
    }

    /// Reads what was written since the last call.
    /// - Throws: `FileError` or `ConfigurationError` if a file is damaged.
    package mutating func update() throws {
        switch content {
        case .run(var run):
            run.update()
            // A folder that was only locked may become a sweep.
            let sweep = SweepFolder(path: run.folder.path)
            content = sweep.holdsSweep && !run.folder.holdsRun ? .sweep(SweepProgress(sweep)) : .run(run)
        case .sweep(var sweep):
            try sweep.update()
            content = .sweep(sweep)
        }
    }

    /// Whether it is done, so that nothing changes any more.
    package var isDone: Bool {
        switch content {
        case .run(let run): run.status == .done
        case .sweep(let sweep):
            sweep.table != nil && !sweep.isActive && sweep.count(.waiting) + sweep.count(.running) == 0
        }
    }

    /// The picture as lines without control characters.
    /// - Parameters:
    ///   - width: the largest number of columns.
    ///   - height: the largest number of lines.
    ///   - isUnicode: whether the terminal shows braille; otherwise all is ASCII.
    package func lines(width: Int, height: Int, isUnicode: Bool) -> [String] {
        switch content {
        case .run(let run):
            RunFrame(run: run, style: isUnicode ? .braille : .ascii).lines(width: width, height: height)
        case .sweep(let sweep): SweepFrame(sweep: sweep).lines(width: width, height: height)
        }
    }
}
