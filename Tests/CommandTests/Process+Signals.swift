import Foundation

extension Process {
    /// Starts it with no signal blocked. A test's thread blocks them all, and its children inherit that: a script or mpirun would not hear any.
    func runHearingSignals() throws {
        var none = sigset_t(), former = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &former)
        defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
        try run()
    }
}
