/// The MPI library of this program.
///
/// MPI implementations form two families. Those of MPICH (MPICH, Intel MPI, Cray MPICH, MVAPICH) have one binary
/// interface: a program that is built with one runs with another. Open MPI has its own. A program needs a library and a
/// launcher of the family that it is built with: under the mpirun of the other, N processes start that do not know of
/// each other.
public enum MPILibrary {
    /// Programs, libraries and launchers that work together.
    public enum Family: String, Sendable {
        case openMPI = "Open MPI"
        case mpich = "MPICH"

        /// The family that a text names: that of `MPI_Get_library_version` or of `mpirun --version`; nil if it names
        /// neither.
        public init?(naming text: String) {
            let names: [(String, Family)] = [
                ("Open MPI", .openMPI), ("OpenRTE", .openMPI), ("MPICH", .mpich), ("MVAPICH", .mpich),
                ("HYDRA", .mpich), ("Intel(R) MPI", .mpich), ("Intel MPI", .mpich),
            ]
            guard let found = names.first(where: { text.contains($0.0) }) else { return nil }
            self = found.1
        }

        /// What starts programs of this family.
        public var launchers: String {
            switch self {
            case .openMPI: "Open MPI's mpirun (mpirun.openmpi on Debian) or srun --mpi=pmix"
            case .mpich: "MPICH's mpirun (mpirun.mpich on Debian), Intel's mpirun, or srun --mpi=pmi2"
            }
        }

        /// The command that builds Couplet for this family.
        fileprivate var build: String {
            switch self {
            case .openMPI: "swift build -c release"
            case .mpich: "COUPLET_MPI=mpich swift build -c release --scratch-path .build/mpich"
            }
        }
    }

    /// Name and version of the MPI whose header the program is built with, "MPICH 4.0.2".
    public static var header: String { MPIContext.headerVersion }

    /// Name and version of the library that runs, the first line of what `MPI_Get_library_version` says.
    public static var running: String { firstLine(of: MPIContext.libraryVersion) }

    /// The family that the program is built with.
    public static var family: Family { Family(naming: header) ?? .mpich }

    /// "MPICH Version:\t4.0.2\nMPICH Release date:…" becomes "MPICH Version: 4.0.2".
    static func firstLine(of text: String) -> String {
        text.prefix { $0 != "\n" && $0 != "\0" }.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
    }

    /// What to do if the launcher of this process is not of the program's family.
    ///
    /// - Parameter launcher: the launcher's family; nil if it is unknown.
    public static func remedy(forLauncher launcher: Family?) -> String {
        let start = "start the program with \(family.launchers)"
        guard let launcher, launcher != family else { return start }
        return start + ", or build it for this launcher: \(launcher.build)"
    }
}
