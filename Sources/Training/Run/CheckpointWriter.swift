import CoupletStorage
import Foundation
import Synchronization

/// Writes a run's checkpoints beside the training, on a thread of its own: digest, file, fsync, rename, pruning. At most one is in the works; what of it
/// fails is told at the next call. Worker 0 alone has one.
package final class CheckpointWriter: Sendable {
    private struct State {
        /// The path of the newest checkpoint that is whole.
        var newest: String?
        var failure: (any Error)?
    }

    private let store: CheckpointStore
    private let keep: Int
    private let saved: @Sendable (_ path: String, _ digest: String) -> Void
    private let state: Mutex<State>
    private let writing = DispatchGroup()

    /// - Parameters:
    ///   - keep: how many of the newest checkpoints stay.
    ///   - newest: the checkpoint that the run goes on from.
    ///   - saved: is called, on the writer's thread, once a checkpoint is on the disk.
    package init(
        _ store: CheckpointStore, keep: Int, newest: String?,
        saved: @escaping @Sendable (_ path: String, _ digest: String) -> Void
    ) {
        self.store = store
        self.keep = keep
        self.saved = saved
        state = Mutex(State(newest: newest))
    }

    /// The newest checkpoint known to be whole: of this start, or the one that it went on from.
    package var newest: String? { state.withLock { $0.newest } }

    /// Throws what a checkpoint written meanwhile has failed of, once; waits for nothing.
    package func check() throws {
        let failure = state.withLock { state in
            defer { state.failure = nil }
            return state.failure
        }
        if let failure { throw failure }
    }

    /// Waits for the checkpoint in the works: its content's memory is free again.
    /// - Throws: what it has failed of, once.
    package func wait() throws {
        finish()
        try check()
    }

    /// Waits for the checkpoint in the works, on the way out with another error.
    package func finish() { writing.wait() }

    /// Begins to write a checkpoint. Nobody changes the content's numbers before `wait` returns.
    package func begin(_ content: Checkpoint) {
        precondition(writing.wait(timeout: .now()) == .success, "two checkpoints in the works")
        writing.enter()
        let thread = Thread { [self] in
            defer { writing.leave() }
            do {
                let (path, digest) = try store.write(content, keep: keep)
                state.withLock { $0.newest = path }
                saved(path, digest)
            } catch {
                state.withLock { $0.failure = error }
            }
        }
        thread.name = "checkpoint"
        thread.start()
    }
}
