// Prints a digest of the results of every kernel, so that instruction sets, optimisation levels and CPUs can be
// compared. The first line, with the instruction set in use, is the only one that may differ:
//
//     COUPLET_CPU=portable KernelDigests
#include "arena.h"
#include <stdio.h>

int main(void) {
    if (couplet_refused_instruction_set()) {
        fprintf(stderr, "COUPLET_CPU=%s: this CPU has", couplet_refused_instruction_set());
        for (int i = 0; couplet_available_instruction_set(i); i++)
            fprintf(stderr, " %s", couplet_available_instruction_set(i));
        fprintf(stderr, "\n");
        return 64;
    }
    printf("instruction set %s\n", couplet_instruction_set());
    digest_attention();
    digest_convolutions();
    digest_elementary_functions();
    digest_flat_buffers();
    digest_layers();
    digest_linear_algebra();
    digest_normalization();
    digest_pairwise();
    digest_pictures();
    digest_products();
    digest_retrieval();
    digest_sequences();
    digest_sources();
    return 0;
}
