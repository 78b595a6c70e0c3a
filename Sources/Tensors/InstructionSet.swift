import CCoupletKernels

/// An instruction set for which the kernels are built. All give the same bits; they differ in speed only.
public enum InstructionSet: String, Sendable, CaseIterable {
    /// AVX-512 (F, BW, DQ and VL) of x86-64.
    case avx512
    /// AVX2 with fused multiply-adds, of x86-64.
    case avx2
    /// NEON of arm64.
    case neon
    /// Plain C for every CPU. Fused multiply-adds are computed in Double.
    case portable

    /// The set that this process uses: the best one that the CPU has, or the one that the environment variable
    /// `COUPLET_CPU` names.
    public static let current = InstructionSet(name: couplet_instruction_set())

    /// The sets that this program and this CPU have, best first.
    public static let available: [InstructionSet] = {
        var sets: [InstructionSet] = []
        while let name = couplet_available_instruction_set(Int32(sets.count)) {
            sets.append(InstructionSet(name: name))
        }
        return sets
    }()

    /// The value of `COUPLET_CPU` if it names no set that this program and this CPU have, so that `current` is another
    /// set; nil otherwise.
    public static let refusedRequest: String? = couplet_refused_instruction_set().map { String(cString: $0) }

    private init(name: UnsafePointer<CChar>) {
        let name = String(cString: name)
        guard let set = InstructionSet(rawValue: name) else {
            preconditionFailure("the kernels name an instruction set '\(name)' that InstructionSet lacks")
        }
        self = set
    }
}
