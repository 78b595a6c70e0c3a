import Glibc

/// A POSIX thread with a stack of 16 MiB, enough for a recursion over layers and for the buffers of BLAS.
package final class PosixThread: @unchecked Sendable {
    private static let stackBytes = 16 << 20

    /// Carries the closure through the C function's argument.
    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    /// Starts the thread. The caller must join it.
    ///
    /// - Throws: `CollectiveError` (`launch`) if the system refuses another thread.
    package init(_ run: @escaping () -> Void) throws {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, Self.stackBytes)
        let body = Unmanaged.passRetained(Body(run))
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw CollectiveError(
                .launch, call: "pthread_create", participants: "this process", reason: String(cString: strerror(code)),
                remedy: "ask for fewer threads, or raise the limit (ulimit -u)")
        }
    }

    /// Waits until the thread has ended.
    package func join() { pthread_join(thread, nil) }
}
