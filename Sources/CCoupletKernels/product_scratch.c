#include "product_scratch.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local float *scratch;

static void create_key(void) {
    if (pthread_key_create(&key, free) != 0) {
        fputs("matrix product: no key for the memory of a thread is left\n", stderr);
        abort();
    }
}

float *couplet_product_scratch(void) {
    if (scratch) return scratch;
    pthread_once(&once, create_key);
    void *memory = 0;
    if (posix_memalign(&memory, 4096, COUPLET_SCRATCH_FLOATS * sizeof(float)) != 0) {
        fputs("matrix product: out of memory\n", stderr);
        abort();
    }
    // The thread's end frees the memory.
    pthread_setspecific(key, memory);
    scratch = memory;
    return scratch;
}
