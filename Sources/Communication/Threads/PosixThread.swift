#if canImport(Glibc)
    import Glibc
#endif

/// A real thread with a stack of 16 MiB, which a recursion over layers and BLAS's own buffers do not fill.
package final class PosixThread: @unchecked Sendable {
    static let stackBytes = 16 << 20

    private final class Start {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    private var thread = pthread_t()

    /// Starts it. It must be joined.
    package init(_ body: @escaping () -> Void) throws {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, Self.stackBytes)
        let start = Unmanaged.passRetained(Start(body))
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw CollectiveError(
                .launch, call: "pthread_create", place: "this process", reason: String(cString: strerror(code)),
                remedy: "ask for fewer threads, or allow more (ulimit -u)")
        }
    }

    package func join() { pthread_join(thread, nil) }
}
