// The instruction set of the kernels: the best one that this CPU has, or the one that the environment variable
// COUPLET_CPU names. The bits of all results are the same in each.
#pragma once

// The set in use: "avx512", "avx2" or "portable" on x86-64, "neon" on arm64, "portable" elsewhere.
const char *couplet_instruction_set(void);

// The value of COUPLET_CPU if it names no set that this program and this CPU have, so that another set is in use; null
// otherwise.
const char *couplet_refused_instruction_set(void);

// The names of the sets that this program and this CPU have, best first; null after the last.
const char *couplet_available_instruction_set(int number);
